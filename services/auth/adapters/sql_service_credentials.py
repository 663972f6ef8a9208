"""Service-specific credentials in SQL."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.auth.adapters.rows import count, find_user, next_epoch, user_of
from services.auth.adapters.tables import USERS, from_microseconds, to_microseconds
from services.auth.adapters.tables_service_credentials import SERVICE_CREDENTIALS
from services.auth.domain.ids import alias_of
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import KeyStatus, ServiceCredential, User
from services.auth.errors import conflict, quota_exceeded, service_credential_not_found
from services.chassis.database import Database
from services.chassis.pages import Page

_COLUMNS = SERVICE_CREDENTIALS.c


class SqlServiceCredentials:
    """A ServiceCredentialStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def create(
        self,
        credential_id: str,
        user: User,
        service_name: str,
        secret_sha256: bytes,
        created_at: datetime,
        expires_at: datetime | None,
        limit: int,
    ) -> tuple[ServiceCredential, int]:
        """Add a credential within the user's limit, under the first free alias."""

        def work(connection: sa.Connection) -> tuple[ServiceCredential, int]:
            # The account's row is locked, and an alias names its account: nobody else takes one meanwhile.
            epoch = next_epoch(connection, user.account_id)
            found = find_user(connection, user.account_id, user.user_name)
            if found.user_id != user.user_id:
                raise conflict("The user was deleted meanwhile.")
            held = _COLUMNS.user_id == user.user_id, _COLUMNS.service_name == service_name
            if count(connection, SERVICE_CREDENTIALS, *held) >= limit:
                raise quota_exceeded("ServiceSpecificCredentialsPerUser", limit)
            number = 0
            while count(
                connection,
                SERVICE_CREDENTIALS,
                _COLUMNS.alias == alias_of(user.user_name, user.account_id, number),
            ):
                number += 1
            connection.execute(
                sa.insert(SERVICE_CREDENTIALS).values(
                    credential_id=credential_id,
                    account_id=user.account_id,
                    user_id=user.user_id,
                    service_name=service_name,
                    alias=alias_of(user.user_name, user.account_id, number),
                    secret_sha256=secret_sha256,
                    generation=0,
                    status=KeyStatus.ACTIVE.value,
                    created_us=to_microseconds(created_at),
                    expires_us=None if expires_at is None else to_microseconds(expires_at),
                )
            )
            return _credential(_row(connection, credential_id), user), epoch

        return await self._database.run(work)

    async def credentials(
        self, account_id: str, user_name: str | None, service_name: str, request: PageRequest
    ) -> Page[ServiceCredential]:
        """List by a range of an index."""

        def work(connection: sa.Connection) -> list[ServiceCredential]:
            chosen: list[sa.ColumnElement[bool]] = [_COLUMNS.account_id == account_id]
            if user_name is not None:
                chosen.append(_COLUMNS.user_id == find_user(connection, account_id, user_name).user_id)
            if service_name:
                chosen.append(_COLUMNS.service_name == service_name)
            if request.after:
                created_us, credential_id = int(request.after[:20]), request.after[20:]
                later, same = _COLUMNS.created_us > created_us, _COLUMNS.created_us == created_us
                chosen.append(sa.or_(later, sa.and_(same, _COLUMNS.credential_id > credential_id)))
            rows = connection.execute(
                sa.select(SERVICE_CREDENTIALS)
                .where(*chosen)
                .order_by(_COLUMNS.created_us, _COLUMNS.credential_id)
                .limit(request.size + 1)
            ).all()
            return [_credential(row, _user(connection, row.user_id)) for row in rows]

        found = await self._database.read(work)
        return request.page(
            found, lambda each: f"{to_microseconds(each.created_at):020d}{each.credential_id}"
        )

    async def set_status(
        self, account_id: str, user_name: str, credential_id: str, status: KeyStatus
    ) -> tuple[ServiceCredential, int]:
        """Change a credential's status."""
        return await self._update(account_id, user_name, credential_id, {"status": status.value})

    async def replace_secret(
        self, account_id: str, user_name: str, credential_id: str, secret_sha256: bytes
    ) -> tuple[ServiceCredential, int]:
        """Replace the hash, and count that."""
        changes = {"secret_sha256": secret_sha256, "generation": _COLUMNS.generation + 1}
        return await self._update(account_id, user_name, credential_id, changes)

    async def delete(self, account_id: str, user_name: str, credential_id: str) -> int:
        """Delete a credential."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            _find(connection, account_id, user_name, credential_id)
            connection.execute(sa.delete(SERVICE_CREDENTIALS).where(_COLUMNS.credential_id == credential_id))
            return epoch

        return await self._database.run(work)

    async def by_alias(self, alias: str) -> ServiceCredential | None:
        """Read a credential and its user from one snapshot."""

        def work(connection: sa.Connection) -> ServiceCredential | None:
            row = connection.execute(
                sa.select(SERVICE_CREDENTIALS).where(_COLUMNS.alias == alias)
            ).one_or_none()
            return None if row is None else _credential(row, _user(connection, row.user_id))

        return await self._database.read(work)

    async def _update(
        self, account_id: str, user_name: str, credential_id: str, changes: dict[str, Any]
    ) -> tuple[ServiceCredential, int]:
        def work(connection: sa.Connection) -> tuple[ServiceCredential, int]:
            epoch = next_epoch(connection, account_id)
            user = _find(connection, account_id, user_name, credential_id)
            connection.execute(
                sa.update(SERVICE_CREDENTIALS)
                .where(_COLUMNS.credential_id == credential_id)
                .values(**changes)
            )
            return _credential(_row(connection, credential_id), user), epoch

        return await self._database.run(work)


def find_credential(connection: sa.Connection, credential_id: str) -> ServiceCredential | None:
    """Return a credential by its id, in any account."""
    row = _row(connection, credential_id)
    return None if row is None else _credential(row, _user(connection, row.user_id))


def _find(connection: sa.Connection, account_id: str, user_name: str, credential_id: str) -> User:
    """Return the user whose credential it is. Raises RESOURCE_NOT_FOUND."""
    user = find_user(connection, account_id, user_name)
    row = _row(connection, credential_id)
    if row is None or row.user_id != user.user_id:
        raise service_credential_not_found(credential_id)
    return user


def _row(connection: sa.Connection, credential_id: str) -> Any:
    return connection.execute(
        sa.select(SERVICE_CREDENTIALS).where(_COLUMNS.credential_id == credential_id)
    ).one_or_none()


def _user(connection: sa.Connection, user_id: str) -> User:
    return user_of(connection.execute(sa.select(USERS).where(USERS.c.user_id == user_id)).one())


def _credential(row: Any, user: User) -> ServiceCredential:
    return ServiceCredential(
        credential_id=row.credential_id,
        account_id=row.account_id,
        user=user,
        service_name=row.service_name,
        alias=row.alias,
        secret_sha256=row.secret_sha256,
        generation=row.generation,
        status=KeyStatus(row.status),
        created_at=from_microseconds(row.created_us),
        expires_at=None if row.expires_us is None else from_microseconds(row.expires_us),
    )
