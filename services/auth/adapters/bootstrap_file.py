"""The bootstrap token in a file of auth's own uid, mode 0600."""

import os
import stat
from pathlib import Path

from services.chassis.logs import Log
from services.chassis.secret import SecretBytes

_MIN_LENGTH = 32
_MAX_LENGTH = 256

_log = Log("bootstrap")


class BootstrapFile:
    """A BootstrapToken."""

    def __init__(self, path: Path) -> None:
        """Read the token from `path` when it is asked for."""
        self._path = path

    def read(self) -> SecretBytes | None:
        """Return the token when the file is private to this uid and long enough to be one."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            _log.warning("bootstrap_token_missing")
            return None
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(stream.fileno())
            private = stat.S_IMODE(status.st_mode) in (0o600, 0o400) and status.st_uid == os.geteuid()
            if not stat.S_ISREG(status.st_mode) or not private:
                _log.warning("bootstrap_token_not_private")
                return None
            token = SecretBytes(stream.read(_MAX_LENGTH + 2).rstrip(b"\r\n"))
        return token if _MIN_LENGTH <= len(token) <= _MAX_LENGTH else None

    def destroy(self) -> None:
        """Empty the file, then remove it: its folder may belong to another uid than the file does."""
        try:
            os.close(os.open(self._path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW))
            self._path.unlink()
        except FileNotFoundError:
            return
        except OSError:
            _log.info("bootstrap_token_not_removed")
