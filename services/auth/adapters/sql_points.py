"""Enforcement points in SQL."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from services.auth.adapters.tables import METADATA, to_microseconds
from services.auth.domain.points import EnforcementPointId
from services.chassis.database import Database

POINTS = sa.Table(
    "enforcement_points",
    METADATA,
    sa.Column("service", sa.String(63), primary_key=True),
    sa.Column("instance_id", sa.String(32), primary_key=True),
    sa.Column("seen_us", sa.BigInteger, nullable=False),
)

_FORGOTTEN = timedelta(hours=1)
"""Far beyond any difference between the clocks of replicas."""


class SqlPoints:
    """An EnforcementPointStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def register(self, point: EnforcementPointId, now: datetime, since: datetime, most: int) -> bool:
        """Insert or renew, and forget what is long gone."""

        def work(connection: sa.Connection) -> bool:
            seen = to_microseconds(now)
            connection.execute(sa.delete(POINTS).where(POINTS.c.seen_us < to_microseconds(now - _FORGOTTEN)))
            mine = (POINTS.c.service == point.service, POINTS.c.instance_id == point.instance_id)
            counts = POINTS.c.seen_us >= to_microseconds(since)
            if connection.execute(sa.update(POINTS).where(*mine, counts).values(seen_us=seen)).rowcount:
                return True
            others = sa.select(sa.func.count()).where(POINTS.c.service == point.service, counts)
            if connection.execute(others).scalar_one() >= most:
                return False
            if not connection.execute(sa.update(POINTS).where(*mine).values(seen_us=seen)).rowcount:
                connection.execute(
                    sa.insert(POINTS).values(
                        service=point.service, instance_id=point.instance_id, seen_us=seen
                    )
                )
            return True

        try:
            return await self._database.run(work)
        except sa.exc.IntegrityError:
            # Another replica was asked by the same point at the same moment: written down is written down.
            return True

    async def live(self, since: datetime) -> list[EnforcementPointId]:
        """Return the points by the time they registered."""
        query = sa.select(POINTS).where(POINTS.c.seen_us >= to_microseconds(since))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [EnforcementPointId(row.service, row.instance_id) for row in rows]
