"""Keeping the store's newest state anchored out of reach of whoever can write the store.

Every change gives the store a new state, which is appended to the anchor at once, in the background; changes
that come while one append is under way share the next. What bounds the window in which somebody could put
the store back unnoticed is that changes stop: a change is refused when the oldest state that is not anchored
is older than LAG_S. Until then at most the changes of that time, less than LAG_S of them, can be taken back,
and for no longer than the anchor is away. Reading goes on.
"""

import asyncio
import hmac
from collections import deque

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.kms.ports import Anchored, EpochAnchor, StoreAlteredError

LAG_S = 1.0
"""How far the anchor may be behind before changes are refused; as long is one of them held back for it."""
_RETRY_S = 0.05

_log = Log("anchoring")


class Anchoring:
    """Appends the states of one store to its anchor."""

    def __init__(self, anchor: EpochAnchor, store_id: str, clock: Clock) -> None:
        """Append to `anchor` in the name of the store `store_id`."""
        self._anchor = anchor
        self._store_id = store_id
        self._clock = clock
        self._newest: Anchored | None = None
        self._reached = 0
        self._behind: deque[tuple[int, float]] = deque()
        self._wake = asyncio.Event()
        self._progress = asyncio.Event()

    @property
    def reached(self) -> int:
        """The newest epoch that is known to be anchored, 0 for none."""
        return self._reached

    async def begin(self, state: Anchored, *, ever_anchored: bool, restored: bool = False) -> int:
        """Return the newest epoch of the store and its anchor.

        Raises DomainError(DEPENDENCY_UNAVAILABLE) while the anchor does not answer, because only it can say
        whether the store was put back. But a store that says itself (`ever_anchored`) that it was never
        anchored is let through: it holds what was written in the first LAG_S of its life, and nothing can be
        added before the anchor is back. Raises StoreAlteredError for an older state, another one of the same
        epoch, or when the anchor knows nothing of a store that was anchored; unless an operator says that it
        was `restored` from a backup, or its anchor was: then it goes on from the newest epoch of both.
        """
        try:
            newest = await self._anchor.newest(self._store_id, restored=restored)
        except DomainError:
            if ever_anchored or restored:
                raise
            newest = None
        if newest is not None:
            self._advance(newest.epoch)
        if not restored:
            _require_not_older(state, newest, ever_anchored=ever_anchored)
        return state.epoch if newest is None else max(state.epoch, newest.epoch)

    def committed(self, state: Anchored) -> None:
        """Have a new state appended. Returns at once."""
        self._newest = state
        self._behind.append((state.epoch, self._clock.boottime()))
        self._wake.set()

    def require_current(self) -> None:
        """Return while changes may be made. Raises DomainError(DEPENDENCY_UNAVAILABLE)."""
        # A copy: the database's threads ask as well, while the event loop takes anchored states away.
        behind = tuple(self._behind)
        if behind and self._clock.boottime() - behind[0][1] > LAG_S:
            raise DomainError(
                ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
                "Keys cannot be changed until the audit service has noted the latest change. Try again.",
                retry_after_s=1.0,
            )

    async def settled(self, epoch: int) -> None:
        """Return when the state of `epoch` is anchored, or LAG_S after the call began."""
        try:
            async with asyncio.timeout(LAG_S):
                while self._reached < epoch:
                    await self._progress.wait()
        except TimeoutError:
            _log.warning("acknowledged_before_anchored")

    async def run(self) -> None:
        """Append for ever. Raises StoreAlteredError when the anchor refuses a state."""
        told = False
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._newest is not None and self._newest.epoch > self._reached:
                state = self._newest
                try:
                    await self._anchor.append(self._store_id, state)
                except DomainError as error:
                    if not told:
                        _log.warning("anchor_delayed", reason=error.reason_name)
                        told = True
                    await asyncio.sleep(_RETRY_S)
                    continue
                if told:
                    _log.info("anchor_caught_up")
                    told = False
                self._advance(state.epoch)

    def _advance(self, epoch: int) -> None:
        self._reached = max(self._reached, epoch)
        while self._behind and self._behind[0][0] <= epoch:
            self._behind.popleft()
        progress, self._progress = self._progress, asyncio.Event()
        progress.set()


def _require_not_older(state: Anchored, newest: Anchored | None, *, ever_anchored: bool) -> None:
    if newest is None:
        if ever_anchored:
            raise StoreAlteredError("the store was anchored, but its anchor knows nothing of it")
        return
    if newest.epoch > state.epoch:
        raise StoreAlteredError("the store was put back to an earlier state than the one anchored last")
    # Without a digest: of an epoch that was to be anchored, as far as the log knows.
    if newest.epoch == state.epoch and newest.digest and not hmac.compare_digest(newest.digest, state.digest):
        raise StoreAlteredError("the store has another state than the one anchored of its epoch")
