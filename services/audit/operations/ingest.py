"""Taking in events: checked, sealed under their account's key, durable before the answer."""

from collections.abc import Sequence

from craton.audit.v1 import resources_pb2 as pb

from services.audit.domain import leaf
from services.audit.domain.entry import Entry, entry_of
from services.audit.domain.purged import PurgedAccount, discarded
from services.audit.operations.account_keys import AccountKeys
from services.audit.ports import Batch, EventStore, SealedEntry
from services.chassis.audit.local import recorder_name
from services.chassis.identity import WorkloadId
from services.chassis.randomness import Randomness


class Ingestor:
    """Appends batches of spools to the store."""

    def __init__(self, store: EventStore, keys: AccountKeys, randomness: Randomness) -> None:
        """Seal with `keys`, keep in `store`."""
        self._store = store
        self._keys = keys
        self._randomness = randomness

    async def append(
        self, workload: WorkloadId, spool_id: str, first_position: int, events: Sequence[pb.Event]
    ) -> int:
        """Append what `workload` ships and return the position it may forget everything before.

        While the key service cannot be reached nothing is accepted: the events stay in their spools,
        which are durable, and come again. Raises DomainError.
        """
        recorder = recorder_name(workload)
        entries = [entry_of(event, recorder) for event in events]
        purged = await self._store.purged({entry.index.account_id for entry in entries})
        if purged:
            entries = [_discarded(entry, purged) for entry in entries]
        keys: dict[str, leaf.SealingKey] = {}
        for entry in entries:
            account = entry.index.account_id
            if account not in keys:
                keys[account] = await self._keys.for_sealing(account)
        random = self._randomness.token_bytes(leaf.RANDOM_BYTES * len(entries))
        sealed = [
            _seal(entry, keys[entry.index.account_id], random[at : at + leaf.RANDOM_BYTES])
            for at, entry in zip(range(0, len(random), leaf.RANDOM_BYTES), entries, strict=True)
        ]
        return await self._store.append(Batch(spool_id, workload.path, first_position, sealed))


def _discarded(entry: Entry, purged: Sequence[PurgedAccount]) -> Entry:
    return discarded(entry) if any(each.covers(entry.index) for each in purged) else entry


def _seal(entry: Entry, key: leaf.SealingKey, random: bytes) -> SealedEntry:
    index = entry.index
    sealed = leaf.seal(index.event_id, index.time_us, index.account_id, entry.body, key, random)
    return SealedEntry(index, sealed)
