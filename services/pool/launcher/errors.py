"""What stops a launcher."""


class LauncherError(Exception):
    """The pool cannot be started safely; the message says what is missing and what would provide it."""
