"""What every store below the log must do: entries by their numbers, and the newest checkpoint."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import services.audit
from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_heads import SqlHeadStore
from services.audit.adapters.tables import ENTRIES, RESOURCES
from services.audit.domain.entry import Index
from services.audit.errors import LogDamagedError
from services.audit.ports import Batch, Head, SealedEntry
from services.chassis.database import Database
from tests.fakes.databases import KINDS, empty_database, replica

REVISIONS = Path(services.audit.__file__).parent / "adapters" / "migrations"
ACCOUNT = "123456789012"


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(empty_database(request.param, tmp_path))
    yield opened
    await opened.close()


@pytest.fixture
def current(database: Database) -> Database:
    database.migrate(REVISIONS)
    return database


def batch(spool: int, first: int, count: int) -> Batch:
    entries = []
    for number in range(first, first + count):
        event_id = (spool * 1000 + number).to_bytes(16, "big")
        index = Index(event_id, number, ACCOUNT, "arn", "CreateUser", "request", ("shared",))
        entries.append(SealedEntry(index, b"leaf %d/%d" % (spool, number)))
    return Batch(f"{spool:032x}", "service/auth", first, entries)


async def test_entries_are_numbered_from_zero_in_the_order_of_their_arrival(current: Database) -> None:
    store = SqlEventStore(current)
    assert await store.leaves(0, 10) == []
    for spool, first, count in ((1, 0, 3), (2, 0, 2), (1, 3, 1)):
        await store.append(batch(spool, first, count))
    expected = [b"leaf 1/0", b"leaf 1/1", b"leaf 1/2", b"leaf 2/0", b"leaf 2/1", b"leaf 1/3"]
    assert await store.leaves(0, 10) == expected
    assert await store.leaves(2, 3) == expected[2:5]
    assert await store.leaves(6, 10) == []


async def test_replicas_leave_no_gap_and_no_twin(current: Database) -> None:
    async with replica(current) as another:
        stores = (SqlEventStore(current), SqlEventStore(another))
        for step in range(5):
            appends = [stores[spool % 2].append(batch(spool, step * 3, 3)) for spool in range(4)]
            assert await asyncio.gather(*appends) == [step * 3 + 3] * 4
        found = await stores[0].leaves(0, 1000)
    assert len(found) == len(set(found)) == 60


@pytest.mark.parametrize("number", [0, 3])
async def test_a_gap_is_an_error(current: Database, number: int) -> None:
    store = SqlEventStore(current)
    await store.append(batch(1, 0, 6))

    def remove(connection: sa.Connection) -> None:
        connection.execute(sa.delete(RESOURCES).where(RESOURCES.c.sequence == number))
        connection.execute(sa.delete(ENTRIES).where(ENTRIES.c.sequence == number))

    await current.run(remove)
    with pytest.raises(LogDamagedError, match=f"entry {number} is gone"):
        await store.leaves(0, 10)
    assert len(await store.leaves(number + 1, 10)) == 5 - number


async def test_an_event_is_found_by_its_id_in_its_account_alone(current: Database) -> None:
    store = SqlEventStore(current)
    await store.append(batch(1, 0, 3))
    event_id = (1001).to_bytes(16, "big")
    for account in (None, ACCOUNT):
        found = await store.by_id(event_id, account)
        assert found is not None
        assert (found.sequence, found.leaf) == (1, b"leaf 1/1")
    assert await store.by_id(event_id, "210987654321") is None
    assert await store.by_id(bytes(16), None) is None


async def test_heads_only_follow_the_one_that_was_seen(current: Database) -> None:
    async with replica(current) as another:
        heads, others = SqlHeadStore(current), SqlHeadStore(another)
        assert await heads.newest() is None
        first, second = (Head(size, bytes((size,)) * 32, b"note %d" % size) for size in (5, 9))
        assert not await heads.advance(3, first)
        assert await heads.advance(0, first)
        assert not await others.advance(0, second)
        assert await others.newest() == first
        both = await asyncio.gather(heads.advance(5, second), others.advance(5, second))
        assert sorted(both) == [False, True]
        assert await heads.newest() == second


async def test_the_first_head_is_one(current: Database) -> None:
    async with replica(current) as another:
        stores = [SqlHeadStore(each) for each in (current, another, current, another)]
        heads = [Head(size, bytes(32), b"note") for size in range(1, 5)]
        won = await asyncio.gather(
            *(store.advance(0, head) for store, head in zip(stores, heads, strict=True))
        )
        assert sorted(won) == [False, False, False, True]
        assert await stores[0].newest() == heads[won.index(True)]


async def test_numbers_that_the_log_has_used_stay_used(current: Database) -> None:
    store = SqlEventStore(current)
    await store.append(batch(1, 0, 6))
    assert await SqlHeadStore(current).advance(0, Head(6, bytes(32), b"note"))

    def remove(connection: sa.Connection) -> None:
        connection.execute(sa.delete(RESOURCES).where(RESOURCES.c.sequence >= 4))
        connection.execute(sa.delete(ENTRIES).where(ENTRIES.c.sequence >= 4))

    await current.run(remove)
    await store.append(batch(2, 0, 2))
    assert await store.leaves(6, 10) == [b"leaf 2/0", b"leaf 2/1"]
    with pytest.raises(LogDamagedError, match="entry 4 is gone"):
        await store.leaves(0, 10)


@pytest.mark.parametrize("empty", [True, False])
async def test_a_database_of_before_the_log(database: Database, tmp_path: Path, empty: bool) -> None:
    before = tmp_path / "before"
    before.mkdir()
    for revision in ("r0001_entries.py", "r0002_anchors.py"):
        shutil.copy(REVISIONS / revision, before)
    database.migrate(before)
    if not empty:
        await database.run(_one_entry)
        with pytest.raises(RuntimeError, match="make clean"):
            database.migrate(REVISIONS)
        return
    database.migrate(REVISIONS)
    await SqlEventStore(database).append(batch(7, 0, 2))
    assert len(await SqlEventStore(database).leaves(0, 10)) == 2


def _one_entry(connection: sa.Connection) -> None:
    connection.exec_driver_sql(
        "INSERT INTO spools (spool_id, workload, next_position) VALUES ('s', 'service/auth', 1)"
    )
    values = {"spool_id": "s", "position": 0, "event_id": bytes(16), "time_us": 1, "account_id": ACCOUNT}
    names = {"principal_arn": "arn", "event_name": "CreateUser", "request_id": "request"}
    connection.execute(sa.insert(ENTRIES).values(sequence=1, leaf=b"leaf", **values, **names))
