"""The one error of this package."""


class TlogError(Exception):
    """Something is malformed, or not proved. The text says what, and never a content."""
