"""The system calls of the spool, behind a narrow port so that tests can fail each of them."""

import asyncio
import os
from pathlib import Path
from typing import Protocol

from services.chassis.audit.kernel_syncs import KernelSyncs, Syncs


class Files(Protocol):
    """What the spool asks of a file system. Every method raises OSError on failure."""

    def create(self, path: Path) -> int:
        """Create a file that must not exist, mode 0600, and return a descriptor that writes."""

    def reopen(self, path: Path) -> int:
        """Return a descriptor that writes to an existing file."""

    def allocate(self, descriptor: int, size: int) -> None:
        """Reserve room for `size` bytes; they read as zeros until they are written."""

    def write(self, descriptor: int, data: memoryview, offset: int) -> int:
        """Write some of `data` at `offset` and return how many bytes were taken."""

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

    def syncs(self, loop: asyncio.AbstractEventLoop) -> Syncs | None:
        """Return what syncs these files in the background; None where only a thread can wait for them."""


class OsFiles:
    """The kernel's file system."""

    def create(self, path: Path) -> int:
        """Open with O_EXCL: a segment is never written by two lives of the spool."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def reopen(self, path: Path) -> int:
        """Open an existing segment for writing."""
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def allocate(self, descriptor: int, size: int) -> None:
        """posix_fallocate(3)."""
        os.posix_fallocate(descriptor, 0, size)

    def write(self, descriptor: int, data: memoryview, offset: int) -> int:
        """pwrite(2)."""
        return os.pwrite(descriptor, data, offset)

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

    def syncs(self, loop: asyncio.AbstractEventLoop) -> Syncs | None:
        """The kernel's queue, where there is one."""
        try:
            return KernelSyncs(loop)
        except OSError:
            return None
