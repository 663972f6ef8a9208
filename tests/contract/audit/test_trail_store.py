"""What every TrailStore must do, run against each database there is."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

import services.audit
from services.audit.adapters.sql_trails import SqlTrailStore
from services.audit.adapters.tables import TRAILS
from services.audit.domain.delivery import Link, LogFile, OwedFile
from services.audit.domain.selectors import AdvancedSelector, FieldSelector, Selectors
from services.audit.domain.trail import TRAILS_A_REGION, Pending, Settings, Status, Target, Trail, TrailName
from services.audit.ports import StoredDigest
from services.chassis.database import Database
from services.chassis.errors import DomainError
from tests.fakes.databases import KINDS, empty_database, make_schema, replica

REVISIONS = Path(services.audit.__file__).parent / "adapters" / "migrations"
ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.fixture(params=KINDS)
async def database(request, tmp_path) -> AsyncIterator[Database]:
    opened = Database(empty_database(request.param, tmp_path))
    make_schema(opened, REVISIONS)
    yield opened
    await opened.close()


@pytest.fixture
def store(database) -> SqlTrailStore:
    return SqlTrailStore(database)


def trail(name: str = "one", account: str = ACCOUNT, region: str = REGION, **changes) -> Trail:
    made = Trail(f"{account}{region}{name}"[:32], TrailName(account, region, name), Settings(Target("b")), 1)
    return replace(made, **changes)


def file(number: int) -> LogFile:
    return LogFile("b", f"key-{number}", f"{number:064x}", number, number + 1)


def digest(start: int, end: int, chain: int = 0, region: str = REGION) -> StoredDigest:
    link = Link("b", f"digest-{end}", "0" * 64, "ff")
    return StoredDigest(region, chain, start, end, link, b"body", delivered=False)


async def test_a_trail_comes_back_as_it_was(store):
    chosen = Selectors((), (AdvancedSelector("n", (FieldSelector("eventCategory", ("Management",)),)),))
    made = trail(
        settings=Settings(Target("b", "p/q"), True, False, True, chosen, {"k": "v"}),
        logging=True,
        started_us=2,
        stopped_us=3,
        delivered=4,
        until=5,
        pending=Pending(4, 5, 6, Settings(Target("old"), selectors=chosen)),
        pauses=((5, 9), (12, 14)),
        chain_us=2,
        status=Status(7, 8, "SlowDown", 9, "x"),
    )
    await store.create(made)
    assert await store.get(made.name) == made
    assert await store.active() == [made]
    assert await store.get(TrailName(ACCOUNT, "eu-west-1", "one")) is None


async def test_a_name_is_used_once_and_a_region_has_room_for_few(store):
    for number in range(TRAILS_A_REGION):
        await store.create(trail(f"trail-{number}"))
    with pytest.raises(DomainError) as refusal:
        await store.create(trail("trail-0"))
    assert refusal.value.reason_name == "RESOURCE_EXISTS"
    with pytest.raises(DomainError) as refusal:
        await store.create(trail("another"))
    assert refusal.value.reason_name == "QUOTA_EXCEEDED"
    await store.create(trail("another", region="eu-west-1"))
    await store.create(trail("another", account="210987654321"))
    listed = await store.of_account(ACCOUNT)
    assert [str(each.name).rpartition("/")[2] for each in listed][:2] == ["another", "trail-0"]
    assert await store.active() == []


async def test_replicas_make_no_more_than_there_is_room_for(store, database):
    async with replica(database) as other:
        stores = (store, SqlTrailStore(other))
        made = await asyncio.gather(
            *(stores[number % 2].create(trail(f"trail-{number}")) for number in range(8)),
            return_exceptions=True,
        )
    assert sum(each is None for each in made) == TRAILS_A_REGION == len(await store.of_account(ACCOUNT))


async def test_of_two_changes_one_is_made(store, database):
    await store.create(trail())
    async with replica(database) as other:
        seen = await store.get(trail().name)
        changed = await asyncio.gather(
            store.replace(replace(seen, delivered=1)),
            SqlTrailStore(other).replace(replace(seen, delivered=2)),
        )
    assert sorted(changed) == [False, True]
    assert (await store.get(trail().name)).revision == 1


async def test_files_are_held_until_a_digest_names_them(store):
    await store.create(trail())
    made = await store.get(trail().name)
    assert await store.replace(made, [(REGION, file(1)), ("eu-west-1", file(2)), (REGION, file(3))])
    assert not await store.replace(made, [(REGION, file(4))])
    waiting = await store.undigested(made)
    assert {region: [each for _, each in files] for region, files in waiting.items()} == {
        REGION: [file(1), file(3)],
        "eu-west-1": [file(2)],
    }
    assert await store.add_digest(made, digest(0, 10), [number for number, _ in waiting[REGION]])
    assert list(await store.undigested(made)) == ["eu-west-1"]


async def test_a_chain_has_one_digest_of_a_time(store, database):
    await store.create(trail(chain_us=5))
    made = await store.get(trail().name)
    assert await store.last_digest(made, REGION) is None
    async with replica(database) as other:
        added = await asyncio.gather(
            store.add_digest(made, digest(0, 10, 5), []),
            SqlTrailStore(other).add_digest(made, digest(0, 11, 5), []),
        )
    assert sorted(added) == [False, True]
    last = await store.last_digest(made, REGION)
    assert not last.delivered
    assert await store.undelivered(made) == [last]
    await store.delivered_digest(made, last)
    assert await store.undelivered(made) == []
    assert await store.last_digest(made, REGION) == replace(last, body=b"", delivered=True)
    following = digest(last.end_us, 20, 5)
    assert await store.add_digest(made, following, [])
    await store.delivered_digest(made, following)
    assert (await store.last_digest(made, REGION)).end_us == 20
    assert await store.chained(made) == [REGION]
    # Another chain begins with nothing before it.
    assert await store.last_digest(replace(made, chain_us=6), REGION) is None
    assert await store.chained(replace(made, chain_us=6)) == []


PART = Pending(4, 5, 6, Settings(Target("b")))


async def test_sealed_files_are_held_once_while_their_part_is_pending(store, database):
    await store.create(trail(pending=PART))
    made = await store.get(trail().name)
    assert not await store.held(made)
    owed = [OwedFile("us-east-1", file(1), b"one" * 9), OwedFile("eu-west-1", file(2), bytes(range(256)))]
    async with replica(database) as other:
        held = await asyncio.gather(
            store.hold(made, owed), SqlTrailStore(other).hold(made, [replace(owed[0], body=b"other")])
        )
    assert sorted(held) == [False, True]
    first = list(await store.held(made))
    assert first in ([owed[1], owed[0]], [replace(owed[0], body=b"other")])
    # A note about the trail changes nothing of it, and the files of another part take its place.
    assert await store.replace(replace(made, status=Status(delivery_error="SlowDown")))
    made = await store.get(made.name)
    assert list(await store.held(made)) == first
    assert await store.replace(replace(made, pending=replace(PART, planned_us=7)))
    made = await store.get(made.name)
    assert not await store.held(made)
    assert await store.hold(made, owed[:1])
    assert list(await store.held(made)) == owed[:1]
    assert await store.replace(replace(made, pending=None))
    assert not await store.held(made)
    assert not await store.held(await store.get(made.name))


async def test_nothing_is_held_for_a_trail_that_was_changed_meanwhile(store):
    await store.create(trail(pending=PART))
    made = await store.get(trail().name)
    assert await store.replace(made)
    assert not await store.hold(made, [OwedFile("us-east-1", file(1), b"x")])
    assert not await store.held(made)
    now = await store.get(made.name)
    assert await store.hold(now, [OwedFile("us-east-1", file(1), b"x")])
    assert await store.delete(now)
    assert not await store.held(now)
    assert not await store.hold(now, [OwedFile("us-east-1", file(1), b"x")])


async def test_settings_from_before_there_were_keys(store, database):
    await store.create(trail(settings=Settings(Target("b"), key="k")))
    assert (await store.get(trail().name)).settings.key == "k"

    def age(connection):
        text = connection.execute(sa.select(TRAILS.c.settings)).scalar_one()
        old = {name: value for name, value in json.loads(text).items() if name != "key"}
        connection.execute(sa.update(TRAILS).values(settings=json.dumps(old)))

    await database.run(age)
    assert (await store.get(trail().name)).settings == Settings(Target("b"))


async def test_a_deleted_trail_leaves_nothing(store):
    await store.create(trail())
    made = await store.get(trail().name)
    await store.replace(made, [(REGION, file(1))])
    assert not await store.delete(made)
    made = await store.get(trail().name)
    assert await store.add_digest(made, digest(0, 10), [])
    assert await store.delete(made)
    assert not await store.delete(made)
    assert await store.get(made.name) is None
    assert not await store.undigested(made)
    assert await store.last_digest(made, REGION) is None
    assert not await store.replace(made)
    assert not await store.add_digest(made, digest(10, 20), [])
    await store.create(trail())


async def test_a_digest_of_a_chain_that_has_ended_is_delivered_still(store):
    await store.create(trail(chain_us=5))
    made = await store.get(trail().name)
    held = digest(0, 10, 5)
    assert await store.add_digest(made, held, [])
    assert await store.replace(replace(made, chain_us=12))
    made = await store.get(trail().name)
    assert await store.last_digest(made, REGION) is None
    assert await store.undelivered(made) == [held]
    later = digest(12, 20, 12)
    assert await store.add_digest(made, later, [])
    await store.delivered_digest(made, later)
    assert await store.undelivered(made) == [held]
    await store.delivered_digest(made, held)
    assert await store.undelivered(made) == []
    assert (await store.last_digest(made, REGION)).end_us == 20
