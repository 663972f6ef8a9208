"""The `craton` command for operators, providers and auditors."""
