"""Leases on keys of kms: what was opened under a key is used only while a lease on the key holds.

As with leases on policies (services/chassis/leases.py), a lease counts from before it was asked for, on a
clock that runs in suspend. All leases of a process are renewed by one call every second or two; a revocation
that is heard ends them at once, and what was asked for before it is not believed.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.logs import Log

MAX_LEASE_S = 5.0
"""Bound on how long a revocation can go unnoticed, whatever an answer claims."""
RENEW_S = 1.5
"""Between two renewals of everything in use: two may fail before a lease of 4.75 s has ended."""
KEEP_IDLE_S = 60.0
"""A lease that nobody uses is renewed for this long: no data key lives longer in memory."""
BATCH = 1000
"""Uses that one call leases."""

_MAX_HELD = 10_000
_MAX_REVOKED = 10_000
_ATTEMPTS = 3

_log = Log("data_keys")


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What this workload does with a key."""

    key_name: str
    operation: str
    """AWS's name: "Decrypt" or "GenerateDataKey"."""
    context: tuple[tuple[str, str], ...] = ()
    """Encryption context, sorted, where the right depends on it; empty for a service's own key."""


@dataclass(frozen=True, slots=True)
class KeyLeaseAnswer:
    """What kms says about one use."""

    refusal: int
    """An ErrorReason; UNSPECIFIED when the use is leased."""
    epoch: int
    """Another one says that the key was revoked meanwhile, or that kms does not know."""
    life_s: float


class KeyLeaseSource(Protocol):
    """Asks kms for leases."""

    async def fetch(self, uses: Sequence[KeyUse]) -> Sequence[KeyLeaseAnswer]:
        """Return an answer for each of at most BATCH uses, in their order.

        Raises DomainError: DEPENDENCY_UNAVAILABLE when kms does not answer in time, SEALED when it is sealed.
        """


@dataclass(slots=True)
class _Held:
    epoch: int
    term: int
    expires: float
    """Boot-time clock."""
    used: float


class KeyLeases:
    """All leases on keys that one process holds."""

    def __init__(self, source: KeyLeaseSource, clock: Clock) -> None:
        """Start without any."""
        self._source = source
        self._clock = clock
        self._held: dict[KeyUse, _Held] = {}
        self._asking: dict[KeyUse, asyncio.Task[int]] = {}
        self._terms = 0
        self._heard = 0
        self._revoked: dict[str, int] = {}
        self._all_revoked = 0
        self._ended: list[Callable[[str], None]] = []
        self._unreached = False

    def on_end(self, ended: Callable[[str], None]) -> None:
        """Have `ended(key_name)` called when what was opened under a key must be forgotten; "" for all."""
        self._ended.append(ended)

    def term(self, use: KeyUse) -> int | None:
        """Return the number of the term in which a use is leased now, None while it is not.

        The number stays while nothing was revoked: what was opened in another term must not be used.
        """
        held = self._held.get(use)
        now = self._clock.boottime()
        if held is None or now >= held.expires:
            return None
        held.used = now
        return held.term

    async def take(self, use: KeyUse) -> int:
        """As `term`, asking kms when there is no lease.

        Raises DomainError: the refusal's reason, and what KeyLeaseSource raises.
        """
        term = self.term(use)
        if term is not None:
            return term
        task = self._asking.get(use)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(use), name="key lease")
            self._asking[use] = task
            task.add_done_callback(lambda done: self._asked(use, done))
        # Shielded: one caller's cancellation must not take the lease from the others that wait for it.
        return await asyncio.shield(task)

    @property
    def heard(self) -> int:
        """Count of revocations heard, for `revoked_since`."""
        return self._heard

    def revoked_since(self, key_name: str, heard: int) -> bool:
        """Say whether a key was revoked after `heard` was read."""
        return max(self._revoked.get(key_name, 0), self._all_revoked) > heard

    def revoke(self, key_name: str, _epoch: int) -> None:
        """Use nothing any more that was opened under a key so far, also what is on its way."""
        self._heard += 1
        if len(self._revoked) >= _MAX_REVOKED and key_name not in self._revoked:
            # What is forgotten here counts for every key: all are asked for anew, once.
            self._revoked.clear()
            self._all_revoked = self._heard
        self._revoked[key_name] = self._heard
        for use in [use for use in self._held if use.key_name == key_name]:
            del self._held[use]
        self._tell(key_name)

    def revoke_all(self) -> None:
        """Use nothing any more that was opened so far: announcements may have been missed."""
        self._heard += 1
        self._all_revoked = self._heard
        self._revoked.clear()
        self._held.clear()
        self._tell("")

    async def run(self) -> None:
        """Renew what is in use, until cancelled."""
        while True:
            await asyncio.sleep(RENEW_S)
            await self.renew()

    async def renew(self) -> None:
        """Renew what was in use in the last minute, and forget the rest."""
        now = self._clock.boottime()
        for use in [use for use, held in self._held.items() if held.used + KEEP_IDLE_S < now]:
            del self._held[use]
        uses = list(self._held)
        for start in range(0, len(uses), BATCH):
            batch = uses[start : start + BATCH]
            before, heard = self._clock.boottime(), self._heard
            try:
                answers = await self._source.fetch(batch)
            except DomainError as error:
                if not self._unreached:
                    _log.warning("key_leases_not_renewed", reason=error.reason_name)
                self._unreached = True
                return
            self._unreached = False
            for use, answer in zip(batch, answers, strict=True):
                if use in self._held and not self.revoked_since(use.key_name, heard):
                    self._take_in(use, answer, before)

    async def _ask(self, use: KeyUse) -> int:
        for _ in range(_ATTEMPTS):
            before, heard = self._clock.boottime(), self._heard
            (answer,) = await self._source.fetch([use])
            if self.revoked_since(use.key_name, heard):
                continue
            self._take_in(use, answer, before)
            if answer.refusal:
                raise DomainError(answer.refusal, "The key service does not permit this use of the key.")
            term = self.term(use)
            if term is not None:
                return term
        raise DomainError(
            ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
            "The key service did not lease the use of the key in time.",
            retry_after_s=1.0,
        )

    def _take_in(self, use: KeyUse, answer: KeyLeaseAnswer, before: float) -> None:
        held = self._held.get(use)
        if held is not None and (answer.refusal or held.epoch != answer.epoch):
            # Revoked without our hearing of it, or kms has started anew and cannot know.
            del self._held[use]
            self._tell(use.key_name)
            held = None
        if answer.refusal:
            return
        expires = before + min(answer.life_s, MAX_LEASE_S)
        if held is not None:
            # An older answer may arrive last.
            held.expires = max(held.expires, expires)
            return
        self._terms += 1
        if len(self._held) >= _MAX_HELD:
            del self._held[next(iter(self._held))]
        self._held[use] = _Held(answer.epoch, self._terms, expires, self._clock.boottime())

    def _asked(self, use: KeyUse, task: "asyncio.Task[int]") -> None:
        self._asking.pop(use, None)
        if not task.cancelled():
            # Seen, also when everybody who waited has gone.
            task.exception()

    def _tell(self, key_name: str) -> None:
        for ended in self._ended:
            ended(key_name)
