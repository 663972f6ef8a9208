"""OpenID Connect providers in SQL."""

import json
from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from services.auth.adapters.rows import count, next_epoch
from services.auth.adapters.tables import from_microseconds, to_microseconds
from services.auth.adapters.tables_oidc import FEDERATED_SESSIONS, OIDC_PROVIDERS
from services.auth.adapters.tables_roles import SESSIONS
from services.auth.domain.federation import Federation
from services.auth.domain.identity import Tag
from services.auth.domain.oidc import OidcProvider
from services.auth.domain.pages import PageRequest
from services.auth.errors import conflict, quota_exceeded
from services.auth.errors.web_identity import provider_exists
from services.chassis.database import Database
from services.chassis.pages import Page


class SqlOidcProviders:
    """An OidcProviderStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def create_provider(self, provider: OidcProvider, limit: int) -> int:
        """Register a provider within the account's limit."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, provider.account_id)
            if count(connection, OIDC_PROVIDERS, *_is(provider.account_id, provider.url)):
                raise provider_exists(provider.url)
            if count(connection, OIDC_PROVIDERS, OIDC_PROVIDERS.c.account_id == provider.account_id) >= limit:
                raise quota_exceeded("OpenIdConnectProvidersPerAccount", limit)
            connection.execute(
                sa.insert(OIDC_PROVIDERS).values(
                    provider_id=provider.provider_id,
                    account_id=provider.account_id,
                    url=provider.url,
                    created_us=to_microseconds(provider.created_at),
                    **_changeable(provider),
                )
            )
            return epoch

        return await self._database.run(work)

    async def provider(self, account_id: str, url: str) -> OidcProvider | None:
        """Return the provider of an issuer."""
        return await self._database.read(lambda connection: _find(connection, account_id, url))

    async def providers(self, account_id: str, request: PageRequest) -> Page[OidcProvider]:
        """List providers by a range of an index."""
        query = (
            sa.select(OIDC_PROVIDERS)
            .where(OIDC_PROVIDERS.c.account_id == account_id, OIDC_PROVIDERS.c.url > request.after)
            .order_by(OIDC_PROVIDERS.c.url)
            .limit(request.size + 1)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return request.page([_provider(row) for row in rows], lambda provider: provider.url)

    async def change_provider(
        self, account_id: str, url: str, change: Callable[[OidcProvider], OidcProvider]
    ) -> int | None:
        """Change a provider under the lock of its account, and end sessions of lost client ids."""

        def work(connection: sa.Connection) -> int | None:
            epoch = next_epoch(connection, account_id)
            before = _find(connection, account_id, url, lock=True)
            if before is None:
                return None
            after = change(before)
            connection.execute(
                sa.update(OIDC_PROVIDERS).where(*_is(account_id, url)).values(**_changeable(after))
            )
            lost = set(before.client_ids) - set(after.client_ids)
            if lost:
                _end_sessions(connection, before.provider_id, lost)
            return epoch

        return await self._database.run(work)

    async def delete_provider(self, account_id: str, url: str) -> int | None:
        """Delete a provider, and its sessions."""

        def work(connection: sa.Connection) -> int | None:
            epoch = next_epoch(connection, account_id)
            # No session can begin from here on: beginning one takes a share of this lock.
            found = _find(connection, account_id, url, lock=True)
            if found is None:
                return None
            _end_sessions(connection, found.provider_id)
            connection.execute(sa.delete(OIDC_PROVIDERS).where(*_is(account_id, url)))
            return epoch

        return await self._database.run(work)


def add_federation(connection: sa.Connection, access_key_id: str, federation: Federation) -> None:
    """Keep what is known of whoever opened a session.

    Raises RESOURCE_STATE when the provider, or its client id, was removed meanwhile.
    """
    # The lock makes whoever removes it wait, and then end this session as well.
    row = connection.execute(
        sa.select(OIDC_PROVIDERS)
        .where(OIDC_PROVIDERS.c.provider_id == federation.provider_id)
        .with_for_update(read=True)
    ).one_or_none()
    if row is None or federation.audience not in _provider(row).client_ids:
        raise conflict("The identity provider was removed or changed meanwhile.")
    connection.execute(
        sa.insert(FEDERATED_SESSIONS).values(
            access_key_id=access_key_id,
            provider_id=federation.provider_id,
            provider_arn=federation.provider_arn,
            audience=federation.audience,
            subject=federation.subject,
            methods=json.dumps(federation.authentication_methods),
        )
    )


def find_federation(connection: sa.Connection, access_key_id: str) -> Federation | None:
    """Return what is known of whoever opened a session; None unless a provider vouched for them."""
    row = connection.execute(
        sa.select(FEDERATED_SESSIONS).where(FEDERATED_SESSIONS.c.access_key_id == access_key_id)
    ).one_or_none()
    if row is None:
        return None
    return Federation(
        row.provider_id, row.provider_arn, row.audience, row.subject, tuple(json.loads(row.methods))
    )


def end_federated_sessions(connection: sa.Connection, role_id: str, trusted: Collection[str]) -> None:
    """End the sessions of a role for which providers vouched that are not `trusted`, by their ARNs."""
    mine = (
        sa.select(FEDERATED_SESSIONS.c.access_key_id)
        .join(SESSIONS, SESSIONS.c.access_key_id == FEDERATED_SESSIONS.c.access_key_id)
        .where(SESSIONS.c.role_id == role_id, FEDERATED_SESSIONS.c.provider_arn.not_in(trusted))
    )
    connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.access_key_id.in_(mine)))


def _end_sessions(
    connection: sa.Connection, provider_id: str, audiences: Collection[str] | None = None
) -> None:
    mine = sa.select(FEDERATED_SESSIONS.c.access_key_id).where(
        FEDERATED_SESSIONS.c.provider_id == provider_id
    )
    if audiences is not None:
        mine = mine.where(FEDERATED_SESSIONS.c.audience.in_(audiences))
    connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.access_key_id.in_(mine)))


def _is(account_id: str, url: str) -> tuple[sa.ColumnElement[bool], ...]:
    return OIDC_PROVIDERS.c.account_id == account_id, OIDC_PROVIDERS.c.url == url


def _find(connection: sa.Connection, account_id: str, url: str, *, lock: bool = False) -> OidcProvider | None:
    query = sa.select(OIDC_PROVIDERS).where(*_is(account_id, url))
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _provider(row)


def _provider(row: sa.Row[Any]) -> OidcProvider:
    return OidcProvider(
        account_id=row.account_id,
        provider_id=row.provider_id,
        url=row.url,
        client_ids=tuple(json.loads(row.client_ids)),
        thumbprints=tuple(json.loads(row.thumbprints)),
        created_at=from_microseconds(row.created_us),
        tags=tuple(Tag(key, value) for key, value in json.loads(row.tags)),
    )


def _changeable(provider: OidcProvider) -> dict[str, str]:
    return {
        "client_ids": json.dumps(provider.client_ids),
        "thumbprints": json.dumps(provider.thumbprints),
        "tags": json.dumps([[tag.key, tag.value] for tag in provider.tags]),
    }
