"""Runtime: the catalogue of models and their invocation."""
