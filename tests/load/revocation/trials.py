"""Trials: who calls is revoked, and is permitted nothing that begins after the acknowledgement."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import grpc

from tests.load.revocation.kinds import Kind
from tests.load.revocation.principals import Principal
from tests.load.revocation.steady import SteadyLoad
from tests.load.revocation.ways import LIMIT_S, Ways

LEASE_S = 5.0
"""The longest life of a lease, and what a stream may go on for."""
STOPPED_LIMIT_S = 5.2
"""What an acknowledgement may take while an enforcement point stands still."""
_NOT_BEFORE_S = 2.0
"""A lease in use has two and a half seconds to live at least: nobody can know earlier that it has ended."""
_SETTLED_S = 30.0
_POLL_S = 0.002
_PROBES = 3
"""Calls that begin at the stopped service after each acknowledgement."""
_SLOWLY_S = 0.05


class TrialError(Exception):
    """What was seen must not be; the message names principals by their kind."""


@dataclass
class Measured:
    """Seconds, of everything that was tried so far."""

    healthy: list[float] = field(default_factory=list)
    """From the call that revokes to its acknowledgement, all enforcement points healthy."""
    stopped: list[float] = field(default_factory=list)
    """The same, with one that stands still."""
    streaming: list[float] = field(default_factory=list)
    """The same, all healthy, while a stream comes as fast as a model without weights can send it: it takes a
    processor for itself, which no model does that thinks."""
    given: list[float] = field(default_factory=list)
    """What gave access back."""
    streams: list[float] = field(default_factory=list)
    """From the acknowledgement to the end of a stream."""

    def clear(self) -> None:
        """Forget everything."""
        for measured in (self.healthy, self.stopped, self.streaming, self.given, self.streams):
            measured.clear()


class Trials:
    """Runs trials under a load."""

    def __init__(self, ways: Ways, load: SteadyLoad, measured: Measured) -> None:
        """Write down in `measured` what operations take."""
        self._ways = ways
        self._load = load
        self._measured = measured

    async def healthy(self, kind: Kind, *, stream: bool = False) -> None:
        """Revoke one principal. Raises TrialError."""
        principal = kind.principal
        await self._watch(principal)
        try:
            async with self._streaming(principal) if stream else contextlib.nullcontext():
                await self._revoke(kind, self._measured.streaming if stream else self._measured.healthy)
                await kind.afterwards()
                await self._refused(principal)
        finally:
            await self._end([kind])
        self._judge()

    async def stopped(
        self, kinds: Sequence[Kind], pid: int, still: frozenset[str], limit_s: float = STOPPED_LIMIT_S
    ) -> None:
        """Revoke principals at the same time while the process `pid`, which serves `still`, stands still.

        Raises TrialError, also for an acknowledgement that took more than `limit_s` seconds.
        """
        principals = [kind.principal for kind in kinds]
        await asyncio.gather(*(kind.ready() for kind in kinds))
        await asyncio.gather(*(self._watch(each) for each in principals))
        try:
            self._load.still = still
            os.kill(pid, signal.SIGSTOP)
            try:
                took = await asyncio.gather(*(self._revoke(kind, self._measured.stopped) for kind in kinds))
                for each in principals:
                    for way in still & set(each.ways):
                        for _ in range(_PROBES):
                            self._load.begin(each, way)
                await asyncio.gather(*(kind.afterwards() for kind in kinds))
                # What was begun must be on its way before the process goes on.
                await asyncio.sleep(0.1)
            finally:
                os.kill(pid, signal.SIGCONT)
                self._load.still = frozenset()
            for each in principals:
                await self._refused(each)
        finally:
            await self._end(kinds)
        self._judge()
        early = [
            kind.principal.name
            for kind, seconds in zip(kinds, took, strict=True)
            if still & set(kind.principal.ways) and seconds < _NOT_BEFORE_S
        ]
        if early:
            raise TrialError(f"{early[0]} was acknowledged while a service stood still that had its lease")
        if max(took) > limit_s:
            raise TrialError(f"acknowledged after {max(took):.2f} s: a lease ends after {LEASE_S:.0f} s")

    async def _watch(self, principal: Principal) -> None:
        """Let a principal make a good part of the calls, until it has been permitted by every way."""
        await self._refresh(principal)
        principal.begin_anew()
        self._load.watched.append(principal)
        await self._until(lambda: not principal.missing(), f"{principal.name} is not permitted at first")

    async def _refresh(self, principal: Principal) -> None:
        """Get tokens, also where a service was just started and its clients do not know it yet."""
        deadline = time.monotonic() + _SETTLED_S
        while True:
            try:
                await self._ways.refresh(principal)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)
            else:
                return

    async def _refused(self, principal: Principal) -> None:
        """Wait until every way has refused a call that began after the acknowledgement."""
        await self._until(
            lambda: not principal.missing(),
            f"{principal.name}: no call came through to be refused",
        )

    async def _revoke(self, kind: Kind, into: list[float]) -> float:
        began = time.monotonic()
        await kind.revoke()
        kind.principal.acknowledged = time.monotonic()
        into.append(kind.principal.acknowledged - began)
        return into[-1]

    async def _end(self, kinds: Sequence[Kind]) -> None:
        """Wait for calls in flight, which must not be permitted by what is given back then."""
        for kind in kinds:
            kind.principal.paused = True
            self._load.watched.remove(kind.principal)
        for kind in kinds:
            await self._idle(kind.principal)
        await asyncio.gather(*(self._restore(kind) for kind in kinds))

    async def _idle(self, principal: Principal) -> None:
        await self._until(lambda: principal.outstanding == 0, f"{principal.name}: a call does not end")

    async def _restore(self, kind: Kind) -> None:
        began = time.monotonic()
        await kind.restore()
        self._measured.given.append(time.monotonic() - began)
        kind.principal.begin_anew()

    def _judge(self) -> None:
        wrong = list(self._load.wrong)
        self._load.wrong.clear()
        if wrong:
            raise TrialError(f"{len(wrong)} calls: {wrong[0]}")

    @contextlib.asynccontextmanager
    async def _streaming(self, principal: Principal) -> AsyncIterator[None]:
        """Hold a stream open; at the end wait until it has ended by itself."""
        flowing = asyncio.Event()
        task = asyncio.create_task(self._read(principal, flowing))
        try:
            async with asyncio.timeout(_SETTLED_S):
                await flowing.wait()
            yield
            ended, broken_off = await task
        finally:
            task.cancel()
        if not broken_off:
            raise TrialError(f"{principal.name}: its stream ended as if it were whole")
        # It may end before, when its service hears of the revocation before the administrator does.
        went_on = max(0.0, ended - principal.acknowledged)
        self._measured.streams.append(went_on)
        if went_on > LEASE_S:
            raise TrialError(f"{principal.name}: its stream went on for {went_on:.2f} s")

    async def _read(self, principal: Principal, flowing: asyncio.Event) -> tuple[float, bool]:
        try:
            async for _ in self._ways.stream(principal):
                flowing.set()
                if time.monotonic() < principal.acknowledged:
                    await asyncio.sleep(_SLOWLY_S)
        except grpc.aio.AioRpcError:
            # With a refusal, or because nobody could be asked in time: both end it.
            return time.monotonic(), True
        return time.monotonic(), False

    async def _until(self, true: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + _SETTLED_S + LIMIT_S
        while not true():
            if time.monotonic() > deadline:
                raise TrialError(otherwise)
            await asyncio.sleep(_POLL_S)
