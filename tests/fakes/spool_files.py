"""File systems for the audit spool that fail on command."""

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from services.chassis.audit.files import OsFiles
from services.chassis.audit.kernel_syncs import Done, Syncs


class SyncsOf:
    """Syncs in the background with somebody's fdatasync, which may fail or take its time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fdatasync: Callable[[int], None]) -> None:
        self._loop = loop
        self._fdatasync = fdatasync
        self._worker = ThreadPoolExecutor(1)
        self._pending: list[tuple[Future[None], Done]] = []

    def start(self, descriptor: int, done: Done) -> bool:
        future = self._worker.submit(self._fdatasync, descriptor)
        self._pending.append((future, done))
        future.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self.collect))
        return True

    def collect(self) -> None:
        ended = [pair for pair in self._pending if pair[0].done()]
        for pair in ended:
            self._pending.remove(pair)
            error = pair[0].exception()
            assert error is None or isinstance(error, OSError)
            pair[1](error)

    def close(self) -> None:
        self._worker.shutdown()


class FaultyFiles(OsFiles):
    """Real files; the call with number `fail_at` fails with `error`, once.

    With `short` the failing write takes half of its bytes before the next one fails. Calls are counted
    in `calls`, by name in `names`. With `background` the spool need not wait for fdatasync in its thread.
    """

    def __init__(
        self, fail_at: int = -1, error: int = errno.EIO, *, short: bool = False, background: bool = True
    ) -> None:
        self.background = background
        self.fail_at = fail_at
        self.error = error
        self.short = short
        self.names: list[str] = []
        self.failed = ""

    @property
    def calls(self) -> int:
        return len(self.names)

    def _step(self, name: str) -> None:
        number = len(self.names)
        self.names.append(name)
        if number == self.fail_at:
            self.failed = name
            raise OSError(self.error, os.strerror(self.error))

    def create(self, path: Path) -> int:
        self._step("create")
        return super().create(path)

    def reopen(self, path: Path) -> int:
        self._step("reopen")
        return super().reopen(path)

    def allocate(self, descriptor: int, size: int) -> None:
        self._step("allocate")
        super().allocate(descriptor, size)

    def write(self, descriptor: int, data: memoryview, offset: int) -> int:
        if self.short and len(self.names) == self.fail_at and len(data) > 1:
            # A short write, as before a full disk: half is taken, the rest fails with the next call.
            self.fail_at += 1
            self.names.append("short write")
            return super().write(descriptor, data[: len(data) // 2], offset)
        self._step("write")
        return super().write(descriptor, data, offset)

    def fdatasync(self, descriptor: int) -> None:
        self._step("fdatasync")
        super().fdatasync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        self._step("truncate")
        super().truncate(descriptor, size)

    def unlink(self, path: Path) -> None:
        self._step("unlink")
        super().unlink(path)

    def sync_directory(self, path: Path) -> None:
        self._step("sync_directory")
        super().sync_directory(path)

    def syncs(self, loop: asyncio.AbstractEventLoop) -> Syncs | None:
        return SyncsOf(loop, self.fdatasync) if self.background else None


class SmallDisk(OsFiles):
    """A file system with room for `room` bytes; a write takes what fits before the next one fails."""

    def __init__(self, room: int) -> None:
        self.room = room

    def allocate(self, descriptor: int, size: int) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    def write(self, descriptor: int, data: memoryview, offset: int) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = super().write(descriptor, data[: self.room], offset)
        self.room -= written
        return written

    def truncate(self, descriptor: int, size: int) -> None:
        before = os.fstat(descriptor).st_size
        super().truncate(descriptor, size)
        self.room += before - size

    def unlink(self, path: Path) -> None:
        size = path.stat().st_size
        super().unlink(path)
        self.room += size


class HungDisk(OsFiles):
    """fdatasync waits while `hang` is set."""

    def __init__(self, *, background: bool = True) -> None:
        self.background = background
        self._go = threading.Event()
        self._go.set()

    def hang(self) -> None:
        self._go.clear()

    def recover(self) -> None:
        self._go.set()

    def fdatasync(self, descriptor: int) -> None:
        self._go.wait(10)
        super().fdatasync(descriptor)

    def syncs(self, loop: asyncio.AbstractEventLoop) -> Syncs | None:
        return SyncsOf(loop, self.fdatasync) if self.background else None
