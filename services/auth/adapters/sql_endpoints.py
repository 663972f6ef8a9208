"""Private listeners and VPC endpoints in SQL."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from services.auth.adapters.rows import count, next_epoch
from services.auth.adapters.tables import ACCOUNTS, from_microseconds, to_microseconds
from services.auth.adapters.tables_endpoints import PRIVATE_LISTENERS, VPC_ENDPOINTS
from services.auth.domain.endpoints import ActiveEndpoint, EndpointPolicy, VpcEndpoint
from services.auth.domain.pages import PageRequest
from services.auth.errors import account_not_found, exists
from services.auth.errors.endpoints import endpoint_not_found, listener_not_assigned
from services.chassis.database import Database
from services.chassis.pages import Page


class SqlEndpoints:
    """An EndpointStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def assign(self, listener: str, account_id: str) -> None:
        """Insert the listener, unless it is the account's already."""

        def work(connection: sa.Connection) -> None:
            if not count(connection, ACCOUNTS, ACCOUNTS.c.account_id == account_id):
                raise account_not_found(account_id)
            owner = _owner(connection, listener)
            if owner == account_id:
                return
            if owner is not None:
                raise exists(f"The private listener {listener} is assigned to another account.", listener)
            connection.execute(sa.insert(PRIVATE_LISTENERS).values(listener=listener, account_id=account_id))

        await self._database.run(work)

    async def release(self, listener: str) -> tuple[str, int] | None:
        """Delete the listener and its endpoint."""

        def work(connection: sa.Connection) -> tuple[str, int] | None:
            owner = _owner(connection, listener)
            if owner is None:
                return None
            epoch = next_epoch(connection, owner)
            connection.execute(sa.delete(VPC_ENDPOINTS).where(VPC_ENDPOINTS.c.listener == listener))
            connection.execute(sa.delete(PRIVATE_LISTENERS).where(PRIVATE_LISTENERS.c.listener == listener))
            return owner, epoch

        return await self._database.run(work)

    async def assignments(self) -> Mapping[str, tuple[str, str]]:
        """Read both tables in one query."""
        query = sa.select(
            PRIVATE_LISTENERS.c.listener, PRIVATE_LISTENERS.c.account_id, VPC_ENDPOINTS.c.endpoint_id
        ).outerjoin(VPC_ENDPOINTS, VPC_ENDPOINTS.c.listener == PRIVATE_LISTENERS.c.listener)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.listener: (row.account_id, row.endpoint_id or "") for row in rows}

    async def create_endpoint(self, endpoint: VpcEndpoint) -> int:
        """Insert the endpoint."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, endpoint.account_id)
            if _owner(connection, endpoint.listener) != endpoint.account_id:
                raise listener_not_assigned(endpoint.listener)
            if count(connection, VPC_ENDPOINTS, VPC_ENDPOINTS.c.listener == endpoint.listener):
                raise exists(
                    f"A VPC endpoint is registered on the private listener {endpoint.listener} already.",
                    endpoint.listener,
                )
            connection.execute(
                sa.insert(VPC_ENDPOINTS).values(
                    endpoint_id=endpoint.endpoint_id,
                    account_id=endpoint.account_id,
                    region=endpoint.region,
                    listener=endpoint.listener,
                    vpc_id=endpoint.vpc_id,
                    created_us=to_microseconds(endpoint.created_at),
                    request_key=endpoint.request_key,
                    **_changeable(endpoint),
                )
            )
            return epoch

        return await self._database.run(work)

    async def endpoint_of_request(self, request_key: str) -> VpcEndpoint | None:
        """Find it by a unique key."""
        query = sa.select(VPC_ENDPOINTS).where(VPC_ENDPOINTS.c.request_key == request_key)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else _endpoint(row)

    async def endpoint(self, account_id: str, region: str, endpoint_id: str) -> VpcEndpoint:
        """Return an endpoint."""
        return await self._database.read(
            lambda connection: _find(connection, account_id, region, endpoint_id)
        )

    async def endpoints(self, account_id: str, region: str, request: PageRequest) -> Page[VpcEndpoint]:
        """List endpoints by a range of the primary key."""
        query = (
            sa.select(VPC_ENDPOINTS)
            .where(*_of(account_id, region), VPC_ENDPOINTS.c.endpoint_id > request.after)
            .order_by(VPC_ENDPOINTS.c.endpoint_id)
            .limit(request.size + 1)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return request.page([_endpoint(row) for row in rows], lambda endpoint: endpoint.endpoint_id)

    async def change_endpoint(
        self, account_id: str, region: str, endpoint_id: str, change: Callable[[VpcEndpoint], VpcEndpoint]
    ) -> tuple[VpcEndpoint, int]:
        """Read, change and write in one transaction."""

        def work(connection: sa.Connection) -> tuple[VpcEndpoint, int]:
            epoch = next_epoch(connection, account_id)
            changed = change(_find(connection, account_id, region, endpoint_id))
            connection.execute(
                sa.update(VPC_ENDPOINTS)
                .where(VPC_ENDPOINTS.c.endpoint_id == endpoint_id)
                .values(**_changeable(changed))
            )
            return changed, epoch

        return await self._database.run(work)

    async def delete_endpoint(self, account_id: str, region: str, endpoint_id: str) -> int:
        """Delete the endpoint."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            _find(connection, account_id, region, endpoint_id)
            connection.execute(sa.delete(VPC_ENDPOINTS).where(VPC_ENDPOINTS.c.endpoint_id == endpoint_id))
            return epoch

        return await self._database.run(work)

    async def on_listener(self, listener: str) -> ActiveEndpoint | None:
        """Find it by a unique column."""
        return await self._active(VPC_ENDPOINTS.c.listener == listener)

    async def active(self, endpoint_id: str) -> ActiveEndpoint | None:
        """Find it by its id."""
        return await self._active(VPC_ENDPOINTS.c.endpoint_id == endpoint_id)

    async def _active(self, condition: sa.ColumnElement[bool]) -> ActiveEndpoint | None:
        query = (
            sa.select(VPC_ENDPOINTS, ACCOUNTS.c.policy_epoch)
            .join(ACCOUNTS, ACCOUNTS.c.account_id == VPC_ENDPOINTS.c.account_id)
            .where(condition)
        )
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else ActiveEndpoint(_endpoint(row), row.policy_epoch)


