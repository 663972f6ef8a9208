"""Encrypted data keys in SQL."""

import sqlalchemy as sa

from services.audit.adapters.tables import DATA_KEYS, LARGEST_NUMBER, PURGED_ACCOUNTS, is_key_id
from services.audit.errors import being_purged
from services.audit.ports import DataKey
from services.chassis.database import Database


class SqlDataKeyStore:
    """Data keys as the key service encrypted them."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def add(self, key: DataKey) -> None:
        """Insert the key, in a transaction that sees whether the account is purged."""
        values = {
            "key_id": key.key_id,
            "account_id": key.account_id,
            "wrapped": key.wrapped,
            "created_us": key.created_us,
        }
        purged = sa.select(PURGED_ACCOUNTS.c.purge_id).where(
            PURGED_ACCOUNTS.c.account_id == key.account_id, PURGED_ACCOUNTS.c.until_us.is_(None)
        )

        def work(connection: sa.Connection) -> None:
            if connection.execute(purged).first() is not None:
                raise being_purged()
            connection.execute(sa.insert(DATA_KEYS).values(values))

        await self._database.run(work)

    async def newest(self, account_id: str) -> DataKey | None:
        """Return the key that was made last for the account. Rows of no such id or time are not ours."""
        return await self._one(
            sa.select(DATA_KEYS)
            .where(
                DATA_KEYS.c.account_id == account_id,
                is_key_id(DATA_KEYS.c.key_id),
                # SQLite holds texts in such a column, too, and there they are above all numbers.
                DATA_KEYS.c.created_us <= LARGEST_NUMBER,
            )
            .order_by(DATA_KEYS.c.created_us.desc())
            .limit(1)
        )

    async def get(self, key_id: bytes) -> DataKey | None:
        """Return the key of this id."""
        return await self._one(sa.select(DATA_KEYS).where(DATA_KEYS.c.key_id == key_id))

    async def _one(self, statement: "sa.Select[tuple[bytes, str, bytes, int]]") -> DataKey | None:
        def work(connection: sa.Connection) -> DataKey | None:
            row = connection.execute(statement).one_or_none()
            return None if row is None else DataKey(row.key_id, row.account_id, row.wrapped, row.created_us)

        return await self._database.read(work)
