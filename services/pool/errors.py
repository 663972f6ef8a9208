"""What can go wrong in a pool. Messages name models and reasons, never content, keys or paths."""


class PoolError(Exception):
    """Something failed that is tried again. `reason` is a short constant for logs and metrics."""

    def __init__(self, reason: str) -> None:
        """Fail for `reason`, for example "key_disabled"."""
        super().__init__(reason)
        self.reason = reason


class CageError(PoolError):
    """The sandbox did not start or did not stop."""


class LauncherGoneError(PoolError):
    """The launcher is gone: the agent has nothing left to do."""

    def __init__(self) -> None:
        """Fail."""
        super().__init__("launcher_gone")


class WeightsError(PoolError):
    """A model's sealed files cannot be had, or are not what its manifest says."""


class KeyRefusedError(PoolError):
    """The key service does not open the model's data key."""


class KeyServiceAwayError(PoolError):
    """The key service does not say whether models may go on."""


class KeyEndedError(PoolError):
    """A model may not go on: its key, or the pool's right to it, has ended."""


class ModelServerError(PoolError):
    """The model server refused or did not answer."""


class RestartLimitError(PoolError):
    """The sandbox ended too often: a person has to look."""

    def __init__(self) -> None:
        """Fail."""
        super().__init__("restart_limit")
