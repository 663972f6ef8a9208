"""What the edge may remember of auth's answers: for seconds, and nothing from before a revocation."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from services.chassis.clock import Clock
from services.chassis.principal import PrincipalClaims

_ENTRIES = 10_000
_MAX_ACCOUNTS = 10_000
_CONCURRENT = 64
"""Requests to auth at a time: strangers queue here and not there."""

K = TypeVar("K")
V = TypeVar("V")


class Horizon:
    """Tells what was asked before a revocation from what was asked after it.

    Whoever asks auth takes a mark first. An answer about an account counts while nothing of that account
    was revoked since its mark, also one that was on its way meanwhile.
    """

    def __init__(self) -> None:
        """Start without any revocation."""
        self._now = 0
        self._all = 0
        self._accounts: dict[str, int] = {}

    def mark(self) -> int:
        """Return the present moment, to be kept beside an answer."""
        return self._now

    def revoke(self, account_id: str, _epoch: int) -> None:
        """Let nothing count that was asked about an account until now."""
        self._now += 1
        if len(self._accounts) >= _MAX_ACCOUNTS and account_id not in self._accounts:
            # Without its entry an account's older answers would count again: all are asked for anew, once.
            self._accounts.clear()
            self._all = self._now
        self._accounts[account_id] = self._now

    def revoke_all(self) -> None:
        """Let nothing count that was asked until now: announcements may have been missed."""
        self._now += 1
        self._all = self._now

    def counts(self, mark: int, account_id: str) -> bool:
        """Say whether an answer about an account still holds."""
        return mark >= self._all and mark >= self._accounts.get(account_id, 0)

    def counts_for(self, mark: int, claims: PrincipalClaims) -> bool:
        """Say whether an answer about a principal still holds.

        The VPC endpoint that it came through may be another account's, and another one by now, or nobody's.
        """
        if claims.path is not None and not self.counts(mark, claims.path.account_id):
            return False
        return self.counts(mark, claims.account_id)

    def untouched(self, mark: int) -> bool:
        """Say whether nothing at all was revoked since: for answers that name no account."""
        return mark == self._now


class Asking(Generic[K]):
    """Questions to auth: one at a time about the same thing, and a bounded number of all."""

    def __init__(self) -> None:
        """Start without any."""
        self._open: dict[K, asyncio.Future[None]] = {}
        self._room = asyncio.Semaphore(_CONCURRENT)

    async def others(self, key: K) -> bool:
        """Wait for whoever asks about the same; False when nobody does."""
        asking = self._open.get(key)
        if asking is None:
            return False
        await asyncio.shield(asking)
        return True

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Ask what nobody else can use the answer to."""
        async with self._room:
            yield

    @asynccontextmanager
    async def one(self, key: K) -> AsyncIterator[None]:
        """Ask: others who want to know the same wait for the end of this block."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open[key] = done
        try:
            async with self._room:
                yield
        finally:
            del self._open[key]
            done.set_result(None)


class LeasedMap(Generic[K, V]):
    """A bounded map whose entries end at a time of the boot-time clock."""

    def __init__(self, clock: Clock) -> None:
        """Start empty."""
        self._clock = clock
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return a live entry."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] <= self._clock.boottime():
            del self._entries[key]
            return None
        return entry[0]

    def put(self, key: K, value: V, until: float) -> None:
        """Keep an entry until a time; the oldest one makes room."""
        self._entries[key] = (value, until)
        self._entries.move_to_end(key)
        if len(self._entries) > _ENTRIES:
            self._entries.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forget an entry, if it is there."""
        self._entries.pop(key, None)
