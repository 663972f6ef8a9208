"""What authentication reads and writes, in SQL."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from services.auth.adapters.organization_rows import control_layers
from services.auth.adapters.principal_state import read_principal
from services.auth.adapters.tables import (
    ACCOUNTS,
    SEEN_SIGNATURES,
    TOKEN_KEYS,
    from_microseconds,
    to_microseconds,
)
from services.auth.domain.records import PrincipalState, ResourceOwner, TokenKeyRecord
from services.auth.errors import not_found
from services.chassis.database import Database
from services.chassis.policy.bundle import Documents


class SqlCredentials:
    """A CredentialStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def principal_state(self, access_key_id: str) -> PrincipalState | None:
        """Read a principal from one snapshot."""
        return await self._database.read(lambda connection: read_principal(connection, access_key_id))

    async def resource_control(self, account_id: str) -> tuple[Documents, ...]:
        """Read them from one snapshot."""
        found = await self._database.read(lambda connection: control_layers(connection, account_id))
        return found.resource_control

    async def resource_owner(self, account_id: str) -> ResourceOwner:
        """Read the account and its levels from one snapshot."""

        def work(connection: sa.Connection) -> ResourceOwner:
            account = connection.execute(
                sa.select(ACCOUNTS).where(ACCOUNTS.c.account_id == account_id)
            ).one_or_none()
            if account is None or account.closed:
                raise not_found("The account cannot be found.", account_id)
            control = control_layers(connection, account_id)
            return ResourceOwner(account.incarnation, account.policy_epoch, control.resource_control)

        return await self._database.read(work)

    async def token_keys(self) -> list[TokenKeyRecord]:
        """Return the signing keys, newest first."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                sa.select(TOKEN_KEYS).order_by(TOKEN_KEYS.c.number.desc())
            ).all()
        )
        return [
            TokenKeyRecord(
                row.key_id, row.public_key, row.sealed_private_key, from_microseconds(row.created_us)
            )
            for row in rows
        ]

    async def replace_token_key(self, key: TokenKeyRecord, expected_newest: str | None) -> bool:
        """Insert the key as the successor of the expected one."""

        def work(connection: sa.Connection) -> bool:
            newest = connection.execute(
                sa.select(TOKEN_KEYS.c.number, TOKEN_KEYS.c.key_id)
                .order_by(TOKEN_KEYS.c.number.desc())
                .limit(1)
            ).one_or_none()
            if (None if newest is None else newest.key_id) != expected_newest:
                return False
            connection.execute(
                sa.insert(TOKEN_KEYS).values(
                    number=1 if newest is None else newest.number + 1,
                    key_id=key.key_id,
                    public_key=key.public_key,
                    sealed_private_key=key.sealed_private_key,
                    created_us=to_microseconds(key.created_at),
                )
            )
            return True

        try:
            return await self._database.run(work)
        except sa.exc.IntegrityError:
            # Another replica's insert took the number between our look and ours.
            return False

    async def delete_token_keys(self, key_ids: list[str]) -> None:
        """Delete signing keys."""
        if key_ids:
            await self._database.run(
                lambda connection: connection.execute(
                    sa.delete(TOKEN_KEYS).where(TOKEN_KEYS.c.key_id.in_(key_ids))
                )
            )

    async def first_seen(
        self, signature_sha256: bytes, now: datetime, until: datetime, *, ahead: bool = False
    ) -> datetime:
        """Remember a signature, forgetting those whose time is over."""

        def work(connection: sa.Connection) -> int:
            connection.execute(
                sa.delete(SEEN_SIGNATURES).where(SEEN_SIGNATURES.c.until_us < to_microseconds(now))
            )
            seen: int | None = connection.execute(
                sa.select(SEEN_SIGNATURES.c.first_seen_us).where(
                    SEEN_SIGNATURES.c.signature_sha256 == signature_sha256
                )
            ).scalar_one_or_none()
            if seen is not None:
                return seen
            connection.execute(
                sa.insert(SEEN_SIGNATURES).values(
                    signature_sha256=signature_sha256,
                    first_seen_us=to_microseconds(now),
                    until_us=to_microseconds(until),
                    ahead=ahead,
                )
            )
            return to_microseconds(now)

        try:
            return from_microseconds(await self._database.run(work))
        except sa.exc.IntegrityError:
            # Another replica saw it at the same moment; now its record can be read.
            return from_microseconds(await self._database.run(work))

    async def seen_before(self, signatures_sha256: Collection[bytes], moment: datetime) -> frozenset[bytes]:
        """Look signatures up."""
        query = sa.select(SEEN_SIGNATURES.c.signature_sha256).where(
            SEEN_SIGNATURES.c.signature_sha256.in_(signatures_sha256),
            SEEN_SIGNATURES.c.first_seen_us < to_microseconds(moment),
        )
        found = await self._database.read(lambda connection: connection.execute(query).scalars().all())
        return frozenset(found)

    async def any_ahead(self, now: datetime) -> bool:
        """Look for one."""
        query = sa.select(SEEN_SIGNATURES.c.until_us).where(
            SEEN_SIGNATURES.c.ahead, SEEN_SIGNATURES.c.until_us >= to_microseconds(now)
        )
        found = await self._database.read(lambda connection: connection.execute(query.limit(1)).first())
        return found is not None
