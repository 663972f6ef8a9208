"""Purges in SQL, with what auth itself keeps of accounts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from services.auth.adapters.account_removal import remove_account
from services.auth.adapters.directory_inserts import insert_key
from services.auth.adapters.purge_rows import purge_of, purge_row
from services.auth.adapters.rows import count, next_epoch
from services.auth.adapters.tables import ACCESS_KEYS, ACCOUNTS, USERS, to_microseconds
from services.auth.adapters.tables_purges import ACCOUNT_PURGES
from services.auth.domain.pages import PageRequest
from services.auth.domain.purges import OPEN, AccountPurge, PurgeState
from services.auth.domain.records import AccessKey
from services.auth.errors.purges import already_purged, has_principals, no_such_purge, purge_changed
from services.auth.operations.purging import AUTH
from services.chassis.database import Database
from services.chassis.pages import Page


class SqlPurges:
    """A PurgeStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def add(self, purge: AccountPurge) -> None:
        """Look for another one and insert in one transaction."""
        another = (
            ACCOUNT_PURGES.c.account_id == purge.account_id,
            ACCOUNT_PURGES.c.state.in_([each.value for each in OPEN]),
        )

        def work(connection: sa.Connection) -> None:
            if count(connection, ACCOUNT_PURGES, *another):
                raise already_purged(purge.account_id)
            connection.execute(sa.insert(ACCOUNT_PURGES).values(**purge_row(purge), revision=0))

        await self._database.run(work)

    async def get(self, purge_id: str) -> AccountPurge:
        """Read by the primary key."""
        statement = sa.select(ACCOUNT_PURGES).where(ACCOUNT_PURGES.c.purge_id == purge_id)
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        if row is None:
            raise no_such_purge(purge_id)
        return purge_of(row)

    async def list(self, account_id: str, request: PageRequest) -> Page[AccountPurge]:
        """Read a range of the index of times."""
        place = sa.tuple_(ACCOUNT_PURGES.c.requested_us, ACCOUNT_PURGES.c.purge_id)
        statement = sa.select(ACCOUNT_PURGES)
        if account_id:
            statement = statement.where(ACCOUNT_PURGES.c.account_id == account_id)
        if request.after:
            requested_us, _, purge_id = request.after.partition(" ")
            statement = statement.where(place < (int(requested_us), purge_id))
        statement = statement.order_by(
            ACCOUNT_PURGES.c.requested_us.desc(), ACCOUNT_PURGES.c.purge_id.desc()
        ).limit(request.size + 1)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return request.page(
            [purge_of(row) for row in rows],
            lambda purge: f"{to_microseconds(purge.requested.at)} {purge.purge_id}",
        )

    async def to_do(self, now: datetime) -> Sequence[AccountPurge]:
        """Read by the index of states."""
        begun = [PurgeState.PURGING.value, PurgeState.CERTIFYING.value]
        statement = sa.select(ACCOUNT_PURGES).where(
            sa.or_(
                ACCOUNT_PURGES.c.state.in_(begun),
                sa.and_(
                    ACCOUNT_PURGES.c.state == PurgeState.WAITING.value,
                    ACCOUNT_PURGES.c.due_us <= to_microseconds(now),
                ),
            )
        )
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return [purge_of(row) for row in rows]

    async def replace(self, purge: AccountPurge) -> AccountPurge:
        """Compare and write."""
        return await self._database.run(lambda connection: _written(connection, purge))

    async def close(self, purge: AccountPurge) -> tuple[AccountPurge, int]:
        """Write both in one transaction."""

        def work(connection: sa.Connection) -> tuple[AccountPurge, int]:
            epoch = next_epoch(connection, purge.account_id)
            connection.execute(_account(purge.account_id).values(closed=True))
            return _written(connection, purge), epoch

        return await self._database.run(work)

    async def epoch(self, account_id: str) -> int:
        """Read it."""
        statement = sa.select(ACCOUNTS.c.policy_epoch).where(ACCOUNTS.c.account_id == account_id)
        return await self._database.read(lambda connection: connection.execute(statement).scalar_one())

    async def remove(self, purge: AccountPurge) -> AccountPurge:
        """Delete rows table by table."""

        def work(connection: sa.Connection) -> AccountPurge:
            counts = remove_account(connection, purge.account_id, keep_principals=purge.keep_principals)
            return _written(connection, purge.removing(AUTH, counts))

        return await self._database.run(work)

    async def finish(self, purge: AccountPurge, incarnation: str) -> tuple[AccountPurge, int]:
        """Write both in one transaction."""

        def work(connection: sa.Connection) -> tuple[AccountPurge, int]:
            epoch: int = connection.execute(
                _account(purge.account_id)
                .values(policy_epoch=ACCOUNTS.c.policy_epoch + 1)
                .returning(ACCOUNTS.c.policy_epoch)
            ).scalar_one()
            if incarnation:
                opened = {"incarnation": incarnation, "closed": False}
                connection.execute(_account(purge.account_id).values(**opened))
            return _written(connection, purge), epoch

        return await self._database.run(work)

    async def add_first_key(self, key: AccessKey) -> int:
        """Count and insert in one transaction."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, key.account_id)
            for table in (USERS, ACCESS_KEYS):
                if count(connection, table, table.c.account_id == key.account_id):
                    raise has_principals(key.account_id)
            insert_key(connection, key)
            return epoch

        return await self._database.run(work)


def _account(account_id: str) -> sa.Update:
    return sa.update(ACCOUNTS).where(ACCOUNTS.c.account_id == account_id)


def _written(connection: sa.Connection, purge: AccountPurge) -> AccountPurge:
    changed = connection.execute(
        sa.update(ACCOUNT_PURGES)
        .where(ACCOUNT_PURGES.c.purge_id == purge.purge_id, ACCOUNT_PURGES.c.revision == purge.revision)
        .values(**purge_row(purge), revision=purge.revision + 1)
    )
    if changed.rowcount == 0:
        raise purge_changed()
    return replace(purge, revision=purge.revision + 1)
