"""Empty databases for contract suites: SQLite always, PostgreSQL where there is one.

CRATON_TEST_POSTGRESQL is the URL of a database whose schema "public" tests may drop, for example
"postgresql+psycopg://craton:secret@127.0.0.1:5432/craton_test". Without it the tests start a server of
their own, on machines that have Debian's postgresql-15.
"""

import contextlib
import functools
import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from services.chassis import database as chassis
from services.chassis.database import Database
from tests.fakes import postgresql

_NAMED = os.environ.get("CRATON_TEST_POSTGRESQL", "")
_MISSING = "" if _NAMED else postgresql.missing()
POSTGRESQL = "PostgreSQL"
KINDS = ("SQLite",) if _MISSING else ("SQLite", POSTGRESQL)
"""What suites are parametrised with. Tests of a server alone carry the marker `postgresql`."""


def header() -> str:
    """Say in one line what the contract suites run on."""
    if _MISSING:
        return f"contract suites: SQLite alone; those of PostgreSQL are not collected, {_MISSING}"
    server = "the one that CRATON_TEST_POSTGRESQL names" if _NAMED else "one of this session"
    return f"contract suites: SQLite, and PostgreSQL ({server})"


def empty_database(kind: str, folder: Path) -> str:
    """Return the URL of an empty database; there is one of a kind and folder at a time."""
    if kind == "SQLite":
        return f"sqlite:///{folder}/contract.sqlite"
    url = _server()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return url


def make_schema(database: Database, revisions: Path) -> None:
    """Bring an empty database to the newest revision, for tests of what is stored in it.

    The first one of a kind is migrated by Alembic, which takes most of such a test's time. SQLite then copies
    a database like that, and PostgreSQL runs the statements once more.
    """
    if database.engine.dialect.name == POSTGRESQL.lower():
        _replay(database, revisions)
        return
    with contextlib.closing(sqlite3.connect(":memory:")) as migrated:
        migrated.deserialize(_migrated(revisions))
        with contextlib.closing(database.engine.raw_connection()) as connection:
            migrated.backup(cast(sqlite3.Connection, connection.driver_connection))


@functools.cache
def _migrated(revisions: Path) -> bytes:
    engine = chassis.open_engine("sqlite://", connections=1)
    try:
        chassis.migrate(engine, revisions)
        with contextlib.closing(engine.raw_connection()) as connection:
            return cast(sqlite3.Connection, connection.driver_connection).serialize()
    finally:
        engine.dispose()


_statements: dict[Path, list[tuple[str, Any]]] = {}


def _replay(database: Database, revisions: Path) -> None:
    if revisions in _statements:
        with database.engine.begin() as connection:
            for statement, parameters in _statements[revisions]:
                connection.exec_driver_sql(statement, parameters or None)
        return
    seen: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        _, _, statement, parameters, *_ = arguments
        if statement.split()[0] in ("ALTER", "CREATE", "DROP", "INSERT", "UPDATE"):
            seen.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        database.migrate(revisions)
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)
    _statements[revisions] = seen


@contextlib.asynccontextmanager
async def replica(database: Database) -> AsyncIterator[Database]:
    """Open the same database once more, as another replica of the service does."""
    second = Database(database.engine.url.render_as_string(hide_password=False))
    yield second
    await second.close()


@functools.cache
def _server() -> str:
    return _NAMED or postgresql.Server().url
