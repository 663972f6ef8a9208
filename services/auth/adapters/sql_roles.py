"""Roles in SQL."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from services.auth.adapters.entity_facts import begin_with, facts_of
from services.auth.adapters.role_rows import find_role, role_of
from services.auth.adapters.rows import (
    Refusals,
    count,
    next_epoch,
    of_entity,
    require_room,
    rows_by_name,
)
from services.auth.adapters.sql_oidc import end_federated_sessions
from services.auth.adapters.tables import to_microseconds
from services.auth.adapters.tables_identity import ATTACHMENTS, BOUNDARIES, TAGS
from services.auth.adapters.tables_roles import PASSED_ROLES, ROLE_POLICIES, ROLES, SESSIONS
from services.auth.domain.identity import EntityKind, NamedEntity, PolicyReference, RoleDetails, Tag
from services.auth.domain.pages import PageRequest
from services.auth.domain.roles import Role
from services.auth.errors import conflict, role_not_found
from services.chassis.database import Database
from services.chassis.pages import Page

_REFUSALS = Refusals("Role with name {} already exists.", "RolesPerAccount")


class SqlRoles:
    """A RoleStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def create_role(
        self, role: Role, limit: int, boundary: PolicyReference | None = None, tags: Sequence[Tag] = ()
    ) -> int:
        """Create a role within the account's limit."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, role.account_id)
            require_room(connection, ROLES, role.account_id, role.role_name, limit, _REFUSALS)
            connection.execute(
                sa.insert(ROLES).values(
                    role_id=role.role_id,
                    account_id=role.account_id,
                    path=role.path,
                    role_name=role.role_name,
                    name_key=role.role_name.lower(),
                    trust=role.trust,
                    canonical_trust=role.canonical_trust,
                    description=role.description,
                    max_session_s=int(role.max_session.total_seconds()),
                    created_us=to_microseconds(role.created_at),
                )
            )
            bearer = NamedEntity(EntityKind.ROLE, role.role_name, role.role_id)
            begin_with(connection, role.account_id, bearer, boundary, tags)
            return epoch

        return await self._database.run(work)

    async def role(self, account_id: str, role_name: str) -> Role:
        """Return a role."""
        return await self._database.read(lambda connection: find_role(connection, account_id, role_name))

    async def role_details(self, account_id: str, role_name: str) -> RoleDetails:
        """Return a role with boundary and tags."""

        def work(connection: sa.Connection) -> RoleDetails:
            role = find_role(connection, account_id, role_name)
            facts = facts_of(connection, NamedEntity(EntityKind.ROLE, role.role_name, role.role_id))
            return RoleDetails(role, facts.boundary, facts.tags)

        return await self._database.read(work)

    async def roles(self, account_id: str, request: PageRequest, path_prefix: str = "") -> Page[Role]:
        """List roles by a range of an index."""
        rows = await self._database.read(
            lambda connection: rows_by_name(connection, ROLES, account_id, request, path_prefix)
        )
        return request.page([role_of(row) for row in rows], lambda role: role.role_name.lower())

    async def update_role(self, role: Role, trusted: Collection[str] | None = None) -> int:
        """Change one half of the role with this id, so that no other change is undone that came between."""
        values: dict[str, str | int] = {
            "description": role.description,
            "max_session_s": int(role.max_session.total_seconds()),
        }
        if trusted is not None:
            values = {"trust": role.trust, "canonical_trust": role.canonical_trust}

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, role.account_id)
            changed = connection.execute(
                sa.update(ROLES).where(ROLES.c.role_id == role.role_id).values(values)
            ).rowcount
            if not changed:
                raise role_not_found(role.role_name)
            if trusted is not None:
                end_federated_sessions(connection, role.role_id, trusted)
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
            for table in (SESSIONS, PASSED_ROLES):
                connection.execute(sa.delete(table).where(table.c.role_id == role.role_id))
            connection.execute(sa.delete(ROLES).where(ROLES.c.role_id == role.role_id))
            return epoch

        return await self._database.run(work)
