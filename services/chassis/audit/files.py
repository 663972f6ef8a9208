"""The system calls of the spool, behind a narrow port so that tests can fail each of them."""

import os
from pathlib import Path
from typing import Protocol


class Files(Protocol):
    """What the spool asks of a file system. Every method raises OSError on failure."""

    def create(self, path: Path) -> int:
        """Create a file that must not exist, mode 0600, and return a descriptor that appends."""

    def reopen(self, path: Path) -> int:
        """Return a descriptor that appends to an existing file."""

    def write(self, descriptor: int, data: memoryview) -> int:
        """Write some of `data` at the end and return how many bytes were taken."""

    def fdatasync(self, descriptor: int) -> None:
        """Return after the file's bytes and its length are on stable storage."""

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file to `size` bytes."""

    def close(self, descriptor: int) -> None:
        """Close the descriptor."""

    def unlink(self, path: Path) -> None:
        """Remove the file's name."""

    def sync_directory(self, path: Path) -> None:
        """Return after the names in a directory are on stable storage."""


class OsFiles:
    """The kernel's file system."""

    def create(self, path: Path) -> int:
        """Open with O_EXCL: a segment is never written by two lives of the spool."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def reopen(self, path: Path) -> int:
        """Open an existing segment for appending."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def write(self, descriptor: int, data: memoryview) -> int:
        """write(2)."""
        return os.write(descriptor, data)

    def fdatasync(self, descriptor: int) -> None:
        """fdatasync(2)."""
        os.fdatasync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """ftruncate(2)."""
        os.ftruncate(descriptor, size)

    def close(self, descriptor: int) -> None:
        """close(2)."""
        os.close(descriptor)

    def unlink(self, path: Path) -> None:
        """unlink(2)."""
        path.unlink()

    def sync_directory(self, path: Path) -> None:
        """fsync(2) of a directory."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
