"""What adapters may rely on, on every kind of database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.chassis.database import Database
from tests.fakes.databases import KINDS, empty_database

REVISION = """
import sqlalchemy as sa
from alembic import op
revision = "0001"
down_revision = None
def upgrade():
    op.create_table("counter", sa.Column("id", sa.Integer, primary_key=True), sa.Column("value", sa.Integer))
    op.execute("INSERT INTO counter (id, value) VALUES (1, 0)")
"""


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