def _owner(connection: sa.Connection, listener: str) -> str | None:
    owner: str | None = connection.execute(
        sa.select(PRIVATE_LISTENERS.c.account_id).where(PRIVATE_LISTENERS.c.listener == listener)
    ).scalar_one_or_none()
    return owner


def _of(account_id: str, region: str) -> tuple[sa.ColumnElement[bool], ...]:
    return VPC_ENDPOINTS.c.account_id == account_id, VPC_ENDPOINTS.c.region == region


def _find(connection: sa.Connection, account_id: str, region: str, endpoint_id: str) -> VpcEndpoint:
    row = connection.execute(
        sa.select(VPC_ENDPOINTS).where(*_of(account_id, region), VPC_ENDPOINTS.c.endpoint_id == endpoint_id)
    ).one_or_none()
    if row is None:
        raise endpoint_not_found(endpoint_id)
    return _endpoint(row)


def _endpoint(row: sa.Row[Any]) -> VpcEndpoint:
    return VpcEndpoint(
        endpoint_id=row.endpoint_id,
        account_id=row.account_id,
        region=row.region,
        listener=row.listener,
        vpc_id=row.vpc_id,
        services=frozenset(json.loads(row.services)),
        allowed_accounts=frozenset(json.loads(row.allowed_accounts)),
        policy=EndpointPolicy(row.document, row.canonical),
        created_at=from_microseconds(row.created_us),
        request_key=row.request_key,
    )


def _changeable(endpoint: VpcEndpoint) -> dict[str, str]:
    return {
        "services": json.dumps(sorted(endpoint.services)),
        "allowed_accounts": json.dumps(sorted(endpoint.allowed_accounts)),
        "document": endpoint.policy.document,
        "canonical": endpoint.policy.canonical,
    }
