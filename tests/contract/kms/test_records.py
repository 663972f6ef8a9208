"""The contract of the port Records, held against every adapter and the fake."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.adapters.sql_records import SqlRecords
from services.kms.adapters.tables import METADATA
from services.kms.ports import RecordChange, RecordId
from tests.fakes.anchor import MemoryAnchor
from tests.fakes.databases import KINDS, empty_database, make_schema
from tests.fakes.records import MemoryRecords

REVISIONS = Path(__file__).parents[3] / "services" / "kms" / "adapters" / "migrations"
STORE_ID = "0b5e7f0e-6a3c-4d5e-8f11-2f3a4b5c6d7e"
STORE_KEY = SecretBytes(b"k" * 32)
KEY = RecordId("keys", "accounts/1/regions/r", "a")


@pytest.fixture(params=["memory", *KINDS])
async def records(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryRecords()
        return
    database = Database(empty_database(request.param, tmp_path))
    make_schema(database, REVISIONS)
    records = SqlRecords(database, STORE_ID, MemoryAnchor(), SystemClock(), SystemRandomness())
    await records.open(STORE_KEY, first_boot=True)
    yield records
    await records.close()
    await database.close()


def at(sort: str, partition: str = "p", collection: str = "c") -> RecordId:
    return RecordId(collection, partition, sort)


async def put(records: Any, *ids: RecordId, body: bytes = b"body") -> None:
    def work(change: RecordChange) -> None:
        for each in ids:
            change.put(each, body)

    await records.change(work)


async def delete(records: Any, *ids: RecordId) -> None:
    def work(change: RecordChange) -> None:
        for each in ids:
            change.delete(each)

    await records.change(work)


async def sorts(records: Any, *place: Any) -> list[str]:
    return [each.id.sort for each in await records.list(*place)]


async def test_what_is_written_is_read(records: Any) -> None:
    assert await records.get(KEY) is None
    await put(records, KEY, body=b"one")
    found = await records.get(KEY)
    assert (found.id, found.body) == (KEY, b"one")
    await put(records, KEY, body=b"two")
    assert (await records.get(KEY)).body == b"two"
    await delete(records, KEY)
    assert records.recent(KEY) is None
    assert await records.get(KEY) is None


async def test_what_is_expected_is_read_with_what_is_read_next(records: Any) -> None:
    others = [at(sort) for sort in ("1", "2", "10")]
    await put(records, KEY, *others, body=b"one")
    records.expect("c", "p")
    records.expect("c", "nothing")
    assert (await records.get(KEY)).body == b"one"
    assert records.recent(others[1]).body == b"one"
    await delete(records, others[1])
    records.expect("c", "p")
    assert (await records.get(KEY)).body == b"one"
    assert records.recent(others[1]) is None


@pytest.mark.parametrize("body", [b"", b"\x00", bytes(range(256)) * 300], ids=["empty", "NUL", "long"])
async def test_any_body(records: Any, body: bytes) -> None:
    await put(records, KEY, body=body)
    assert (await records.get(KEY)).body == body
    assert [each.body for each in await records.list(KEY.collection, KEY.partition)] == [body]


async def test_a_tag_stands_for_a_record(records: Any) -> None:
    await put(records, KEY, at("x"), body=b"one")
    first = (await records.get(KEY)).tag
    assert first == (await records.get(KEY)).tag
    assert first == (await records.list(KEY.collection, KEY.partition))[0].tag
    assert first != (await records.get(at("x"))).tag
    await put(records, KEY, body=b"two")
    assert first != (await records.get(KEY)).tag


async def test_partitions_and_collections_are_apart(records: Any) -> None:
    ids = [at("s", "p", "c"), at("s", "q", "c"), at("s", "p", "d"), at("", "ps", "c"), at("ps", "", "c")]
    for number, each in enumerate(ids):
        await put(records, each, body=b"%d" % number)
    assert [(await records.get(each)).body for each in ids] == [b"0", b"1", b"2", b"3", b"4"]
    assert await sorts(records, "c", "p") == ["s"]
    await delete(records, ids[0])
    assert await records.get(ids[1]) is not None
    assert await sorts(records, "c", "p") == []


NAMES = ["\x00", "\n", " ", "%", "A", "Z", "_", "a", "aa", "b", "ß", "é", "€", "\ufffd", "𝄞"]


async def test_the_order_is_that_of_code_points(records: Any) -> None:
    for name in reversed(NAMES):
        await put(records, at(name))
    assert await sorts(records, "c", "p") == NAMES
    for size in (1, 4, 14, 15, 16):
        found: list[str] = []
        while page := await sorts(records, "c", "p", found[-1] if found else "", size):
            assert len(page) <= size
            found += page
        assert found == NAMES
    assert await sorts(records, "c", "p", "B", 2) == ["Z", "_"]
    assert await sorts(records, "c", "p", "𝄞") == []


async def test_a_change_reads_its_own_writes(records: Any) -> None:
    await put(records, at("a"), at("c"), at("e"))

    def work(change: RecordChange) -> list[Any]:
        change.delete(at("a"))
        change.put(at("b"), b"new")
        change.put(at("c"), b"changed")
        seen = [[each.id.sort for each in change.list("c", "p")]]
        seen.append([each.id.sort for each in change.list("c", "p", "a", 2)])
        seen.append([each.id.sort for each in change.list("c", "p", "b", 1)])
        changed, gone, old = change.get(at("c")), change.get(at("a")), change.get(at("e"))
        assert changed is not None
        assert old is not None
        seen.append([changed.body, gone, old.body])
        change.delete(at("b"))
        seen.append([each.id.sort for each in change.list("c", "p", "", 1)])
        return seen

    assert await records.change(work) == [
        ["b", "c", "e"],
        ["b", "c"],
        ["c"],
        [b"changed", None, b"body"],
        ["c"],
    ]
    assert await sorts(records, "c", "p") == ["c", "e"]
    assert await records.get(at("b")) is None


async def test_an_exception_undoes_everything(records: Any) -> None:
    await put(records, at("a"))

    def work(change: RecordChange) -> None:
        change.put(at("b"), b"new")
        change.delete(at("a"))
        raise LookupError("refused")

    with pytest.raises(LookupError):
        await records.change(work)
    assert await sorts(records, "c", "p") == ["a"]
    await put(records, at("c"))
    assert await sorts(records, "c", "p") == ["a", "c"]


async def test_removing_what_is_not_there_is_harmless(records: Any) -> None:
    await delete(records, at("never"))
    await put(records, at("a"))
    assert await sorts(records, "c", "p") == ["a"]


async def test_changes_run_one_after_the_other(records: Any) -> None:
    def work(change: RecordChange) -> int:
        before = change.get(KEY)
        number = int(before.body) + 1 if before else 1
        change.put(KEY, b"%d" % number)
        return number

    assert sorted(await asyncio.gather(*(records.change(work) for _ in range(20)))) == list(range(1, 21))
    assert (await records.get(KEY)).body == b"20"


async def test_a_get_sees_every_change_that_returned_before(records: Any) -> None:
    """While others read all the time, so that what was read before a change is about to be cached.

    So does what is at hand without waiting, if it is.
    """
    await put(records, KEY, body=b"0")
    stop = asyncio.Event()

    async def read() -> None:
        while not stop.is_set():
            await records.get(KEY)
            await asyncio.sleep(0)

    readers = [asyncio.create_task(read()) for _ in range(4)]
    for number in range(1, 40):
        await put(records, KEY, body=b"%d" % number)
        assert records.recent(KEY) is None or records.recent(KEY).body == b"%d" % number
        assert (await records.get(KEY)).body == b"%d" % number
        assert records.recent(KEY) is None or records.recent(KEY).body == b"%d" % number
    stop.set()
    await asyncio.gather(*readers)


async def test_a_caller_that_goes_away_leaves_all_or_nothing(records: Any) -> None:
    for number in range(20):
        task = asyncio.create_task(put(records, at("a"), at("b"), body=b"%d" % number))
        await asyncio.sleep(0.0003 * number)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await records.change(lambda _change: None)
        found = {each.body for each in await records.list("c", "p")}
        assert len(found) <= 1
        for each in await records.list("c", "p"):
            assert (await records.get(each.id)).body == each.body


@pytest.mark.parametrize("kind", KINDS)
async def test_the_schema_is_what_the_tables_say(kind: str, tmp_path: Path) -> None:
    database = Database(empty_database(kind, tmp_path))
    database.migrate(REVISIONS)

    def difference(connection: Any) -> list[object]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        return compare_metadata(MigrationContext.configure(connection), METADATA)

    assert await database.read(difference) == []
    await database.close()
