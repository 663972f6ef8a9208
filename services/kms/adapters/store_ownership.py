"""One active process a store: the others wait until it ends.

SQLite: a lock (flock) on a file beside the database, which the kernel gives up with the process. PostgreSQL:
an advisory lock of the session, on a connection of its own. The server gives it up with the connection, which
can break while the process lives: then the process must end, and whoever comes next makes sure that it has
been noticed (`SqlRecords.open`). The last fence of both is the head row, which is only ever exchanged for
another one by whoever knows what stands there.
"""

import asyncio
import fcntl
import os
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from services.chassis.database import Database, open_engine
from services.chassis.logs import Log

_STORE_LOCK = 0x43524154_4F4E0002
"""Key of PostgreSQL's advisory lock for the store; it is one of the database, not of the server."""
_TRY_AGAIN_S = 0.25

_log = Log("store")


class OwnershipLostError(RuntimeError):
    """Another process may hold the store by now. This one must end."""


class Ownership(Protocol):
    """The right to be the one process that uses a store."""

    outlived: bool
    """True when the right can be lost by a process that lives on."""

    def take(self) -> bool:
        """Take it unless another process has it, and say whether it is ours. Blocks."""

    def check(self) -> None:
        """Raise OwnershipLostError when it is not ours any more. Blocks."""

    def give_up(self) -> None:
        """Let the next one have it. Blocks."""


def ownership_of(database: Database) -> Ownership:
    """Return the ownership of the store in `database`."""
    url = database.engine.url
    if url.get_backend_name() == "postgresql":
        return _SessionLock(url.render_as_string(hide_password=False))
    if url.database in (None, "", ":memory:"):
        return _Nobodys()
    return _FileLock(Path(f"{url.database}.lock"))


async def acquire(ownership: Ownership) -> None:
    """Take the ownership, waiting while another process has it."""
    told = False
    while not await asyncio.to_thread(ownership.take):
        if not told:
            _log.info("standing_by")
            told = True
        await asyncio.sleep(_TRY_AGAIN_S)


class _FileLock:
    outlived = False

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None

    def take(self) -> bool:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._file, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def check(self) -> None:
        """A kernel's lock is lost with the process alone."""

    def give_up(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class _SessionLock:
    outlived = True

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url, connections=1).execution_options(isolation_level="AUTOCOMMIT")
        self._connection: sa.Connection | None = None

    def take(self) -> bool:
        try:
            connection = self._engine.connect()
            if connection.execute(sa.select(sa.func.pg_try_advisory_lock(_STORE_LOCK))).scalar_one():
                self._connection = connection
                return True
            connection.close()
        except sa.exc.DBAPIError:
            # The server is away; who owns the store is decided when it is back.
            pass
        return False

    def check(self) -> None:
        try:
            if self._connection is None or self._connection.execute(sa.select(1)).scalar_one() != 1:
                raise OwnershipLostError("the store is not owned")
        except sa.exc.DBAPIError:
            raise OwnershipLostError("the connection that owned the store was lost") from None

    def give_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # Not back into the pool, where the session would live on with its lock.
            connection.invalidate()
            connection.close()
        self._engine.dispose()


class _Nobodys:
    """Of a database in memory, which no other process can see."""

    outlived = False

    def take(self) -> bool:
        return True

    def check(self) -> None:
        """Nothing can happen to it."""

    def give_up(self) -> None:
        """Nobody waits for it."""
