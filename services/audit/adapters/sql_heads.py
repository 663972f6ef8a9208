"""The newest checkpoint in SQL: one row."""

import sqlalchemy as sa

from services.audit.adapters.tables import HEADS
from services.audit.ports import Head
from services.chassis.database import Database

HEAD_ID = 1
"""Of the one row."""


class SqlHeadStore:
    """See the port HeadStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def newest(self) -> Head | None:
        """Read the row."""
        return await self._database.read(_newest)

    async def advance(self, before: int, head: Head) -> bool:
        """Compare and write in one transaction; transactions behave as if they ran one after the other."""

        def work(connection: sa.Connection) -> bool:
            held = _newest(connection)
            if (0 if held is None else held.size) != before:
                return False
            values = {"size": head.size, "root": head.root, "note": head.note}
            if held is None:
                connection.execute(sa.insert(HEADS).values(head_id=HEAD_ID, **values))
            else:
                connection.execute(sa.update(HEADS).where(HEADS.c.head_id == HEAD_ID).values(values))
            return True

        try:
            return await self._database.run(work)
        except sa.exc.IntegrityError:
            # Another replica inserted the first one meanwhile.
            return False


def _newest(connection: sa.Connection) -> Head | None:
    columns = (HEADS.c.size, HEADS.c.root, HEADS.c.note)
    row = connection.execute(sa.select(*columns).where(HEADS.c.head_id == HEAD_ID)).one_or_none()
    return None if row is None else Head(*row)
