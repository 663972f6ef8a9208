"""Known logs in SQL: one row a log, which only ever moves forward."""

import sqlalchemy as sa

from services.chassis.database import Database
from services.witness.ports import KnownLog
from tlog.note import VerifierKey
from tlog.witness import Seen

METADATA = sa.MetaData()
LOGS = sa.Table(
    "logs",
    METADATA,
    sa.Column("origin", sa.String(255), primary_key=True),
    sa.Column("verifier_key", sa.String(512), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary(32), nullable=False),
)


class SqlKnownLogs:
    """See the port KnownLogs."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def get(self, origin: str) -> KnownLog | None:
        """Read the row."""
        return await self._database.read(lambda connection: _get(connection, origin))

    async def advance(self, before: KnownLog | None, now: KnownLog) -> bool:
        """Compare and write in one transaction; transactions behave as if they ran one after the other."""

        def work(connection: sa.Connection) -> bool:
            if _get(connection, now.key.name) != before:
                return False
            values = {"verifier_key": str(now.key), "size": now.seen.size, "root": now.seen.root}
            if before is None:
                connection.execute(sa.insert(LOGS).values(origin=now.key.name, **values))
            else:
                connection.execute(sa.update(LOGS).where(LOGS.c.origin == now.key.name).values(values))
            return True

        try:
            return await self._database.run(work)
        except sa.exc.IntegrityError:
            # Somebody else inserted the log's first row meanwhile.
            return False


def _get(connection: sa.Connection, origin: str) -> KnownLog | None:
    row = connection.execute(sa.select(LOGS).where(LOGS.c.origin == origin)).one_or_none()
    return None if row is None else KnownLog(VerifierKey.parse(row.verifier_key), Seen(row.size, row.root))
