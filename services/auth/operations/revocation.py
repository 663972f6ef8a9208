"""Revocation: a change is acknowledged when no enforcement point can act on what was before it.

Whoever holds leases has registered before it got the first one. A change is announced to all of them and
waits until each has confirmed it, or until every lease that was given before has ended.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from services.auth.domain.points import EnforcementPointId
from services.auth.errors import too_many_points
from services.auth.operations.lease import LEASE_S
from services.auth.ports.revocation import Announcer, EnforcementPointStore
from services.chassis.clock import Clock
from services.chassis.logs import Log
from services.chassis.randomness import Randomness
from services.chassis.revocation import EVERYBODY

_REGISTER_S = 10.0
"""A point that goes on taking leases is written down again after this long."""
_LIVE = timedelta(seconds=30)
"""A point that was written down longer ago holds no lease: registration, lease and clocks' differences."""
_MAX_POINTS = 10_000
MAX_POINTS_OF_A_SERVICE = 64
"""Processes of one service that count at a time, those that ended in the last half minute among them. Each is
waited for, so that nobody may name them at will."""
_MANY = 100
"""A change of more accounts is announced once, to everybody: who holds leases forgets them all and confirms
once, instead of account by account for longer than leases last."""
_NUMBERS = 2**63
_SOMEBODY = EnforcementPointId("unknown", "")

_log = Log("revocation")


@dataclass(slots=True, eq=False)
class _Waiter:
    epochs: Mapping[str, int]
    missing: set[tuple[str, EnforcementPointId]]
    """Account and point, of every confirmation that has not come."""
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Revocation:
    """A Revocations port: announces changes, and waits for them to be in force."""

    def __init__(
        self, points: EnforcementPointStore, announcer: Announcer, clock: Clock, randomness: Randomness
    ) -> None:
        """Know points from `points`, tell them through `announcer`."""
        self._randomness = randomness
        self._points = points
        self._announcer = announcer
        self._clock = clock
        self._registered: dict[EnforcementPointId, float] = {}
        self._waiters: defaultdict[str, set[_Waiter]] = defaultdict(set)

    def knows(self, point: EnforcementPointId) -> bool:
        """Say whether the point is written down, and will be for longer than a lease."""
        return self._clock.boottime() < self._registered.get(point, 0.0)

    async def register(self, point: EnforcementPointId) -> None:
        """Write down that a point takes leases; to be called before anything is read for one.

        Raises DomainError(THROTTLED) when as many points of its service as may count do so already. A lease
        for a point that is not written down would outlive a revocation, so that there must be none.
        """
        if self.knows(point):
            return
        now, wall = self._clock.boottime(), self._clock.now()
        if not await self._points.register(point, wall, wall - _LIVE, MAX_POINTS_OF_A_SERVICE):
            _log.error("too_many_enforcement_points", service=point.service, limit=MAX_POINTS_OF_A_SERVICE)
            raise too_many_points()
        if len(self._registered) >= _MAX_POINTS:
            self._registered.clear()
        self._registered[point] = now + _REGISTER_S

    async def publish(self, account_id: str, epoch: int) -> None:
        """As `publish_all`, of one account."""
        await self.publish_all({account_id: epoch})

    async def publish_all(self, epochs: Mapping[str, int]) -> None:
        """Announce durable changes, and return when nothing older is in use anywhere.

        That is at most LEASE_S later: a point that does not confirm has no lease left by then.
        """
        until = self._clock.boottime() + LEASE_S
        if len(epochs) > _MANY:
            number = int.from_bytes(self._randomness.token_bytes(8), "big") % _NUMBERS
            epochs = {EVERYBODY: number}
        try:
            live = await self._points.live(self._clock.now() - _LIVE)
        except Exception as error:
            # Whoever they are: their leases end.
            _log.error("enforcement_points_unknown", error=error)
            live = [_SOMEBODY]
        waiter = _Waiter(epochs, {(account_id, point) for account_id in epochs for point in live})
        for account_id in epochs:
            self._waiters[account_id].add(waiter)
        try:
            await self._announcer.publish_all(epochs)
            if waiter.missing:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(waiter.done.wait(), max(0.0, until - self._clock.boottime()))
        finally:
            for account_id in epochs:
                waiting = self._waiters[account_id]
                waiting.discard(waiter)
                if not waiting:
                    del self._waiters[account_id]
        if waiter.missing:
            silent = {point.service for _, point in waiter.missing}
            _log.warning("revocation_not_confirmed", service=",".join(sorted(silent)))

    def confirmed(self, point: EnforcementPointId, account_id: str, epoch: int) -> None:
        """Note that a point uses nothing older than `epoch` of an account."""
        for waiter in self._waiters.get(account_id, ()):
            wanted = waiter.epochs[account_id]
            # What was forgotten before another announcement to everybody may have been leased again.
            if epoch == wanted or (epoch > wanted and account_id != EVERYBODY):
                waiter.missing.discard((account_id, point))
                if not waiter.missing:
                    waiter.done.set()

    async def confirm(self, point: EnforcementPointId, revocations: list[tuple[str, int]]) -> None:
        """Take a point's word, here and at every other replica."""
        for account_id, epoch in revocations:
            self.confirmed(point, account_id, epoch)
            await self._announcer.relay(point.encode(account_id, epoch))

    def heard(self, message: object) -> None:
        """Take what another replica relays; anything that is not ours is left alone."""
        found = EnforcementPointId.decode(message)
        if found is not None:
            self.confirmed(*found)
