"""What the store must hold, in memory: the tag of every record, and the order of every partition."""

import hashlib
from bisect import bisect_left, bisect_right, insort
from collections.abc import Container, Iterable

from services.chassis.randomness import Randomness
from services.kms.adapters.record_sealing import place_of
from services.kms.ports import RecordId, StoreAlteredError

_DIGEST_SIZE = 16


class RecordIndex:
    """Says of every record whether it exists and what its tag is, and what comes after it in its partition.

    Compact, because a store has many small partitions: ids and partitions are known by 16-byte digests, keyed
    at random so that nobody who chooses names can make two of them meet, and a partition of one record costs
    no list. About 300 bytes a record.
    """

    def __init__(self, randomness: Randomness) -> None:
        """Begin empty."""
        self._key = randomness.token_bytes(_DIGEST_SIZE)
        self._tags: dict[bytes, bytes] = {}
        self._orders: dict[bytes, str | list[str]] = {}

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._tags)

    def digest(self, record_id: RecordId) -> bytes:
        """Return the digest that the id is known by in this process."""
        return self._digest(place_of(record_id))

    def tag(self, record_id: RecordId) -> bytes | None:
        """Return the tag of a record, None when there must not be one."""
        return self._tags.get(self.digest(record_id))

    def expected_tag(self, record_id: RecordId, refused: Container[bytes]) -> bytes | None:
        """Return as `tag`. Raises StoreAlteredError when the record's digest is among those refused."""
        digest = self.digest(record_id)
        if digest in refused:
            raise _found_altered(record_id.collection)
        return self._tags.get(digest)

    def put(self, record_id: RecordId, tag: bytes, place: bytes = b"") -> None:
        """Know a record, new or changed. `place` is the encoding of its id, for whoever has it at hand."""
        digest = self._digest(place or place_of(record_id))
        if digest not in self._tags:
            self._order(record_id)
        self._tags[digest] = tag

    def remove(self, record_id: RecordId) -> None:
        """Forget a record."""
        if self._tags.pop(self.digest(record_id), None) is None:
            return
        partition = self.partition_digest(record_id.collection, record_id.partition)
        order = self._orders[partition]
        if isinstance(order, str) or len(order) == 1:
            del self._orders[partition]
        else:
            del order[bisect_left(order, record_id.sort)]

    def last(self, collection: str, partition: str) -> RecordId | None:
        """Return the id of a partition's last record, None when it has none."""
        order = self._orders.get(self.partition_digest(collection, partition))
        if order is None:
            return None
        return RecordId(collection, partition, order if isinstance(order, str) else order[-1])

    def expected(
        self, collection: str, partition: str, after: str, limit: int, refused: Container[bytes]
    ) -> tuple[list[tuple[RecordId, bytes]], bool]:
        """Return the first records of a partition from `after` on, with tags, and whether more follow.

        Raises StoreAlteredError when one of them, or the partition, is among those refused.
        """
        if self.partition_digest(collection, partition) in refused:
            raise _found_altered(collection)
        held = self._orders.get(self.partition_digest(collection, partition), ())
        order = (held,) if isinstance(held, str) else held
        start = bisect_right(order, after) if after else 0
        ids = [RecordId(collection, partition, sort) for sort in order[start : start + limit]]
        digests = [self.digest(each) for each in ids]
        if any(digest in refused for digest in digests):
            raise _found_altered(collection)
        tags = [self._tags[digest] for digest in digests]
        return list(zip(ids, tags, strict=True)), len(order) > start + limit

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        """Return the digests of all records that are not among `digests`."""
        return self._tags.keys() - set(digests)

    def _order(self, record_id: RecordId) -> None:
        partition = self.partition_digest(record_id.collection, record_id.partition)
        order = self._orders.get(partition)
        if order is None:
            self._orders[partition] = record_id.sort
        elif isinstance(order, str):
            self._orders[partition] = sorted((order, record_id.sort))
        else:
            insort(order, record_id.sort)

    def partition_digest(self, collection: str, partition: str) -> bytes:
        """Return the digest that the partition is known by in this process."""
        # An id without its sort key: no record's encoding is one, because those have three parts.
        names = collection.encode(), partition.encode()
        return self._digest(b"%b%b" % tuple(len(name).to_bytes(2, "big") + name for name in names))

    def _digest(self, place: bytes) -> bytes:
        return hashlib.blake2b(place, digest_size=_DIGEST_SIZE, key=self._key).digest()


def _found_altered(collection: str) -> StoreAlteredError:
    return StoreAlteredError(
        f"the store was altered: records of {collection} were found changed and stay refused"
    )
