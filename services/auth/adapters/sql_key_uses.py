"""The last use of access keys in SQL."""

from collections.abc import Sequence

import sqlalchemy as sa

from services.auth.adapters.rows import key_of, user_of
from services.auth.adapters.tables import ACCESS_KEYS, USERS, from_microseconds, to_microseconds
from services.auth.domain.account_details import KeyUse
from services.auth.domain.records import AccessKey
from services.chassis.database import Database


class SqlKeyUses:
    """A KeyUseStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def record_uses(self, uses: Sequence[KeyUse]) -> None:
        """Write uses down, all in one transaction."""
        # In one order everywhere, so that replicas that write at once wait for each other and no more.
        ordered = sorted(uses, key=lambda use: use.access_key_id)

        def work(connection: sa.Connection) -> None:
            for use in ordered:
                used_us = to_microseconds(use.used_at)
                older = sa.or_(ACCESS_KEYS.c.used_us.is_(None), ACCESS_KEYS.c.used_us < used_us)
                connection.execute(
                    sa.update(ACCESS_KEYS)
                    .where(ACCESS_KEYS.c.access_key_id == use.access_key_id, older)
                    .values(used_us=used_us, used_region=use.region, used_service=use.service)
                )

        await self._database.run(work)

    async def key_and_use(self, access_key_id: str) -> tuple[AccessKey, KeyUse | None] | None:
        """Return a key with its last use."""

        def work(connection: sa.Connection) -> tuple[AccessKey, KeyUse | None] | None:
            row = connection.execute(
                sa.select(ACCESS_KEYS).where(ACCESS_KEYS.c.access_key_id == access_key_id)
            ).one_or_none()
            if row is None:
                return None
            owner = None
            if row.user_id is not None:
                owner = user_of(
                    connection.execute(sa.select(USERS).where(USERS.c.user_id == row.user_id)).one()
                )
            use = None
            if row.used_us is not None:
                used_at = from_microseconds(row.used_us)
                use = KeyUse(access_key_id, used_at, row.used_region, row.used_service)
            return key_of(row, owner), use

        return await self._database.read(work)
