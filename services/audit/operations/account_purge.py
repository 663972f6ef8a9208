"""The end of an account in the log: its events cannot be read or found any more, and every proof holds."""

from dataclasses import replace

from services.audit.domain.purged import FINISHED, keys_name
from services.audit.operations.account_keys import AccountKeys
from services.audit.ports import EventStore, PurgeStore
from services.chassis.account_purge import Progress, Purge
from services.chassis.clock import Clock

_AT_ONCE = 500
"""Entries of one transaction: others wait for it."""
_LONGEST_S = 1.0


class AccountPurge:
    """An AccountPurger.

    The key of kms under which the account's data keys are is shredded by kms itself, afterwards: from the
    first step on nothing is sealed under it any more.
    """

    def __init__(self, store: PurgeStore, events: EventStore, keys: AccountKeys, clock: Clock) -> None:
        """Remove from `store`, and from the memory of `keys`."""
        self._store = store
        self._events = events
        self._keys = keys
        self._clock = clock

    async def purge(self, purge: Purge) -> Progress:
        """Remove keys and trails, then empty entries for about a second."""
        progress = await self._store.begin(purge)
        self._keys.forget(purge.account_id)
        until = self._clock.boottime() + _LONGEST_S
        while not progress.finished and self._clock.boottime() < until:
            progress = await self._store.empty(purge, _AT_ONCE)
        # The log says by itself which entries nobody can open any more, and why.
        named = (keys_name(await self._store.purged_keys()),)
        return replace(progress, named=(*named, FINISHED) if progress.finished else named)

    async def proceed(self, account_id: str, incarnation: str) -> None:
        """Take in what happens in the account from now on: the id is another incarnation's."""
        await self._store.proceed(account_id, incarnation, int(self._clock.now().timestamp() * 1e6))

    async def indexes(self, event_ids: list[bytes]) -> dict[bytes, int]:
        """Return where in the log events are, of those that were taken in."""
        return dict(await self._events.indexes(event_ids))
