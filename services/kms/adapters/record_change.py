"""One transaction of the store, as the work inside it sees it."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from services.kms.adapters.record_index import RecordIndex
from services.kms.adapters.record_rows import read_range, read_record, remove_record, write_record
from services.kms.adapters.record_sealing import Head, RecordSealer, StoreState, place_of
from services.kms.ports import Record, RecordId


@dataclass(frozen=True, slots=True)
class _Written:
    record: Record
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Commit:
    """What memory must take over when a transaction has been committed."""

    head: Head
    tags: Sequence[tuple[RecordId, bytes | None]]
    """Tags of the records that were written; None for those that were removed."""


class SqlRecordChange:
    """See the port's RecordChange. Writes wait in memory until `flush`."""

    def __init__(
        self,
        connection: sa.Connection,
        sealer: RecordSealer,
        index: RecordIndex,
        refused: set[bytes],
        epoch: int,
    ) -> None:
        """Work in the transaction of `connection`, beginning with the state that `index` describes.

        Nobody may change `index` meanwhile. `refused` holds digests of records that were found altered.
        """
        self._connection = connection
        self._sealer = sealer
        self._index = index
        self._refused = refused
        self._epoch = epoch
        self._written: dict[RecordId, _Written | None] = {}

    def get(self, record_id: RecordId) -> Record | None:
        """Return a record."""
        if record_id in self._written:
            written = self._written[record_id]
            return None if written is None else written.record
        expected = self._index.expected_tag(record_id, self._refused)
        if not expected:
            return None
        return read_record(self._connection, self._sealer, record_id, expected)

    def list(self, collection: str, partition: str, after: str = "", limit: int = 1000) -> Sequence[Record]:
        """Return records of a partition."""
        own = {
            each.sort: written
            for each, written in self._written.items()
            if (each.collection, each.partition) == (collection, partition)
            and (each.sort > after or not after)
        }
        # As many more as this transaction hides.
        expected, more = self._index.expected(collection, partition, after, limit + len(own), self._refused)
        start = RecordId(collection, partition, after)
        stored = read_range(self._connection, self._sealer, start, expected, more=more)
        found = {each.id.sort: each for each in stored if each.id.sort not in own}
        found |= {sort: written.record for sort, written in own.items() if written is not None}
        return [found[sort] for sort in sorted(found)[:limit]]

    def put(self, record_id: RecordId, body: bytes) -> None:
        """Write a record."""
        self._index.expected_tag(record_id, self._refused)
        place = place_of(record_id)
        sealed = self._sealer.seal(place, body, self._epoch)
        record = Record(record_id, bytes(body), self._sealer.tag(place, sealed))
        self._written[record_id] = _Written(record, sealed)

    def delete(self, record_id: RecordId) -> None:
        """Remove a record."""
        self._index.expected_tag(record_id, self._refused)
        self._written[record_id] = None

    def flush(self, old: StoreState, *, anchored: bool, even_nothing: bool = False) -> Commit | None:
        """Write what was put and remove what was deleted; return what follows the state `old`.

        Returns None when nothing was changed, unless `even_nothing` wants a new epoch all the same.
        `anchored` says that a state of this store is known to be anchored.
        """
        count, total = old.count, old.total
        tags: list[tuple[RecordId, bytes | None]] = []
        for record_id, written in self._written.items():
            before = self._index.tag(record_id)
            if written is not None:
                write_record(self._connection, record_id, before, written.sealed, written.record.tag)
            elif before is not None:
                remove_record(self._connection, record_id, before)
            else:
                continue
            after = None if written is None else written.record.tag
            count += (after is not None) - (before is not None)
            total = self._sealer.replaced(total, before, after)
            tags.append((record_id, after))
        if not tags and not even_nothing:
            return None
        state = StoreState(self._epoch, count, total, old.anchored or anchored)
        return Commit(self._sealer.seal_head(state), tags)
