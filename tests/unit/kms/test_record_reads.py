"""Reads of the key service's store: batches, and what is kept of them."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from services.kms.adapters.record_cache import RangeId, RecordCache
from services.kms.adapters.record_reads import Found, RecordReads
from services.kms.ports import Record, RecordId, StoreAlteredError

A, B, C = (RecordId("keys", "p", name) for name in "abc")
OTHER = RecordId("keys", "q", "a")


def record(record_id: RecordId, body: bytes = b"body") -> Record:
    return Record(record_id, body, b"tag")


class Store:
    """Answers each batch when it is told to."""

    def __init__(self) -> None:
        self.batches: list[Sequence[RecordId]] = []
        self.answers: dict[RecordId, Found] = {}
        self.error: Exception | None = None
        self._gate = asyncio.Semaphore(0)

    async def read(self, ids: Sequence[RecordId]) -> Mapping[RecordId, Found]:
        self.batches.append(ids)
        await self._gate.acquire()
        if self.error is not None:
            raise self.error
        return {each: self.answers.get(each, record(each)) for each in ids}

    async def answer(self, batches: int = 1) -> None:
        for _ in range(batches):
            self._gate.release()
            await asyncio.sleep(0.01)


async def asked(*reads: "asyncio.Task[Record | None]") -> None:
    """Let tasks come as far as they can."""
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in reads)


async def test_what_is_asked_for_together_is_read_together() -> None:
    store = Store()
    reads = RecordReads(store.read)
    first = asyncio.create_task(reads.get(A))
    await asked(first)
    others = [asyncio.create_task(reads.get(each)) for each in (B, C, B)]
    await asked(*others)
    await store.answer(2)
    assert await first == record(A)
    assert [await each for each in others] == [record(B), record(C), record(B)]
    assert store.batches == [(A,), (B, C)]


async def test_a_batch_under_way_is_nobody_elses() -> None:
    # The second call may have come after a change that the first batch does not see.
    store = Store()
    reads = RecordReads(store.read)
    before = asyncio.create_task(reads.get(A))
    await asked(before)
    after = asyncio.create_task(reads.get(A))
    await asked(after)
    await store.answer()
    assert await before == record(A)
    store.answers[A] = record(A, b"changed")
    await store.answer()
    assert await after == record(A, b"changed")


async def test_each_hears_of_its_own_record() -> None:
    store = Store()
    reads = RecordReads(store.read)
    store.answers = {A: StoreAlteredError("altered"), B: None}
    tasks = [asyncio.create_task(reads.get(each)) for each in (A, B, C)]
    await asked(*tasks)
    await store.answer()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[0], StoreAlteredError)
    assert found[1:] == [None, record(C)]


async def test_a_failed_batch_fails_those_who_wait_and_no_others() -> None:
    store = Store()
    reads = RecordReads(store.read)
    store.error = StoreAlteredError("altered")
    task = asyncio.create_task(reads.get(A))
    await asked(task)
    await store.answer()
    with pytest.raises(StoreAlteredError):
        await task
    store.error = None
    task = asyncio.create_task(reads.get(A))
    await asked(task)
    await store.answer()
    assert await task == record(A)


async def test_who_goes_away_takes_nothing_from_the_others() -> None:
    store = Store()
    reads = RecordReads(store.read)
    gone, stays = asyncio.create_task(reads.get(A)), asyncio.create_task(reads.get(A))
    await asked(gone, stays)
    gone.cancel()
    await store.answer()
    assert await stays == record(A)
    assert gone.cancelled()


async def test_renewals_travel_with_others_or_soon_alone() -> None:
    store = Store()
    reads = RecordReads(store.read)
    reads.renew(A)
    reads.renew(A)
    task = asyncio.create_task(reads.get(B))
    await asked(task)
    await store.answer()
    assert await task == record(B)
    assert store.batches == [(B, A)]
    reads.renew(C)
    await asyncio.sleep(0.2)
    assert store.batches[1:] == [(C,)]
    await store.answer()


async def test_a_failed_renewal_is_nobodys_error() -> None:
    store = Store()
    reads = RecordReads(store.read)
    store.error = StoreAlteredError("altered")
    reads.renew(A)
    await asyncio.sleep(0.1)
    await store.answer()
    store.error = None
    task = asyncio.create_task(reads.get(A))
    await asked(task)
    await store.answer()
    assert await task == record(A)


def test_records_and_ranges_are_kept_until_their_time() -> None:
    cache, asked_for = RecordCache(), RangeId("keys", "p", "", 10)
    cache.put_record(record(A), 2.0)
    cache.put_range(asked_for, [record(A)], 2.0)
    assert cache.record(A, 1.9) == (record(A), 2.0)
    assert cache.range(asked_for, 1.9) == (record(A),)
    assert cache.record(A, 2.0) is None
    assert cache.known(A) == record(A)
    assert cache.range(asked_for, 2.0) is None


def test_an_empty_range_is_known_to_be_empty() -> None:
    cache, asked_for = RecordCache(), RangeId("grants", "p", "", 10)
    cache.put_range(asked_for, [], 2.0)
    assert cache.range(asked_for, 1.0) == ()
    assert cache.range(RangeId("grants", "q", "", 10), 1.0) is None


def test_a_change_drops_the_ranges_of_its_partition_alone() -> None:
    cache = RecordCache()
    ranges = [RangeId("keys", "p", "", 10), RangeId("keys", "p", "a", 5), RangeId("keys", "q", "", 10)]
    for each in ranges:
        cache.put_range(each, [], 2.0)
    cache.put_record(record(A), 2.0)
    cache.put_record(record(B), 2.0)
    cache.drop(C)
    assert [cache.range(each, 1.0) for each in ranges] == [None, None, ()]
    cache.drop(A)
    assert cache.record(A, 1.0) is None
    assert cache.record(B, 1.0) is not None


def test_the_cache_is_bounded_and_lets_go_of_what_was_not_used() -> None:
    cache = RecordCache(max_bytes=4_000)
    for each in (A, B):
        cache.put_record(record(each, b"x" * 1_000), 2.0)
    assert cache.record(A, 1.0) is not None
    cache.put_range(RangeId("keys", "q", "", 10), [record(OTHER, b"x" * 1_000)], 2.0)
    assert cache.record(A, 1.0) is not None
    assert cache.record(B, 1.0) is None
    # A long range would push out everything else, and is not asked for on the way to a key.
    cache.put_range(RangeId("keys", "r", "", 100), [record(A, b"")] * 17, 2.0)
    assert cache.range(RangeId("keys", "r", "", 100), 1.0) is None
