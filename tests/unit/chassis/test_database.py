"""Database: durable transactions off the loop, migrations in one transaction, errors without parameters."""

import asyncio
import multiprocessing
import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from alembic.util import CommandError
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.database import Database, StorageFailedError, migrate, open_engine
from services.chassis.errors import DomainError

FIRST = """
import sqlalchemy as sa
from alembic import op
revision = "0001"
down_revision = None
def upgrade():
    text = sa.Column("text", sa.String, unique=True)
    op.create_table("note", sa.Column("id", sa.Integer, primary_key=True), text)
"""
SECOND_HALF_BROKEN = """
import sqlalchemy as sa
from alembic import op
revision = "0002"
down_revision = "0001"
def upgrade():
    op.create_table("half", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("this is not SQL")
"""


@pytest.fixture
def revisions(tmp_path: Path) -> Path:
    folder = tmp_path / "with % and space"
    folder.mkdir()
    (folder / "r0001_note.py").write_text(FIRST)
    return folder


@pytest.fixture
async def database(tmp_path: Path, revisions: Path):
    database = Database(f"sqlite:///{tmp_path}/state.sqlite")
    database.migrate(revisions)
    yield database
    await database.close()


GIB = 2**30


@pytest.mark.parametrize(
    ("asked_mib", "disk", "pages"),
    [
        pytest.param(0, 64 * GIB, 1_000, id="SQLite's own"),
        pytest.param(64, 64 * GIB, 16_384, id="as asked"),
        pytest.param(64, 4 * GIB, 4_096, id="a part of a small disk"),
        pytest.param(64, GIB // 16, 1_000, id="SQLite's own on a tiny one"),
    ],
)
def test_the_log_is_as_long_as_the_disk_has_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked_mib: int, disk: int, pages: int
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=disk))
    engine = open_engine(f"sqlite:///{tmp_path}/state.sqlite", log_mib=asked_mib)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar() == pages
        assert connection.exec_driver_sql("PRAGMA journal_size_limit").scalar() == pages * 4096
    engine.dispose()


def insert(connection: sa.Connection, text: str) -> None:
    connection.execute(sa.text("INSERT INTO note (text) VALUES (:text)"), {"text": text})


def count(connection: sa.Connection) -> int:
    return connection.execute(sa.text("SELECT count(*) FROM note")).scalar_one()


async def test_commits_and_rolls_back(database: Database) -> None:
    await database.run(lambda connection: insert(connection, "kept"))

    def fails(connection: sa.Connection) -> None:
        insert(connection, "lost")
        raise KeyError

    with pytest.raises(KeyError):
        await database.run(fails)
    assert await database.read(count) == 1


async def test_settings_that_durability_rests_on(database: Database, tmp_path: Path) -> None:
    def settings(connection: sa.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]

    assert await database.read(settings) == ["wal", 2, 1]
    assert stat.S_IMODE((tmp_path / "state.sqlite").stat().st_mode) == 0o600


async def test_parallel_writers_wait_for_each_other(database: Database) -> None:
    def read_then_write(connection: sa.Connection) -> None:
        insert(connection, f"note {count(connection)}")

    await asyncio.gather(*(database.run(read_then_write) for _ in range(50)))
    assert await database.read(count) == 50


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    writing, finish = threading.Event(), threading.Event()

    def slow(connection: sa.Connection) -> None:
        insert(connection, "slow")
        writing.set()
        assert finish.wait(10)

    writer = asyncio.create_task(database.run(slow))
    await asyncio.to_thread(writing.wait, 10)
    assert await database.read(count) == 0
    finish.set()
    await writer
    assert await database.read(count) == 1


async def test_writers_take_turns_in_order_on_one_connection(database: Database) -> None:
    """Tried again and again, some would wait as long as others write; each would void the others' cache."""
    connections, begun = set(), []

    def write(connection: sa.Connection, number: int) -> None:
        connections.add(connection.connection.dbapi_connection)
        begun.append(number)
        insert(connection, str(number))

    await asyncio.gather(*(database.run(partial(write, number=number)) for number in range(200)))
    assert begun == sorted(begun)
    assert len(connections) == 1


