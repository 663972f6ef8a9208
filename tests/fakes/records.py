"""Records in memory. The contract suite of the port runs on them as well."""

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from services.kms.ports import Record, RecordId

T = TypeVar("T")


class _Change:
    def __init__(self, bodies: dict[RecordId, bytes]) -> None:
        self.bodies = dict(bodies)

    def get(self, record_id: RecordId) -> Record | None:
        body = self.bodies.get(record_id)
        return None if body is None else _record(record_id, body)

    def list(self, collection: str, partition: str, after: str = "", limit: int = 1000) -> Sequence[Record]:
        found = sorted(
            each.sort
            for each in self.bodies
            if (each.collection, each.partition) == (collection, partition) and each.sort > after
        )
        ids = [RecordId(collection, partition, sort) for sort in found[:limit]]
        return [_record(each, self.bodies[each]) for each in ids]

    def put(self, record_id: RecordId, body: bytes) -> None:
        self.bodies[record_id] = body

    def delete(self, record_id: RecordId) -> None:
        self.bodies.pop(record_id, None)


class MemoryRecords:
    """See the port."""

    def __init__(self) -> None:
        self._bodies: dict[RecordId, bytes] = {}

    def recent(self, record_id: RecordId) -> Record | None:
        return _Change(self._bodies).get(record_id)

    def expect(self, collection: str, partition: str) -> None:
        """Everything is at hand."""

    async def get(self, record_id: RecordId) -> Record | None:
        return self.recent(record_id)

    async def list(
        self, collection: str, partition: str, after: str = "", limit: int = 1000
    ) -> Sequence[Record]:
        return _Change(self._bodies).list(collection, partition, after, limit)

    async def change(self, work: Callable[[_Change], T]) -> T:
        change = _Change(self._bodies)
        result = work(change)
        self._bodies = change.bodies
        return result


def _record(record_id: RecordId, body: bytes) -> Record:
    place = "\x00".join((record_id.collection, record_id.partition, record_id.sort)).encode()
    return Record(record_id, body, hashlib.sha256(place + b"\x00" + body).digest())
