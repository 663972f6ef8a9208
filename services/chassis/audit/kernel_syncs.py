"""fdatasync by the kernel's own queue: asked for by the event loop, which goes on meanwhile.

A thread of ours that waits for the device costs two hand-offs between threads for every commit. Linux's
asynchronous I/O (io_submit(2), IOCB_CMD_FDSYNC) lets a worker of the kernel wait instead, and tells of
the end through an eventfd, which the event loop watches like a socket.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from typing import Protocol

from caio import linux_aio

Done = Callable[[OSError | None], None]
"""Called once, on the event loop: with None when the file's bytes and length are on stable storage."""

_REQUESTS = 4
"""A spool makes one commit at a time; the rest is for completions that were not collected yet."""


class Syncs(Protocol):
    """Syncs files in the background, used from one event loop."""

    def start(self, descriptor: int, done: Done) -> bool:
        """Begin fdatasync(2) of a file; False when it was not begun, and then `done` is never called."""

    def collect(self) -> None:
        """Call back for all that has ended by now, also when the event loop has not noticed yet."""

    def close(self) -> None:
        """Give back what the kernel holds. Waits for what is still being synced."""


class KernelSyncs:
    """Linux's asynchronous I/O."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch for completions on `loop`.

        Raises OSError where the kernel has no asynchronous I/O, or no room for more of it (fs.aio-max-nr).
        """
        if linux_aio is None:
            raise OSError("the library was built without asynchronous I/O")
        try:
            self._context = linux_aio.Context(max_requests=_REQUESTS)
        except (SystemError, NotImplementedError) as error:
            raise OSError("the kernel offers no asynchronous I/O") from error
        self._loop = loop
        os.set_inheritable(self._context.fileno, False)
        loop.add_reader(self._context.fileno, self.collect)

    def start(self, descriptor: int, done: Done) -> bool:
        """io_submit(2)."""
        operation = linux_aio.Operation.fdsync(descriptor)
        operation.set_callback(lambda result: done(_error(result)))
        try:
            return self._context.submit(operation) == 1
        except (SystemError, RuntimeError, ValueError, OSError):
            return False

    def collect(self) -> None:
        """io_getevents(2), without waiting."""
        with contextlib.suppress(BlockingIOError):
            self._context.poll()
        self._context.process_events(_REQUESTS)

    def close(self) -> None:
        """io_destroy(2)."""
        self._loop.remove_reader(self._context.fileno)
        del self._context


def _error(result: int) -> OSError | None:
    # The library passes the kernel's signed result as an unsigned number: below zero is an errno.
    if result == 0:
        return None
    number = (1 << 64) - result
    return OSError(number, os.strerror(number))
