"""What every store of known logs must do, run against each there is."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import services.witness
from services.chassis.database import Database
from services.witness.adapters.sql_logs import SqlKnownLogs
from services.witness.ports import KnownLog
from tests.fakes.databases import KINDS, empty_database, replica
from tests.unit.tlog.keys import LOG
from tlog.proofs import MAX_SIZE
from tlog.witness import Seen

REVISIONS = Path(services.witness.__file__).parent / "adapters" / "migrations"


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(empty_database(request.param, tmp_path))
    opened.migrate(REVISIONS)
    yield opened
    await opened.close()


def known(size: int) -> KnownLog:
    return KnownLog(LOG.key, Seen(size, size.to_bytes(8, "big") * 4))


async def test_a_log_moves_on_from_where_it_was_alone(database: Database) -> None:
    logs = SqlKnownLogs(database)
    assert await logs.get(LOG.key.name) is None
    assert await logs.advance(None, known(5))
    assert not await logs.advance(None, known(6))
    assert not await logs.advance(known(4), known(6))
    assert await logs.advance(known(5), known(5))
    assert await logs.advance(known(5), known(MAX_SIZE))
    async with replica(database) as another:
        assert await SqlKnownLogs(another).get(LOG.key.name) == known(MAX_SIZE)
    assert await logs.get("other.example/log") is None


@pytest.mark.parametrize("before", [None, known(5)])
async def test_of_two_at_the_same_time_one_wins(database: Database, before: KnownLog | None) -> None:
    async with replica(database) as another:
        stores = [SqlKnownLogs(each) for each in (database, another, database, another)]
        if before is not None:
            assert await stores[0].advance(None, before)
        wanted = [known(size) for size in range(10, 14)]
        won = await asyncio.gather(
            *(store.advance(before, each) for store, each in zip(stores, wanted, strict=True))
        )
        assert sorted(won) == [False, False, False, True]
        assert await stores[0].get(LOG.key.name) == wanted[won.index(True)]
