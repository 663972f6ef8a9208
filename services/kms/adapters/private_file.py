"""A file for kms's own uid alone, whose former contents are overwritten when it is replaced.

Overwriting reaches the blocks that the file system writes in place. It does not reach what a journal, a
copy-on-write file system, a snapshot, or the wear levelling of a flash disk have kept: where that matters,
keys belong into a device (docs/root-custody.md).
"""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from services.kms.ports import CustodyError

_MAX_BYTES = 64 * 1024


class PrivateFile:
    """One file, its drafts and its former contents, under a lock that processes share."""

    def __init__(self, path: Path, what: str) -> None:
        """Name a file in a folder that nobody else can write. `what` stands for it in errors.

        Raises CustodyError for another folder.
        """
        self._path = path
        self._what = what
        self._draft = path.with_name(f"{path.name}.new")
        self._former = path.with_name(f"{path.name}.old")
        _require_private_folder(path.parent, what)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from reading and replacing; first bring to an end what a crash interrupted."""
        descriptor = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._finish_interrupted()
            yield
        finally:
            os.close(descriptor)

    def exists(self) -> bool:
        """Whether there is anything by that name."""
        return os.path.lexists(self._path)

    def read(self) -> bytes:
        """Return the contents. Raises CustodyError unless it is a regular file for kms's own uid alone."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise CustodyError(f"the {self._what} cannot be opened: {error.strerror}") from None
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise CustodyError(f"the {self._what} must be a regular file with one name")
            if status.st_uid != os.geteuid():
                raise CustodyError(
                    f"the {self._what} must be owned by the uid that kms runs as, {os.geteuid()}"
                )
            if stat.S_IMODE(status.st_mode) not in (0o600, 0o400):
                raise CustodyError(
                    f"the {self._what} must have mode 0600, not {stat.S_IMODE(status.st_mode):04o}"
                )
            return stream.read(_MAX_BYTES)

    def replace(self, contents: bytes) -> None:
        """Write the contents, durably and as a whole, and overwrite what stood there. Needs the lock.

        Raises CustodyError when the file cannot be written; then the former contents stand.
        """
        try:
            self._write_draft(contents)
            if self.exists():
                # A second name, by which the blocks can still be reached once the first one is taken away.
                self._former.hardlink_to(self._path)
            self._draft.rename(self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            raise CustodyError(f"the {self._what} cannot be written: {error.strerror}") from None
        self._overwrite(self._former)

    def _write_draft(self, contents: bytes) -> None:
        descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(contents)
            stream.flush()
            os.fsync(stream.fileno())

    def _finish_interrupted(self) -> None:
        """Drafts never became the file; former contents have left it, or were about to and have not."""
        if os.path.lexists(self._former) and self.exists() and self._former.samefile(self._path):
            self._former.unlink()
            sync_folder(self._path.parent)
        self._overwrite(self._former)
        self._overwrite(self._draft)

    def _overwrite(self, path: Path) -> None:
        if not os.path.lexists(path):
            return
        try:
            if not path.is_symlink():
                path.chmod(0o600)
            descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise CustodyError(
                f"the {self._what} has left-overs that cannot be overwritten: {error.strerror}"
            ) from None
        try:
            # Not the injected randomness: what these bytes are is of no consequence.
            os.write(descriptor, os.urandom(os.fstat(descriptor).st_size))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.unlink()
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_private_folder(folder: Path, what: str) -> None:
    try:
        status = folder.stat()
    except OSError as error:
        raise CustodyError(f"the folder of the {what} cannot be used: {error.strerror}") from None
    if status.st_uid not in (os.geteuid(), 0) or status.st_mode & 0o022:
        raise CustodyError(
            f"the folder of the {what} must be owned by kms's uid or root, and writable by nobody else"
        )
