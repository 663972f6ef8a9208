"""The end of what is held of an account. What proves the log stays: numbers, leaves, ids and times."""

from collections.abc import Sequence

import sqlalchemy as sa

from services.audit.adapters.tables import (
    DATA_KEYS,
    ENTRIES,
    PURGED_ACCOUNTS,
    PURGED_KEYS,
    RESOURCES,
    TRAIL_DIGESTS,
    TRAIL_FILES,
    TRAIL_SEALED_FILES,
    TRAILS,
    is_key_id,
)
from services.audit.domain.purged import PURGED
from services.chassis.account_purge import Progress, Purge
from services.chassis.database import Database
from services.chassis.purged_accounts import PurgedAccounts

EMPTIED = frozenset(
    each.name
    for each in (DATA_KEYS, ENTRIES, RESOURCES, TRAILS, TRAIL_FILES, TRAIL_SEALED_FILES, TRAIL_DIGESTS)
)
"""Tables that nothing of an account is left in."""
KEPT = {PURGED_ACCOUNTS.name: "It is what the service remembers of purges."}
"""Tables with accounts that keep them, and why."""
_TEXTS = ("principal_arn", "event_name", "request_id", "event_source", "user_name", "access_key")


class SqlPurge:
    """A PurgeStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database
        self._purged = PurgedAccounts(PURGED_ACCOUNTS)

    async def begin(self, purge: Purge) -> Progress:
        """Note it, and remove keys and trails, in one transaction."""

        def work(connection: sa.Connection) -> Progress:
            before = self._purged.begin(connection, purge)
            if before.finished:
                # By now the id may be another incarnation's.
                return before
            own = sa.select(TRAILS.c.trail_id).where(TRAILS.c.account_id == purge.account_id)
            for table in (TRAIL_FILES, TRAIL_SEALED_FILES, TRAIL_DIGESTS):
                connection.execute(sa.delete(table).where(table.c.trail_id.in_(own)))
            trails = connection.execute(sa.delete(TRAILS).where(TRAILS.c.account_id == purge.account_id))
            mine = sa.select(DATA_KEYS.c.key_id).where(DATA_KEYS.c.account_id == purge.account_id)
            mine = mine.where(is_key_id(DATA_KEYS.c.key_id))
            connection.execute(sa.insert(PURGED_KEYS).from_select(["key_id"], mine))
            keys = connection.execute(sa.delete(DATA_KEYS).where(DATA_KEYS.c.account_id == purge.account_id))
            counts = {"trails": trails.rowcount, "data keys": keys.rowcount, "events": 0}
            return self._purged.add(connection, purge, counts)

        return await self._database.run(work)

    async def purged_keys(self) -> Sequence[bytes]:
        """Read them in the order of the primary key."""
        statement = sa.select(PURGED_KEYS.c.key_id).where(is_key_id(PURGED_KEYS.c.key_id))
        statement = statement.order_by(PURGED_KEYS.c.key_id)
        return await self._database.read(lambda connection: connection.execute(statement).scalars().all())

    async def empty(self, purge: Purge, limit: int) -> Progress:
        """Update rows by the index of their account, and delete the rows of their resources."""
        own = sa.select(ENTRIES.c.sequence).where(ENTRIES.c.account_id == purge.account_id).limit(limit)

        def work(connection: sa.Connection) -> Progress:
            numbers = connection.execute(own).scalars().all()
            if numbers:
                connection.execute(sa.delete(RESOURCES).where(RESOURCES.c.sequence.in_(numbers)))
                connection.execute(
                    sa.update(ENTRIES)
                    .where(ENTRIES.c.sequence.in_(numbers))
                    .values(account_id=PURGED, read_only=False, record=False, **dict.fromkeys(_TEXTS, ""))
                )
            done = len(numbers) < limit
            return self._purged.add(connection, purge, {"events": len(numbers)}, finished=done)

        return await self._database.run(work)

    async def proceed(self, account_id: str, incarnation: str, now_us: int) -> None:
        """Note the time."""
        await self._database.run(
            lambda connection: self._purged.proceed(connection, account_id, incarnation, now_us)
        )
