"""The end of an account's jobs."""

import sqlalchemy as sa

from services.chassis.account_purge import Progress, Purge
from services.chassis.database import Database
from services.chassis.purged_accounts import PurgedAccounts
from services.training.adapters.tables import JOBS, PURGED_ACCOUNTS

PURGED = frozenset({JOBS.name})
"""Tables that are emptied of an account."""
KEPT = {PURGED_ACCOUNTS.name: "It is what the service remembers of purges."}
"""Tables with accounts that are not, and why."""


class SqlPurge:
    """An AccountPurger."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database
        self._purged = PurgedAccounts(PURGED_ACCOUNTS)

    async def purge(self, purge: Purge) -> Progress:
        """Delete all jobs in one transaction: an account has thousands at most."""
        owned = JOBS.c.account_id == purge.account_id, JOBS.c.incarnation == purge.incarnation

        def work(connection: sa.Connection) -> Progress:
            before = self._purged.begin(connection, purge)
            found = connection.execute(sa.delete(JOBS).where(*owned)).rowcount
            if before.finished and not found:
                return before
            return self._purged.add(connection, purge, {"customization jobs": found}, finished=True)

        return await self._database.run(work)
