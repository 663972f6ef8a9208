"""The life of a service's process: background tasks whose end ends it, signals, drain."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Protocol

import uvloop

from services.chassis.garbage import leave_modules_out, settle
from services.chassis.logs import Log

_CANCEL_AGAIN_S = 0.5

_log = Log("process")


class BackgroundTasks:
    """Tasks that run as long as the process: when one ends or raises, `failed` is set."""

    def __init__(self) -> None:
        """Start with none."""
        self.failed = asyncio.Event()
        self._running: dict[asyncio.Task[None], str] = {}

    def start(self, name: str, run: Callable[[], Awaitable[None]], *, may_end: bool = False) -> None:
        """Run `run()`; with `may_end` its orderly end is no failure."""

        async def guarded() -> None:
            await run()

        def ended(task: "asyncio.Task[None]") -> None:
            self._running.pop(task, None)
            if task.cancelled() or (may_end and task.exception() is None):
                return
            _log.error("background_task_ended", error=task.exception(), task=name)
            self.failed.set()

        task = asyncio.get_running_loop().create_task(guarded(), name=name)
        self._running[task] = name
        task.add_done_callback(ended)

    async def stop(self) -> None:
        """Cancel them all and wait for their ends.

        Again and again: before Python 3.12 a cancellation is lost in asyncio.wait_for, which clients of
        databases use, when what it waits for ends at the same moment.
        """
        while tasks := [task for task in self._running if not task.done()]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_CANCEL_AGAIN_S)


class Running(Protocol):
    """A server, as the process sees it."""

    @property
    def failed(self) -> asyncio.Event:
        """Set when the process must end."""

    async def start(self) -> None:
        """Listen."""

    async def stop(self) -> None:
        """Drain and close."""


def run_until_signal(build: Callable[[], Running]) -> int:
    """Build a server inside the loop and run it until SIGTERM, SIGINT or its failure.

    Returns the exit status of the process: 1 after a failure.
    """

    async def serve() -> int:
        server = build()
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        await server.start()
        settle()
        waits = [loop.create_task(stopping.wait()), loop.create_task(server.failed.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await server.stop()
        return 1 if server.failed.is_set() else 0

    leave_modules_out()
    status: int = uvloop.run(serve())
    return status
