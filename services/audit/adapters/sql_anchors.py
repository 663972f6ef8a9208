"""Anchors in SQL: one row a store, which only ever moves forward."""

import sqlalchemy as sa

from services.audit.adapters.tables import ANCHORS
from services.audit.domain.anchor import Anchor
from services.audit.errors import foreign_store, superseded
from services.chassis.database import Database


class SqlAnchorStore:
    """See the port AnchorStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def append(self, workload: str, anchor: Anchor) -> None:
        """Compare and write in one transaction; transactions behave as if they ran one after the other."""
        values = {"epoch": anchor.epoch, "digest": anchor.digest}

        def work(connection: sa.Connection) -> None:
            newest = _newest(connection, workload, anchor.store_id)
            if not anchor.may_follow(newest):
                raise superseded(anchor.epoch)
            if newest is None:
                row = {"store_id": anchor.store_id, "workload": workload, **values}
                connection.execute(sa.insert(ANCHORS).values(row))
            elif newest != anchor:
                connection.execute(
                    sa.update(ANCHORS).where(ANCHORS.c.store_id == anchor.store_id).values(values)
                )

        try:
            await self._database.run(work)
        except sa.exc.IntegrityError:
            # Another replica inserted the store's first anchor meanwhile; now it can be seen.
            await self._database.run(work)

    async def newest(self, workload: str, store_id: str) -> Anchor | None:
        """Read the row."""
        return await self._database.read(lambda connection: _newest(connection, workload, store_id))


def _newest(connection: sa.Connection, workload: str, store_id: str) -> Anchor | None:
    statement = sa.select(ANCHORS).where(ANCHORS.c.store_id == store_id)
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    if row.workload != workload:
        raise foreign_store()
    return Anchor(row.store_id, row.epoch, row.digest)
