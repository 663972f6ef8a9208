"""Records that were verified a moment ago: single ones, and ranges of small partitions."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.kms.ports import Record, RecordId

_CACHE_BYTES = 32 * 1024 * 1024
_ENTRY_BYTES = 600
"""What an entry costs beside the bodies of its records."""
_LONGEST_RANGE = 16
"""Records of the longest range that is kept: what decides about a request is short."""

_Partition = tuple[str, str]


class RangeId(NamedTuple):
    """A question for records of a partition."""

    collection: str
    partition: str
    after: str
    limit: int


@dataclass(frozen=True, slots=True)
class _Entry:
    found: Sequence[Record]
    until: float
    size: int


class RecordCache:
    """Records and ranges, those that were used last, until their time is over or they are dropped.

    Times are seconds of one clock.
    """

    def __init__(self, max_bytes: int = _CACHE_BYTES) -> None:
        """Begin empty, and stay below about `max_bytes`."""
        self._max_bytes = max_bytes
        self._entries: OrderedDict[RecordId | RangeId, _Entry] = OrderedDict()
        self._ranges: dict[_Partition, set[RangeId]] = {}
        self._size = 0

    def record(self, record_id: RecordId, now: float) -> tuple[Record, float] | None:
        """Return a record, and until when it is kept."""
        entry = self._entry(record_id, now)
        return None if entry is None else (entry.found[0], entry.until)

    def known(self, record_id: RecordId) -> Record | None:
        """Return a record that was kept, also when its time is over: to compare with."""
        entry = self._entries.get(record_id)
        return None if entry is None else entry.found[0]

    def range(self, range_id: RangeId, now: float) -> Sequence[Record] | None:
        """Return the records of a range, which may be none; None when it is not known."""
        entry = self._entry(range_id, now)
        return None if entry is None else entry.found

    def put_record(self, record: Record, until: float) -> None:
        """Keep a record."""
        self._put(record.id, (record,), until)

    def put_range(self, range_id: RangeId, found: Sequence[Record], until: float) -> None:
        """Keep a range, if it is short."""
        if len(found) <= _LONGEST_RANGE:
            self._put(range_id, tuple(found), until)
            self._ranges.setdefault((range_id.collection, range_id.partition), set()).add(range_id)

    def drop(self, record_id: RecordId) -> None:
        """Forget a record, and the ranges of its partition."""
        self._remove(record_id)
        for range_id in tuple(self._ranges.get((record_id.collection, record_id.partition), ())):
            self._remove(range_id)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._ranges.clear()
        self._size = 0

    def _entry(self, key: RecordId | RangeId, now: float) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is None or now >= entry.until:
            return None
        self._entries.move_to_end(key)
        return entry

    def _put(self, key: RecordId | RangeId, found: Sequence[Record], until: float) -> None:
        self._remove(key)
        size = _ENTRY_BYTES + sum(len(each.body) for each in found)
        self._entries[key] = _Entry(found, until, size)
        self._size += size
        while self._size > self._max_bytes:
            self._remove(next(iter(self._entries)))

    def _remove(self, key: RecordId | RangeId) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self._size -= entry.size
        if isinstance(key, RangeId):
            known = self._ranges[key.collection, key.partition]
            known.discard(key)
            if not known:
                del self._ranges[key.collection, key.partition]
