"""The launcher, over the socketpair that the agent was started with."""

import asyncio
import itertools
import os
import socket
from typing import Any

from services.chassis.secret import SecretBytes
from services.pool import control
from services.pool.errors import CageError, LauncherGoneError
from services.pool.ports import RunningCage

_TIMEOUT_S = 60.0
"""The launcher's own time-outs are shorter; this one only notices a launcher that hangs."""

_Answer = tuple[dict[str, Any], int | None]


class LauncherCage:
    """A Cage whose sandbox the launcher runs."""

    def __init__(self, end: socket.socket) -> None:
        """Speak over `end`; call `listen` inside the event loop before anything else."""
        self._end = end
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[_Answer]] = {}
        self._ended: asyncio.Event = asyncio.Event()
        self._lost = asyncio.Event()

    async def listen(self) -> None:
        """Read what the launcher says until it is gone. Raises LauncherGoneError then."""
        loop = asyncio.get_running_loop()
        self._end.setblocking(False)
        loop.add_reader(self._end, self._read)
        try:
            await self._lost.wait()
        finally:
            # Also when cancelled: the agent ends, and whoever still asks must not wait for an answer.
            self._lose()
        raise LauncherGoneError

    def _lose(self) -> None:
        asyncio.get_running_loop().remove_reader(self._end)
        self._lost.set()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(LauncherGoneError())

    def _read(self) -> None:
        try:
            message, descriptor = control.receive(self._end)
        except BlockingIOError:
            return
        except (OSError, control.ControlError):
            self._lose()
            return
        if message.get("event") == "exited":
            self._ended.set()
            return
        future = self._waiting.get(message.get("id", 0))
        if future is not None and not future.done():
            future.set_result((message, descriptor))
        elif descriptor is not None:
            os.close(descriptor)

    async def start(self) -> RunningCage:
        """Start the sandbox."""
        self._ended.clear()
        answer, descriptor = await self._ask("start")
        if not answer.get("ok") or descriptor is None:
            if descriptor is not None:
                os.close(descriptor)
            raise CageError("sandbox_refused")
        return RunningCage(descriptor, SecretBytes(answer["secret"].encode()))

    async def stop(self) -> None:
        """Stop the sandbox."""
        answer, _ = await self._ask("stop")
        if not answer.get("ok"):
            raise CageError("sandbox_not_stopped")

    async def inside(self, pid: int) -> bool:
        """Ask the launcher, which may look into processes of other users."""
        answer, _ = await self._ask("inspect", pid=pid)
        return answer.get("inside") is True

    async def end(self, pid: int) -> None:
        """Ask the launcher, which may signal processes of other users."""
        await self._ask("end", pid=pid)

    async def ended(self) -> None:
        """Wait for the launcher's word."""
        lost = asyncio.ensure_future(self._lost.wait())
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait([lost, ended], return_when=asyncio.FIRST_COMPLETED)
            if lost.done():
                raise LauncherGoneError
        finally:
            lost.cancel()
            ended.cancel()

    async def _ask(self, what: str, **arguments: Any) -> _Answer:
        if self._lost.is_set():
            raise LauncherGoneError
        number = next(self._numbers)
        future: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            control.send(self._end, {"id": number, "do": what, **arguments})
            async with asyncio.timeout(_TIMEOUT_S):
                return await future
        except TimeoutError as error:
            raise CageError("launcher_hangs") from error
        except OSError as error:
            raise LauncherGoneError from error
        finally:
            del self._waiting[number]
