"""The tree of the organization in SQL."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from services.auth.adapters.organization_rows import attach_full_access, find_unit, raise_epochs, unit_of
from services.auth.adapters.rows import account_of, count
from services.auth.adapters.tables import ACCOUNTS, to_microseconds
from services.auth.adapters.tables_organization import CONTROL_ATTACHMENTS, CONTROL_TYPES, MEMBERS, UNITS
from services.auth.domain.organization import Epochs, NodeKind, PolicyType, Unit, kind_of
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import Account
from services.auth.errors import account_not_found, quota_exceeded
from services.auth.errors.organization import (
    already_there,
    child_not_found,
    destination_not_found,
    parent_not_found,
    source_not_found,
    too_deep,
    unit_exists,
    unit_not_empty,
    unit_not_found,
)
from services.chassis.database import Database
from services.chassis.pages import Page


class SqlOrganization:
    """An OrganizationStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def root(self) -> tuple[Unit, Sequence[PolicyType]]:
        """Return the root and the enabled types."""

        def work(connection: sa.Connection) -> tuple[Unit, Sequence[PolicyType]]:
            row = connection.execute(sa.select(UNITS).where(UNITS.c.parent_id.is_(None))).one()
            types = connection.execute(
                sa.select(CONTROL_TYPES.c.policy_type).order_by(CONTROL_TYPES.c.policy_type)
            ).scalars()
            return unit_of(row), tuple(PolicyType(each) for each in types)

        return await self._database.read(work)

    async def unit(self, unit_id: str) -> Unit:
        """Return a unit."""
        return await self._database.read(lambda connection: _unit(connection, unit_id))

    async def create_unit(
        self, unit_id: str, parent_id: str, name: str, created_at: datetime, limit: int, max_depth: int
    ) -> Unit:
        """Create a unit within the limits of the organization."""

        def work(connection: sa.Connection) -> Unit:
            parent = find_unit(connection, parent_id)
            if parent is None:
                raise parent_not_found(parent_id)
            if parent.depth >= max_depth:
                raise too_deep(max_depth)
            if count(connection, UNITS, UNITS.c.parent_id.is_not(None)) >= limit:
                raise quota_exceeded("OUsPerOrganization", limit)
            unit = Unit(unit_id, parent_id, name, f"{parent.path}{unit_id}/", created_at)
            connection.execute(
                sa.insert(UNITS).values(
                    unit_id=unit_id,
                    parent_id=parent_id,
                    name=name,
                    path=unit.path,
                    created_us=to_microseconds(created_at),
                )
            )
            attach_full_access(connection, unit_id)
            return unit

        try:
            return await self._database.run(work)
        except sa.exc.IntegrityError:
            raise unit_exists(name) from None

    async def rename_unit(self, unit_id: str, name: str) -> Unit:
        """Rename a unit. No epoch is raised: nothing is decided by the names of units."""

        def work(connection: sa.Connection) -> Unit:
            _unit(connection, unit_id)
            connection.execute(sa.update(UNITS).where(UNITS.c.unit_id == unit_id).values(name=name))
            return _unit(connection, unit_id)

        try:
            return await self._database.run(work)
        except sa.exc.IntegrityError:
            raise unit_exists(name) from None

    async def delete_unit(self, unit_id: str) -> None:
        """Delete an empty unit. No epoch is raised: no account stood below it."""

        def work(connection: sa.Connection) -> None:
            _unit(connection, unit_id)
            if count(connection, UNITS, UNITS.c.parent_id == unit_id):
                raise unit_not_empty()
            if count(connection, MEMBERS, MEMBERS.c.unit_id == unit_id):
                raise unit_not_empty()
            connection.execute(
                sa.delete(CONTROL_ATTACHMENTS).where(CONTROL_ATTACHMENTS.c.target_id == unit_id)
            )
            connection.execute(sa.delete(UNITS).where(UNITS.c.unit_id == unit_id))

        await self._database.run(work)

    async def units_in(self, parent_id: str, request: PageRequest) -> Page[Unit]:
        """List units; an organization has at most some thousand, so that no index by id is needed."""

        def work(connection: sa.Connection) -> list[Unit]:
            _parent(connection, parent_id)
            rows = connection.execute(
                sa.select(UNITS)
                .where(UNITS.c.parent_id == parent_id, UNITS.c.unit_id > request.after)
                .order_by(UNITS.c.unit_id)
                .limit(request.size + 1)
            ).all()
            return [unit_of(row) for row in rows]

        return request.page(await self._database.read(work), lambda unit: unit.unit_id)

    async def accounts_in(self, parent_id: str, request: PageRequest) -> Page[Account]:
        """List accounts by id."""

        def work(connection: sa.Connection) -> list[Account]:
            _parent(connection, parent_id)
            rows = connection.execute(
                sa.select(ACCOUNTS)
                .join(MEMBERS, MEMBERS.c.account_id == ACCOUNTS.c.account_id)
                .where(MEMBERS.c.unit_id == parent_id, ACCOUNTS.c.account_id > request.after)
                .order_by(ACCOUNTS.c.account_id)
                .limit(request.size + 1)
            ).all()
            return [account_of(row) for row in rows]

        return request.page(await self._database.read(work), lambda account: account.account_id)

    async def parent_of(self, child_id: str) -> str:
        """Return the parent's id."""
        if kind_of(child_id) is NodeKind.ACCOUNT:
            query = sa.select(MEMBERS.c.unit_id).where(MEMBERS.c.account_id == child_id)
        else:
            query = sa.select(UNITS.c.parent_id).where(UNITS.c.unit_id == child_id)
        parent_id: str | None = await self._database.read(
            lambda connection: connection.execute(query).scalar_one_or_none()
        )
        if parent_id is None:
            raise child_not_found(child_id)
        return parent_id

    async def move_account(self, account_id: str, source_id: str, destination_id: str) -> Epochs:
        """Move an account."""

        def work(connection: sa.Connection) -> Epochs:
            place = connection.execute(
                sa.select(MEMBERS.c.unit_id).where(MEMBERS.c.account_id == account_id)
            ).scalar_one_or_none()
            if place is None:
                raise account_not_found(account_id)
            if place == destination_id:
                raise already_there(account_id)
            if place != source_id:
                raise source_not_found(source_id)
            if find_unit(connection, destination_id) is None:
                raise destination_not_found(destination_id)
            connection.execute(
                sa.update(MEMBERS).where(MEMBERS.c.account_id == account_id).values(unit_id=destination_id)
            )
            return raise_epochs(connection, ACCOUNTS.c.account_id == account_id)

        return await self._database.run(work)


def _unit(connection: sa.Connection, unit_id: str) -> Unit:
    unit = find_unit(connection, unit_id)
    if unit is None or unit.parent_id is None:
        raise unit_not_found(unit_id)
    return unit


def _parent(connection: sa.Connection, parent_id: str) -> None:
    if find_unit(connection, parent_id) is None:
        raise parent_not_found(parent_id)
