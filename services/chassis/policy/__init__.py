"""The IAM policy language: a strict parser, canonical JSON, a compiled evaluator. No I/O, no clock."""
