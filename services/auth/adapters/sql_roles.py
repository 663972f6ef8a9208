"""Roles and their inline policies in SQL."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from services.auth.adapters.rows import count, next_epoch, of_entity
from services.auth.adapters.tables import from_microseconds, to_microseconds
from services.auth.adapters.tables_identity import ATTACHMENTS, BOUNDARIES, TAGS
from services.auth.adapters.tables_roles import ROLE_POLICIES, ROLES, SESSIONS
from services.auth.domain.identity import EntityKind
from services.auth.domain.pages import PageRequest
from services.auth.domain.roles import Role, RolePolicy
from services.auth.errors import conflict, exists, policy_not_found, quota_exceeded, role_not_found
from services.chassis.database import Database
from services.chassis.pages import Page


def role_of(row: sa.Row[Any]) -> Role:
    """Read a role from a row of ROLES."""
    return Role(
        row.account_id,
        row.role_name,
        row.role_id,
        row.trust,
        row.canonical_trust,
        row.description,
        timedelta(seconds=row.max_session_s),
        from_microseconds(row.created_us),
    )


def find_role(connection: sa.Connection, account_id: str, role_name: str) -> Role:
    """Return a role by its exact name. Raises RESOURCE_NOT_FOUND."""
    row = connection.execute(
        sa.select(ROLES).where(ROLES.c.account_id == account_id, ROLES.c.name_key == role_name.lower())
    ).one_or_none()
    if row is None or row.role_name != role_name:
        raise role_not_found(role_name)
    return role_of(row)


class SqlRoles:
    """A RoleStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def create_role(self, role: Role, limit: int) -> int:
        """Create a role within the account's limit."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, role.account_id)
            if count(connection, ROLES, ROLES.c.account_id == role.account_id) >= limit:
                raise quota_exceeded("RolesPerAccount", limit)
            taken = ROLES.c.name_key == role.role_name.lower()
            if count(connection, ROLES, ROLES.c.account_id == role.account_id, taken):
                raise exists(f"Role with name {role.role_name} already exists.", role.role_name)
            connection.execute(
                sa.insert(ROLES).values(
                    role_id=role.role_id,
                    account_id=role.account_id,
                    role_name=role.role_name,
                    name_key=role.role_name.lower(),
                    trust=role.trust,
                    canonical_trust=role.canonical_trust,
                    description=role.description,
                    max_session_s=int(role.max_session.total_seconds()),
                    created_us=to_microseconds(role.created_at),
                )
            )
            return epoch

        return await self._database.run(work)

    async def role(self, account_id: str, role_name: str) -> Role:
        """Return a role."""
        return await self._database.read(lambda connection: find_role(connection, account_id, role_name))

    async def roles(self, account_id: str, request: PageRequest) -> Page[Role]:
        """List roles by a range of an index."""
        query = (
            sa.select(ROLES)
            .where(ROLES.c.account_id == account_id, ROLES.c.name_key > request.after)
            .order_by(ROLES.c.name_key)
            .limit(request.size + 1)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return request.page([role_of(row) for row in rows], lambda role: role.role_name.lower())

    async def update_role(self, role: Role) -> int:
        """Replace what can change of the role with this id."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, role.account_id)
            changed = connection.execute(
                sa.update(ROLES)
                .where(ROLES.c.role_id == role.role_id)
                .values(
                    trust=role.trust,
                    canonical_trust=role.canonical_trust,
                    description=role.description,
                    max_session_s=int(role.max_session.total_seconds()),
                )
            ).rowcount
            if not changed:
                raise role_not_found(role.role_name)
            return epoch

        return await self._database.run(work)

    async def delete_role(self, account_id: str, role_name: str) -> int:
        """Delete a role without policies, and its sessions."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            role = find_role(connection, account_id, role_name)
            # No session can begin from here on: beginning one takes a share of this lock.
            connection.execute(
                sa.select(ROLES.c.role_id).where(ROLES.c.role_id == role.role_id).with_for_update()
            )
            if count(connection, ROLE_POLICIES, ROLE_POLICIES.c.role_id == role.role_id):
                raise conflict("Cannot delete entity, must delete policies first.")
            if count(connection, ATTACHMENTS, *of_entity(ATTACHMENTS, EntityKind.ROLE, role.role_id)):
                raise conflict("Cannot delete entity, must detach all policies first.")
            for table in (BOUNDARIES, TAGS):
                connection.execute(sa.delete(table).where(*of_entity(table, EntityKind.ROLE, role.role_id)))
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.role_id == role.role_id))
            connection.execute(sa.delete(ROLES).where(ROLES.c.role_id == role.role_id))
            return epoch

        return await self._database.run(work)

    async def put_role_policy(self, policy: RolePolicy, max_chars: int) -> int:
        """Create or replace; all inline policies of the role together have at most `max_chars`."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, policy.account_id)
            role = find_role(connection, policy.account_id, policy.role_name)
            same = _is(role, policy.policy_name)
            connection.execute(sa.delete(ROLE_POLICIES).where(*same))
            used = connection.execute(
                sa.select(sa.func.coalesce(sa.func.sum(sa.func.length(ROLE_POLICIES.c.canonical)), 0)).where(
                    ROLE_POLICIES.c.role_id == role.role_id
                )
            ).scalar_one()
            if used + len(policy.canonical) > max_chars:
                raise quota_exceeded("characters of inline policies of a role", max_chars)
            connection.execute(
                sa.insert(ROLE_POLICIES).values(
                    role_id=role.role_id,
                    policy_name=policy.policy_name,
                    document=policy.document,
                    canonical=policy.canonical,
                    updated_us=to_microseconds(policy.updated_at),
                )
            )
            return epoch

        return await self._database.run(work)

    async def role_policy(self, account_id: str, role_name: str, policy_name: str) -> RolePolicy:
        """Return one policy."""

        def work(connection: sa.Connection) -> RolePolicy:
            role = find_role(connection, account_id, role_name)
            row = connection.execute(sa.select(ROLE_POLICIES).where(*_is(role, policy_name))).one_or_none()
            if row is None:
                raise policy_not_found(policy_name)
            return _policy(row, role)

        return await self._database.read(work)

    async def role_policies(self, account_id: str, role_name: str, request: PageRequest) -> Page[RolePolicy]:
        """List policies by a range of the primary key."""

        def work(connection: sa.Connection) -> list[RolePolicy]:
            role = find_role(connection, account_id, role_name)
            rows = connection.execute(
                sa.select(ROLE_POLICIES)
                .where(ROLE_POLICIES.c.role_id == role.role_id, ROLE_POLICIES.c.policy_name > request.after)
                .order_by(ROLE_POLICIES.c.policy_name)
                .limit(request.size + 1)
            ).all()
            return [_policy(row, role) for row in rows]

        return request.page(await self._database.read(work), lambda policy: policy.policy_name)

    async def delete_role_policy(self, account_id: str, role_name: str, policy_name: str) -> int:
        """Delete one policy."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            role = find_role(connection, account_id, role_name)
            if not connection.execute(sa.delete(ROLE_POLICIES).where(*_is(role, policy_name))).rowcount:
                raise policy_not_found(policy_name)
            return epoch

        return await self._database.run(work)


def _is(role: Role, policy_name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return ROLE_POLICIES.c.role_id == role.role_id, ROLE_POLICIES.c.policy_name == policy_name


def _policy(row: sa.Row[Any], role: Role) -> RolePolicy:
    return RolePolicy(
        role.account_id,
        role.role_name,
        row.policy_name,
        row.document,
        row.canonical,
        from_microseconds(row.updated_us),
    )
