"""The contract of the store of enforcement points, held against every adapter."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.auth.adapters.sql_points import SqlPoints
from services.auth.domain.points import EnforcementPointId
from services.auth.ports.revocation import EnforcementPointStore
from services.chassis.database import Database
from tests.fakes.databases import KINDS, empty_database, make_schema

REVISIONS = Path(__file__).parents[3] / "services" / "auth" / "adapters" / "migrations"
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
LIVE = timedelta(seconds=30)


def edge(number: int) -> EnforcementPointId:
    return EnforcementPointId("edge", f"{number:032x}")


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EnforcementPointStore]:
    database = Database(empty_database(request.param, tmp_path))
    make_schema(database, REVISIONS)
    yield SqlPoints(database)
    await database.close()


async def test_points_are_known_for_as_long_as_they_come_back(store: EnforcementPointStore) -> None:
    assert await store.register(edge(1), NOW, NOW - LIVE, 64)
    assert await store.register(EnforcementPointId("kms", "0" * 32), NOW, NOW - LIVE, 64)
    later = NOW + timedelta(seconds=20)
    assert await store.register(edge(1), later, later - LIVE, 64)
    assert len(await store.live(NOW)) == 2
    assert await store.live(later) == [edge(1)]


async def test_a_service_has_so_many_points_at_a_time_and_no_more(store: EnforcementPointStore) -> None:
    assert [await store.register(edge(number), NOW, NOW - LIVE, 3) for number in range(4)] == [True] * 3 + [
        False
    ]
    assert await store.register(EnforcementPointId("kms", "0" * 32), NOW, NOW - LIVE, 3), "another service"
    later = NOW + timedelta(seconds=20)
    assert await store.register(edge(0), later, later - LIVE, 3), "who is in stays in"
    assert not await store.register(edge(3), later, later - LIVE, 3)
    assert edge(3) not in await store.live(NOW)
    gone = NOW + timedelta(seconds=31)
    assert await store.register(edge(3), gone, gone - LIVE, 3), "two have ended"
    assert await store.register(edge(1), gone, gone - LIVE, 3)
    assert not await store.register(edge(2), gone, gone - LIVE, 3), "it has ended as well, and comes too late"


async def test_points_that_come_together_are_counted_one_by_one(store: EnforcementPointStore) -> None:
    results = await asyncio.gather(*(store.register(edge(n), NOW, NOW - LIVE, 3) for n in range(8)))
    assert sorted(results) == [False] * 5 + [True] * 3
    assert len(await store.live(NOW)) == 3
