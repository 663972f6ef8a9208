"""What adapters may rely on, on every kind of database."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.chassis.database import Database, migrate, open_engine
from services.chassis.errors import DomainError
from tests.fakes.databases import KINDS, POSTGRESQL, empty_database, replica

REVISION = """
import sqlalchemy as sa
from alembic import op
revision = "0001"
down_revision = None
def upgrade():
    op.create_table("counter", sa.Column("id", sa.Integer, primary_key=True), sa.Column("value", sa.Integer))
    op.execute("INSERT INTO counter (id, value) VALUES (1, 0)")
"""
SLOW_REVISION = REVISION.replace("def upgrade():", "def upgrade():\n    import time\n    time.sleep(0.5)")


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    revisions = tmp_path / "revisions"
    revisions.mkdir()
    (revisions / "r0001_counter.py").write_text(REVISION)
    database = Database(empty_database(request.param, tmp_path))
    database.migrate(revisions)
    database.migrate(revisions)
    yield database
    await database.close()


def value(connection: sa.Connection) -> int:
    return connection.execute(sa.text("SELECT value FROM counter")).scalar_one()


async def test_no_update_is_lost(database: Database) -> None:
    def increment(connection: sa.Connection) -> int:
        after = value(connection) + 1
        connection.execute(sa.text("UPDATE counter SET value = :after"), {"after": after})
        return after

    seen = await asyncio.gather(*(database.run(increment) for _ in range(60)))
    assert sorted(seen) == list(range(1, 61))
    assert await database.read(value) == 60


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    def fails(connection: sa.Connection) -> None:
        connection.execute(sa.text("UPDATE counter SET value = 99"))
        raise KeyError

    with pytest.raises(KeyError):
        await database.run(fails)
    assert await database.read(value) == 0


async def test_a_read_sees_one_moment(database: Database) -> None:
    loop = asyncio.get_running_loop()

    def twice(connection: sa.Connection) -> tuple[int, int]:
        before = value(connection)
        write = database.run(lambda other: other.execute(sa.text("UPDATE counter SET value = 7")))
        asyncio.run_coroutine_threadsafe(write, loop).result(10)
        return before, value(connection)

    assert await database.read(twice) == (0, 0)
    assert await database.read(value) == 7


async def test_replicas_lose_no_update(database: Database) -> None:
    def increment(connection: sa.Connection) -> None:
        after = value(connection) + 1
        connection.execute(sa.text("UPDATE counter SET value = :after"), {"after": after})

    async with replica(database) as second:
        await asyncio.gather(*((database, second)[n % 2].run(increment) for n in range(60)))
    assert await database.read(value) == 60


def migrate_at(url: str, revisions: Path) -> None:
    engine = open_engine(url)
    migrate(engine, revisions)
    engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_replicas_may_start_together(kind: str, tmp_path: Path) -> None:
    (tmp_path / "revisions").mkdir()
    (tmp_path / "revisions/r0001_counter.py").write_text(SLOW_REVISION)
    url = empty_database(kind, tmp_path)
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=migrate_at, args=(url, tmp_path / "revisions"), daemon=True) for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    engine = open_engine(url)
    with engine.connect() as connection:
        assert value(connection) == 0
    engine.dispose()


@pytest.mark.postgresql
@pytest.mark.parametrize("database", [POSTGRESQL], indirect=True)
async def test_a_lost_connection_is_a_database_that_is_away(database: Database) -> None:
    def lose(connection: sa.Connection) -> None:
        connection.execute(sa.text("UPDATE counter SET value = 99"))
        connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(DomainError) as caught:
        await database.run(lose)
    assert caught.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    assert await database.read(value) == 0


@pytest.mark.postgresql
@pytest.mark.parametrize("database", [POSTGRESQL], indirect=True)
async def test_connections_that_died_while_idle_are_replaced(database: Database) -> None:
    pool = await asyncio.gather(
        *(
            database.read(lambda connection: connection.execute(sa.text("SELECT pg_backend_pid()")).scalar())
            for _ in range(8)
        )
    )
    async with replica(database) as second:
        for pid in set(pool):
            await second.run(
                lambda connection, pid=pid: connection.execute(
                    sa.text("SELECT pg_terminate_backend(:pid, 1000)"), {"pid": pid}
                )
            )
    assert await asyncio.gather(*(database.read(value) for _ in range(8))) == [0] * 8


@pytest.mark.postgresql
@pytest.mark.parametrize("database", [POSTGRESQL], indirect=True)
async def test_a_stuck_statement_ends(database: Database) -> None:
    def stuck(connection: sa.Connection) -> None:
        limit = connection.execute(sa.text("SHOW statement_timeout")).scalar()
        assert limit == "10s"
        connection.execute(sa.text("SET LOCAL statement_timeout = 50"))
        connection.execute(sa.text("SELECT pg_sleep(60)"))

    with pytest.raises(DomainError) as caught:
        await database.run(stuck)
    assert caught.value.reason_name == "DEPENDENCY_UNAVAILABLE"


@pytest.mark.postgresql
@pytest.mark.parametrize("database", [POSTGRESQL], indirect=True)
@pytest.mark.parametrize("text", ["a\0b", "x" * 9])
async def test_a_text_that_does_not_fit_is_the_callers_mistake(database: Database, text: str) -> None:
    def work(connection: sa.Connection) -> None:
        connection.execute(sa.text("CREATE TABLE note (text VARCHAR(8))"))
        connection.execute(sa.text("INSERT INTO note VALUES (:text)"), {"text": text})

    with pytest.raises(DomainError) as caught:
        await database.run(work)
    assert caught.value.reason_name == "INVALID_FIELD"
    assert text not in str(caught.value)