async def test_a_writer_waits_no_longer_for_its_turn_than_for_the_file(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.chassis.database._BUSY_TIMEOUT_MS", 50)
    entered, go_on = threading.Event(), threading.Event()

    def hold(connection: sa.Connection) -> None:
        insert(connection, "first")
        entered.set()
        go_on.wait(10)

    first = asyncio.create_task(database.run(hold))
    await asyncio.to_thread(entered.wait, 10)
    second = asyncio.create_task(database.run(lambda connection: insert(connection, "second")))
    await asyncio.sleep(0.1)
    go_on.set()
    await first
    with pytest.raises(DomainError, match="busy") as refused:
        await second
    assert refused.value.reason == ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE
    assert await database.read(count) == 1


async def test_errors_carry_no_parameters(database: Database) -> None:
    await database.run(lambda connection: insert(connection, "CANARY"))
    with pytest.raises(sa.exc.IntegrityError) as caught:
        await database.run(lambda connection: insert(connection, "CANARY"))
    assert "CANARY" not in str(caught.value)


async def test_calls_beyond_the_bound_are_refused(tmp_path: Path, revisions: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/small.sqlite", threads=1, max_waiting=1)
    database.migrate(revisions)
    finish = threading.Event()
    first = asyncio.create_task(database.run(lambda _connection: finish.wait(10)))
    await asyncio.sleep(0)
    with pytest.raises(DomainError) as caught:
        await database.read(count)
    assert caught.value.reason == ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE
    finish.set()
    await first
    assert await database.read(count) == 0
    await database.close()


async def test_a_failed_device_stops_everything(database: Database) -> None:
    def device_fails(connection: sa.Connection) -> None:
        insert(connection, "acknowledged by nobody")
        failure = sqlite3.OperationalError("disk I/O error")
        failure.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        failure.sqlite_errorname = "SQLITE_IOERR_FSYNC"
        raise sa.exc.OperationalError("COMMIT", None, failure)

    watcher = asyncio.create_task(database.failed())
    with pytest.raises(StorageFailedError):
        await database.run(device_fails)
    with pytest.raises(StorageFailedError):
        await database.run(count)
    with pytest.raises(StorageFailedError):
        await asyncio.wait_for(watcher, 1)


async def test_what_waits_behind_a_failed_device_is_not_written(database: Database) -> None:
    """The connection that failed may show what is not on disk."""
    entered, go_on = threading.Event(), threading.Event()

    def fails(connection: sa.Connection) -> None:
        entered.set()
        go_on.wait(10)
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_IOERR_FSYNC, "SQLITE_IOERR_FSYNC"
        raise sa.exc.OperationalError("COMMIT", None, error)

    first = asyncio.create_task(database.run(fails))
    await asyncio.to_thread(entered.wait, 10)
    behind = [asyncio.create_task(database.run(partial(insert, text=str(each)))) for each in range(3)]
    await asyncio.sleep(0)
    go_on.set()
    ended = await asyncio.gather(first, *behind, return_exceptions=True)
    assert [type(each) for each in ended] == [StorageFailedError] * 4
    with closing(sqlite3.connect(str(database.engine.url.database))) as looking:
        assert looking.execute("SELECT count(*) FROM note").fetchone() == (0,)


async def test_a_file_that_is_no_database_is_a_failed_device(tmp_path: Path) -> None:
    (tmp_path / "garbage.sqlite").write_bytes(b"not a database at all" * 400)
    database = Database(f"sqlite:///{tmp_path}/garbage.sqlite")
    with pytest.raises(StorageFailedError):
        await database.read(count)
    await database.close()


def test_migration_is_idempotent_and_all_or_nothing(tmp_path: Path, revisions: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/m.sqlite")
    migrate(engine, revisions)
    migrate(engine, revisions)
    (revisions / "r0002_half.py").write_text(SECOND_HALF_BROKEN)
    with pytest.raises(sa.exc.OperationalError):
        migrate(engine, revisions)
    assert set(sa.inspect(engine).get_table_names()) == {"note", "alembic_version"}
    engine.dispose()


def test_a_database_newer_than_the_code_is_refused(tmp_path: Path, revisions: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/m.sqlite")
    migrate(engine, revisions)
    # Of another length: Python tells a module from its bytecode by the second and the size.
    (revisions / "r0001_note.py").write_text(FIRST.replace("0001", "older"))
    with pytest.raises(CommandError):
        migrate(engine, revisions)
    engine.dispose()


def migrate_at(url: str, revisions: Path) -> None:
    engine = open_engine(url)
    migrate(engine, revisions)
    engine.dispose()


def test_replicas_may_migrate_together(tmp_path: Path, revisions: Path) -> None:
    url = f"sqlite:///{tmp_path}/together.sqlite"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=migrate_at, args=(url, revisions)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
