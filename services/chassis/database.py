"""Databases: one SQLAlchemy engine a service, transactions off the event loop, migrations at boot.

SQLite is the embedded default; a PostgreSQL URL takes its place when several replicas share a store.
"""

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from craton.common.v1.error_reason_pb2 import ErrorReason
from sqlalchemy import event
from sqlalchemy.pool import StaticPool

from services.chassis.errors import DomainError

T = TypeVar("T")

_ENVIRONMENT = Path(__file__).parent / "migrations"

_READ_ONLY = "craton_read_only"
"""Execution option that marks a transaction which only reads."""

_BUSY_TIMEOUT_MS = 5_000
"""How long a writer waits for another one; longer than any transaction, shorter than a caller's patience."""

_WRITER_CACHE_KIB = 32 * 1024
"""What SQLite's one writer keeps of a file. It is void for a connection once another one has written."""

_PAGE_BYTES = 4096
_LOG_PAGES = 1_000
"""SQLite's own length of its write-ahead log: a commit beyond it writes what changed into the file proper."""
_LOG_SHARE = 256
"""A longer log may have one part in so many of its disk: a full disk must not be full of it."""

_POSTGRESQL_CONNECTION: Mapping[str, str | int] = {
    # A server that has gone silent is noticed within seconds instead of the hours of TCP's defaults.
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    # One that is stuck gives up a statement itself, and a transaction whose client has gone silent.
    "options": "-c statement_timeout=10000 -c idle_in_transaction_session_timeout=30000",
}
"""What libpq is told unless the URL says otherwise. Seconds; tcp_user_timeout and the options in ms."""

_MIGRATION_LOCK = 0x43524154_4F4E0001
"""Key of PostgreSQL's advisory lock for migrations."""

_FATAL_SQLITE = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""After these the state on disk is unknown: a page that fsync failed on may be lost, yet reads show it."""


_SERIALIZATION_FAILURES = frozenset({"40001", "40P01"})
"""PostgreSQL's SQLSTATEs for "run it again": a serialization failure and a deadlock."""

_BACKOFF_S = 0.002
"""Pause before the second run of a transaction; it doubles up to fifty times as much."""


class StorageFailedError(RuntimeError):
    """The device below the database failed. The process must stop; retrying could acknowledge lost data."""


