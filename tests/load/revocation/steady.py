"""A load of so many calls a second, whatever the services do, which judges every call that ends."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Coroutine, Sequence

import grpc

from tests.load.revocation.principals import Principal, Verdict
from tests.load.revocation.ways import Ways

_TICK_S = 0.004
_IN_FLIGHT = 48
"""Calls of one way at a time: more would wait in the client. A service that stands still has so many to
answer when it goes on."""
_TOKEN_AGE_S = 30.0
"""Tokens live for 60 s."""
_WATCHED = 0.5
"""Share of the calls that those make who are being revoked."""
_CALLERS = 8
"""So many make the other half; each holds leases everywhere, which auth renews as long as it calls."""
_CALLERS_S = 15.0
"""Then others do."""
_CATCH_UP_S = 0.25
"""What was missed for longer is not made up for: that would be another load."""
_SHARES = {"runtime": 0.47, "kms": 0.47, "edge": 0.06}
_INVOKE_SHARE = 0.1


class SteadyLoad:
    """Calls of many principals, by all ways."""

    def __init__(
        self, ways: Ways, principals: Sequence[Principal], rate: float, random_: random.Random
    ) -> None:
        """Begin `rate` calls a second once `run` runs."""
        self._ways = ways
        self._principals = principals
        self._rate = rate
        self._random = random_
        self._callers: list[Principal] = []
        self._callers_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_flight: Counter[str] = Counter()
        self._refreshing: set[Principal] = set()
        self.watched: list[Principal] = []
        """Who is being revoked now."""
        self.ended: Counter[tuple[str, Verdict]] = Counter()
        self.after: int = 0
        """Calls that began after an acknowledgement, and were refused."""
        self.still: frozenset[str] = frozenset()
        """Ways of a service that stands still: the load goes the others, all of it."""
        self.skipped = 0
        """Calls that were due while too many were in flight."""
        self.wrong: list[str] = []
        """What was permitted and must not have been."""

    async def run(self) -> None:
        """Call until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while True:
                now = loop.time()
                if now >= self._callers_until:
                    count = min(_CALLERS, len(self._principals))
                    self._callers = self._random.sample(self._principals, count)
                    self._callers_until = now + _CALLERS_S
                due = max(due, now - _CATCH_UP_S)
                while due <= now:
                    due += 1 / self._rate
                    self._begin()
                self._refresh_oldest(now)
                await asyncio.sleep(_TICK_S)
        finally:
            for task in self._tasks:
                task.cancel()

    @property
    def calls(self) -> int:
        """Calls that ended with a verdict."""
        return sum(count for (_, verdict), count in self.ended.items() if verdict is not Verdict.FAILED)

    @property
    def failed(self) -> int:
        """Calls that ended without one."""
        return sum(count for (_, verdict), count in self.ended.items() if verdict is Verdict.FAILED)

    def _begin(self) -> None:
        principal = self._chosen()
        if principal is None:
            return
        way = self._way(principal)
        if way in self.still:
            way = "runtime" if "kms" in self.still else "kms"
        if self._in_flight[way] >= _IN_FLIGHT:
            self.skipped += 1
            return
        self.begin(principal, way)

    def begin(self, principal: Principal, way: str) -> None:
        """Begin one call now, besides those of the load."""
        self._start(self._call(principal, way))

    def _chosen(self) -> Principal | None:
        watched = [each for each in self.watched if not each.paused]
        if not watched or self._random.random() >= _WATCHED:
            watched = [each for each in self._callers if not each.paused and each.tokens]
        return self._random.choice(watched) if watched else None

    def _way(self, principal: Principal) -> str:
        missing = principal.missing() if principal in self.watched else []
        if missing and self._random.random() < _WATCHED:
            return self._random.choice(missing)
        if "invoke" in principal.ways and self._random.random() < _INVOKE_SHARE:
            return "invoke"
        return self._random.choices(list(_SHARES), list(_SHARES.values()))[0]

    async def _call(self, principal: Principal, way: str) -> None:
        self._in_flight[way] += 1
        principal.outstanding += 1
        began = time.monotonic()
        try:
            verdict = await self._ways.call(principal, way)
        finally:
            self._in_flight[way] -= 1
            principal.outstanding -= 1
        self.ended[way, verdict] += 1
        if way in principal.ways:
            wrong = principal.judge(way, began, verdict)
            if wrong is not None:
                self.wrong.append(wrong)
            elif verdict is Verdict.REFUSED and began >= principal.acknowledged:
                self.after += 1

    def _refresh_oldest(self, now: float) -> None:
        for principal in (*self.watched, *self._callers):
            if now - principal.tokens_at > _TOKEN_AGE_S and principal not in self._refreshing:
                self._refreshing.add(principal)
                self._start(self._refresh(principal))
                return

    async def _refresh(self, principal: Principal) -> None:
        try:
            await self._ways.refresh(principal)
        except grpc.aio.AioRpcError:
            # Revoked, or the service stands still: the tokens that there are go on being tried.
            principal.tokens_at += 1.0
        finally:
            self._refreshing.discard(principal)

    def _start(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
