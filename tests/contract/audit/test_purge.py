"""The contract of the store of purges, and of the event store beside it."""

import asyncio

import sqlalchemy as sa

from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_keys import SqlDataKeyStore
from services.audit.adapters.sql_purge import SqlPurge
from services.audit.adapters.sql_trails import SqlTrailStore
from services.audit.adapters.tables import ENTRIES, METADATA, RESOURCES
from services.audit.domain.query import Query
from services.audit.domain.trail import Settings, Target, Trail, TrailName
from services.audit.ports import DataKey
from services.chassis.account_purge import Purge
from tests.contract.audit.test_event_store import batch, database, entry  # noqa: F401
from tests.fakes.databases import replica

ACCOUNT, OTHER = "123456789012", "210987654321"
PURGE = Purge("p", ACCOUNT, "0" * 32)


async def counted(database, table) -> int:  # noqa: F811
    count = sa.select(sa.func.count()).select_from(table)
    return await database.read(lambda connection: connection.execute(count).scalar_one())


async def test_a_purge_leaves_the_leaves(database):  # noqa: F811
    events, store = SqlEventStore(database), SqlPurge(database)
    await events.append(batch(0, [entry(n, account=OTHER if n == 2 else ACCOUNT) for n in range(5)]))
    for number, account in enumerate((ACCOUNT, OTHER)):
        await SqlDataKeyStore(database).add(DataKey(bytes([number]) * 16, account, b"w", 1))
        name = TrailName(account, "us-east-1", "mine")
        trail = Trail(str(number), name, Settings(Target("bucket", "")), 0)
        await SqlTrailStore(database).create(trail)
    before = await events.leaves(0, 10)
    progress = await store.begin(PURGE)
    assert (progress.removed, progress.finished) == ({"trails": 1, "data keys": 1, "events": 0}, False)
    assert await store.begin(PURGE) == progress
    assert not (await store.empty(PURGE, 2)).finished
    assert not (await store.empty(PURGE, 2)).finished
    last = await store.empty(PURGE, 2)
    assert (last.removed["events"], last.finished) == (4, True)
    assert await store.begin(PURGE) == last
    assert await events.leaves(0, 10) == before
    assert await events.find(Query(account_id=ACCOUNT), None, 10) == []
    assert [row.sequence for row in await events.find(Query(), None, 10)] == [2]
    assert [row.sequence for row in await events.find(Query(resource="shared"), None, 10)] == [2]
    assert await counted(database, RESOURCES) == 2
    assert len(await SqlTrailStore(database).of_account(OTHER)) == 1
    assert await SqlTrailStore(database).of_account(ACCOUNT) == []
    assert await SqlDataKeyStore(database).newest(ACCOUNT) is None


async def test_what_is_taken_in_meanwhile_keeps_no_name(database):  # noqa: F811
    """A batch that was sealed before the purge began, at another replica, is appended after it."""
    async with replica(database) as other:
        await SqlPurge(database).begin(PURGE)
        late = [entry(0), entry(1, account=OTHER), entry(2)]
        assert await SqlEventStore(other).append(batch(0, late)) == 3
    rows = await SqlEventStore(database).rows(0, 10)
    assert [row.account_id for row in rows] == ["purged", OTHER, "purged"]
    assert rows[0].principal_arn == ""
    assert await counted(database, RESOURCES) == 2


async def test_purging_and_taking_in_at_once_lose_nothing(database):  # noqa: F811
    events, store = SqlEventStore(database), SqlPurge(database)
    await events.append(batch(0, [entry(n) for n in range(40)]))

    async def appended() -> None:
        for first in range(40, 80, 4):
            await events.append(batch(first, [entry(n) for n in range(first, first + 4)]))

    async def purged() -> None:
        await store.begin(PURGE)
        while not (await store.empty(PURGE, 7)).finished:
            pass

    await asyncio.gather(appended(), purged())
    rows = await events.rows(0, 100)
    assert [row.sequence for row in rows] == list(range(80))
    assert {row.account_id for row in rows} == {"purged"}
    assert await counted(database, ENTRIES) == 80
    assert await counted(database, METADATA.tables["resources"]) == 0