def open_engine(url: str, *, connections: int = 4, cache_kib: int = 0, log_mib: int = 0) -> sa.Engine:
    """Open an engine whose statements never appear in errors with their parameters.

    `cache_kib` is what each connection to SQLite may keep of the file, 2,000 by default. `log_mib` is the
    length of the write-ahead log at which it is moved into the file, on a disk that has room, 4 by default:
    with a longer one a page that changes with every commit is written once for many of them. A reader that
    began earlier can put that off.

    PostgreSQL's own text can still name a value (a key that exists already): texts of errors are not logged.
    SQLite files are created with mode 0600 and run in WAL mode with synchronous=FULL, so that a
    committed transaction survives a power cut. Transactions that may write take the write lock at
    their start: they wait for each other instead of failing half-way.
    """
    parsed = sa.make_url(url)
    arguments: dict[str, Any]
    if parsed.get_backend_name() != "sqlite":
        arguments = {key: value for key, value in _POSTGRESQL_CONNECTION.items() if key not in parsed.query}
        return sa.create_engine(
            parsed,
            hide_parameters=True,
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args=arguments,
        )
    arguments = {}
    if parsed.database in (None, "", ":memory:"):
        # One connection is one in-memory database: every thread must get the same.
        arguments = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    else:
        _create_private(Path(parsed.database))
        arguments = {"pool_size": connections, "max_overflow": 0}
    engine = sa.create_engine(parsed, hide_parameters=True, **arguments)
    log_pages = _log_pages(parsed.database, log_mib)
    event.listen(engine, "connect", partial(_configure_sqlite, cache_kib, log_pages))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_private(file: Path) -> None:
    """Create the file for its owner alone, and make its name durable: SQLite syncs contents only."""
    if file.exists():
        return
    file.touch(mode=0o600)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _log_pages(database: str | None, log_mib: int) -> int:
    if database in (None, "", ":memory:"):
        return _LOG_PAGES
    share = shutil.disk_usage(Path(database).parent).total // _LOG_SHARE
    return max(_LOG_PAGES, min(log_mib * 2**20, share) // _PAGE_BYTES)


def _configure_sqlite(
    cache_kib: int, log_pages: int, connection: sqlite3.Connection, _record: object
) -> None:
    # The driver's own transaction handling would begin late and commit before DDL; _begin_sqlite does it.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        for pragma in (
            f"busy_timeout={_BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"wal_autocheckpoint={log_pages}",
            # Readers that overlap hold up what would shorten the log: the file goes back to this afterwards.
            f"journal_size_limit={log_pages * _PAGE_BYTES}",
            "foreign_keys=ON",
            "trusted_schema=OFF",
            *((f"cache_size=-{cache_kib}",) if cache_kib else ()),
        ):
            cursor.execute(f"PRAGMA {pragma}")
    finally:
        cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def migrate(engine: sa.Engine, revisions: Path) -> None:
    """Bring the schema to the newest revision found in the folder `revisions`.

    All of it happens in one transaction that excludes every other migration: replicas may start
    together, and a crash leaves the old schema. Raises alembic.util.CommandError when the database
    is newer than the code.
    """
    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(revisions).replace("%", "%%"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Both may take long: another replica's migration, and this one of a large table.
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")


class Database:
    """Runs transactions on a bounded pool of threads, so that the event loop never waits for a disk.

    SQLite lets one writer in at a time. Of this process that is always the same connection on a thread of its
    own: writers take their turns in order instead of trying again and again, and what that connection has in
    memory of the file stays true. Readers have the other threads.
    """

    def __init__(self, url: str, *, threads: int = 4, max_waiting: int = 1_000, log_mib: int = 0) -> None:
        """Open the database at `url`. Calls beyond `max_waiting` are refused instead of queued.

        `log_mib` as of `open_engine`.
        """
        self.engine = open_engine(url, connections=threads)
        in_memory = isinstance(self.engine.pool, StaticPool)
        self._threads = ThreadPoolExecutor(1 if in_memory else threads, thread_name_prefix="database")
        self._writing, self._writer = self.engine, self._threads
        if self.engine.dialect.name == "sqlite" and not in_memory:
            self._writing = open_engine(url, connections=1, cache_kib=_WRITER_CACHE_KIB, log_mib=log_mib)
            self._writer = ThreadPoolExecutor(1, thread_name_prefix="database-writer")
        self._max_waiting = max_waiting
        self._waiting = 0
        self._failure: StorageFailedError | None = None
        self._failed = asyncio.Event()

    def migrate(self, revisions: Path) -> None:
        """Bring the schema to the newest revision. Blocks: for the boot, before the server starts."""
        migrate(self.engine, revisions)

    async def run(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in one transaction and return its result after the commit is durable.

        Transactions behave as if they ran one after the other: SQLite lets one in at a time, PostgreSQL
        runs them as SERIALIZABLE and may run `work` again, so that it must do nothing but SQL. Any
        exception of `work` rolls the transaction back. A cancelled caller does not undo a transaction
        that has begun. Raises DomainError(DEPENDENCY_UNAVAILABLE) when the database is busy or
        unreachable, in which case a change may have been made all the same; DomainError(INVALID_FIELD) for
        a text that PostgreSQL cannot hold, which is one with a NUL character or longer than its column;
        StorageFailedError when the device failed; sqlalchemy's IntegrityError is the adapter's to translate.
        """
        return await self._submit(work, read_only=False)

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work`, which must not write, on one snapshot beside writers. Otherwise as `run`."""
        return await self._submit(work, read_only=True)

    async def failed(self) -> None:
        """Wait until the device fails, then raise: a server's background task that ends the process."""
        await self._failed.wait()
        raise self._failure or StorageFailedError("the database's device failed")

    async def close(self) -> None:
        """Finish what was begun and close every connection."""
        for threads in (self._writer, self._threads):
            await asyncio.get_running_loop().run_in_executor(None, threads.shutdown)
        self._writing.dispose()
        self.engine.dispose()

    async def _submit(self, work: Callable[[sa.Connection], T], *, read_only: bool) -> T:
        if self._failure is not None:
            raise self._failure
        if self._waiting >= self._max_waiting:
            raise DomainError(
                ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
                "The service's database has too many requests waiting. Try again.",
                retry_after_s=1.0,
            )
        self._waiting += 1
        loop, threads = asyncio.get_running_loop(), self._threads if read_only else self._writer
        # Rivals are waited for as long as with SQLite, whose driver does it by itself.
        deadline = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
        try:
            return await loop.run_in_executor(threads, self._transaction, work, read_only, deadline)
        except StorageFailedError:
            self._failed.set()
            raise
        finally:
            self._waiting -= 1

    def _transaction(self, work: Callable[[sa.Connection], T], read_only: bool, deadline: float) -> T:
        if self._failure is not None:
            # What waited behind it must not be acknowledged either.
            raise self._failure
        if self._writer is not self._threads and not read_only and time.monotonic() > deadline:
            raise _busy()
        pause = _BACKOFF_S
        while True:
            try:
                return self._attempt(work, read_only)
            except sa.exc.DBAPIError as error:
                state = getattr(error.orig, "sqlstate", None)
                if state not in _SERIALIZATION_FAILURES or time.monotonic() > deadline:
                    failure = _translated(error)
                    if isinstance(failure, StorageFailedError):
                        self._failure = failure
                    raise failure from error
            # This is a thread of the pool: the event loop does not wait.
            time.sleep(pause)
            pause = min(2 * pause, 50 * _BACKOFF_S)

    def _attempt(self, work: Callable[[sa.Connection], T], read_only: bool) -> T:
        with (self.engine if read_only else self._writing).connect() as connection:
            if read_only:
                connection = connection.execution_options(**{_READ_ONLY: True})
            with connection.begin():
                if self.engine.dialect.name == "postgresql":
                    mode = "REPEATABLE READ, READ ONLY" if read_only else "SERIALIZABLE"
                    connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL {mode}")
                return work(connection)


def _translated(error: sa.exc.DBAPIError) -> Exception:
    """Tell a failed device, a busy database and an impossible text from a mistake in a statement."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _FATAL_SQLITE:
        return StorageFailedError(
            f"the database's device failed: {getattr(error.orig, 'sqlite_errorname', '')}"
        )
    if isinstance(error, sa.exc.DataError):
        return DomainError(
            ErrorReason.ERROR_REASON_INVALID_FIELD,
            "A text of the request is too long or holds a NUL character.",
        )
    if error.connection_invalidated or isinstance(error, sa.exc.OperationalError):
        return _busy()
    return error


def _busy() -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
        "The service's database is busy or cannot be reached. Try again.",
        retry_after_s=1.0,
    )
