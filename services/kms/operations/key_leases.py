"""Leases on keys: a revocation is acknowledged when nobody uses what was opened before it.

Whoever keeps data keys in memory has taken a lease on the key above them, and is written down here before
the key's state is read for it. A revocation is announced to all of them, and waits until each has confirmed
it or its leases have ended. What is written down lies in memory: kms is one process a store, and for the
life of a lease after its start it waits for those that an earlier process may have written down.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.logs import Log
from services.chassis.randomness import Randomness
from services.chassis.revocation import EVERYBODY
from services.kms.domain.names import KeyName
from services.kms.operations.key_uses import KeyUse, KeyUses, is_refusal
from services.kms.ports import KeyAnnouncer

LEASE_S = 4.75
"""How long a revocation may go unnoticed by a holder that hears of nothing: five seconds are promised, and
announcing takes its time as well. As for leases on policies."""
MAX_HOLDERS_OF_A_WORKLOAD = 64
"""Processes of one workload that count at a time. Each is waited for: nobody may name them at will."""

_EPOCHS = 1 << 62
_MAX_EPOCHS = 10_000
_log = Log("key_leases")


@dataclass(frozen=True, slots=True)
class Holder:
    """One process of a workload."""

    workload: WorkloadId
    """As its certificate says."""
    instance_id: str
    """Random, new with every start."""


@dataclass(frozen=True, slots=True)
class KeyLease:
    """An answer to one use."""

    epoch: int
    refusal: int = ErrorReason.ERROR_REASON_UNSPECIFIED
    """Why there is no lease."""


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """A lease that is being decided: what it will be given may be from before a revocation."""

    holder: Holder
    until: float


@dataclass(slots=True, eq=False)
class _Waiter:
    epoch: int
    missing: dict[Holder | _Reading, float]
    """Until when each that has not confirmed may use what it has; boot time."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class KeyLeases:
    """Gives leases, and a KeyRevocations port that waits for them."""

    def __init__(
        self,
        uses: KeyUses,
        announcer: KeyAnnouncer,
        clock: Clock,
        randomness: Randomness,
        *,
        first_boot: bool = False,
    ) -> None:
        """Lease what `uses` permits; announce revocations by `announcer`.

        `first_boot` says that the store is new, so that no earlier process can have leased anything of it.
        """
        self._uses = uses
        self._announcer = announcer
        self._clock = clock
        now = clock.boottime()
        self._unknown_until = now if first_boot else now + LEASE_S
        # Epochs begin somewhere else with every process, so that what was opened before is forgotten.
        self._epoch = int.from_bytes(randomness.token_bytes(8), "big") % _EPOCHS
        self._first = self._epoch
        self._epochs: dict[KeyName, int] = {}
        self._readings: dict[KeyName, set[_Reading]] = {}
        self._holders: dict[KeyName, dict[Holder, float]] = {}
        self._instances: dict[WorkloadId, dict[str, float]] = {}
        self._waiters: dict[str, set[_Waiter]] = {}
        self._swept = now

    async def lease(self, holder: Holder, uses: Sequence[KeyUse]) -> list[KeyLease]:
        """Answer each use, as the keys are now.

        Raises DomainError: THROTTLED when as many processes of the workload as may count hold leases already;
        SEALED and DEPENDENCY_UNAVAILABLE when nothing can be said about any key.
        """
        self._sweep()
        self._count(holder)
        return [await self._lease(holder, use) for use in uses]

    async def _lease(self, holder: Holder, use: KeyUse) -> KeyLease:
        name = use.key_name
        # First written down, then read: a revocation in between waits for this holder.
        reading = _Reading(holder, self._clock.boottime() + LEASE_S)
        readings = self._readings.setdefault(name, set())
        readings.add(reading)
        epoch = self._epochs.get(name, self._first)
        try:
            await self._uses.permit(holder.workload, use)
        except BaseException as error:
            for subject in (str(name), EVERYBODY):
                self._release(subject, reading)
            if isinstance(error, DomainError) and is_refusal(error):
                return KeyLease(epoch, error.reason)
            raise
        else:
            holders = self._holders.setdefault(name, {})
            holders[holder] = max(reading.until, holders.get(holder, 0.0))
            return KeyLease(epoch)
        finally:
            readings.discard(reading)
            if not readings:
                self._readings.pop(name, None)

    def confirm(self, holder: Holder, revocations: Sequence[tuple[str, int]]) -> None:
        """Take a holder's word that it uses nothing any more that it opened before these.

        Nor does it believe answers that it asked for before: what is being read for it counts no more.
        """
        for subject, epoch in revocations:
            for waiter in self._waiters.get(subject, ()):
                if waiter.epoch == epoch:
                    for each in list(waiter.missing):
                        if each == holder or (isinstance(each, _Reading) and each.holder == holder):
                            del waiter.missing[each]
                    waiter.changed.set()

    async def revoke(self, name: KeyName) -> None:
        """See KeyRevocations."""
        self._epoch += 1
        if len(self._epochs) >= _MAX_EPOCHS:
            # Every key's epoch is another one then: all that is held is asked for anew, once.
            self._epochs.clear()
            self._first = self._epoch
        self._epochs[name] = self._epoch
        await self._in_force(str(name), self._epoch, self._who_holds([name]))

    async def revoke_all(self) -> None:
        """See KeyRevocations."""
        self._epoch += 1
        self._first = self._epoch
        self._epochs.clear()
        names = {*self._holders, *self._readings}
        await self._in_force(EVERYBODY, self._epoch, self._who_holds(names))

    def _who_holds(self, names: Iterable[KeyName]) -> dict[Holder | _Reading, float]:
        missing: dict[Holder | _Reading, float] = {}
        for name in names:
            for holder, until in self._holders.get(name, {}).items():
                missing[holder] = max(until, missing.get(holder, 0.0))
            missing.update((reading, reading.until) for reading in self._readings.get(name, ()))
        return missing

    async def _in_force(self, subject: str, epoch: int, missing: dict[Holder | _Reading, float]) -> None:
        waiter = _Waiter(epoch, missing)
        self._waiters.setdefault(subject, set()).add(waiter)
        try:
            if self._left(waiter) > 0:
                await self._announcer.publish(subject, epoch)
            while (left := self._left(waiter)) > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(waiter.changed.wait(), left)
                waiter.changed.clear()
        finally:
            waiting = self._waiters[subject]
            waiting.discard(waiter)
            if not waiting:
                del self._waiters[subject]
        if waiter.missing:
            silent = {
                (each.holder if isinstance(each, _Reading) else each).workload.path for each in waiter.missing
            }
            _log.warning("key_revocation_not_confirmed", workload=",".join(sorted(silent)))

    def _left(self, waiter: _Waiter) -> float:
        """Seconds until nobody can use what was opened before."""
        # Whoever held a lease of an earlier process of kms is not known, so that no confirmation is enough.
        return max([self._unknown_until, *waiter.missing.values()]) - self._clock.boottime()

    def _release(self, subject: str, reading: _Reading) -> None:
        """Nobody need wait for what a reading gives: it was refused."""
        for waiter in self._waiters.get(subject, ()):
            waiter.missing.pop(reading, None)
            waiter.changed.set()

    def _count(self, holder: Holder) -> None:
        now = self._clock.boottime()
        instances = self._instances.setdefault(holder.workload, {})
        if holder.instance_id not in instances and len(instances) >= MAX_HOLDERS_OF_A_WORKLOAD:
            _log.error("too_many_key_holders", workload=holder.workload.path, limit=len(instances))
            raise DomainError(
                ErrorReason.ERROR_REASON_THROTTLED,
                f"{MAX_HOLDERS_OF_A_WORKLOAD} processes of this workload hold leases already.",
                retry_after_s=LEASE_S,
            )
        instances[holder.instance_id] = now + LEASE_S

    def _sweep(self) -> None:
        """Forget, once in the life of a lease, what has ended."""
        now = self._clock.boottime()
        if now < self._swept + LEASE_S:
            return
        self._swept = now
        for name, holders in list(self._holders.items()):
            live = {holder: until for holder, until in holders.items() if until > now}
            if live:
                self._holders[name] = live
            else:
                del self._holders[name]
        for workload, instances in list(self._instances.items()):
            self._instances[workload] = {each: until for each, until in instances.items() if until > now}
            if not self._instances[workload]:
                del self._instances[workload]
