"""Users, groups and roles by name, whatever their kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from services.auth.adapters.rows import named_row
from services.auth.adapters.tables import POLICIES, USERS
from services.auth.adapters.tables_identity import GROUP_POLICIES, GROUPS
from services.auth.adapters.tables_roles import ROLE_POLICIES, ROLES
from services.auth.domain.identity import Entity, EntityKind, NamedEntity
from services.auth.errors import group_not_found, role_not_found, user_not_found
from services.chassis.errors import DomainError


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where entities of one kind are kept."""

    table: sa.Table
    entity_id: sa.Column[str]
    name: sa.Column[str]
    inline: sa.Column[str]
    """The column of the table of their inline policies that says whose they are."""
    missing: Callable[[str], DomainError]


_KINDS: Mapping[EntityKind, _Kind] = {
    EntityKind.GROUP: _Kind(
        GROUPS, GROUPS.c.group_id, GROUPS.c.group_name, GROUP_POLICIES.c.group_id, group_not_found
    ),
    EntityKind.ROLE: _Kind(
        ROLES, ROLES.c.role_id, ROLES.c.role_name, ROLE_POLICIES.c.role_id, role_not_found
    ),
    EntityKind.USER: _Kind(USERS, USERS.c.user_id, USERS.c.user_name, POLICIES.c.user_id, user_not_found),
}


def inline_bearer(kind: EntityKind) -> sa.Column[str]:
    """Return the column that says whose an inline policy is, of the table that keeps those of a kind."""
    return _KINDS[kind].inline


def find_entity(connection: sa.Connection, account_id: str, entity: Entity) -> NamedEntity:
    """Return an entity of an account by its exact name. Raises RESOURCE_NOT_FOUND."""
    kind = _KINDS[entity.kind]
    row = named_row(connection, kind.table, account_id, entity.name)
    if row is None or row._mapping[kind.name] != entity.name:
        raise kind.missing(entity.name)
    return NamedEntity(entity.kind, entity.name, row._mapping[kind.entity_id])


def entities_using(
    connection: sa.Connection, account_id: str, use: sa.Table, policy_id: str
) -> list[NamedEntity]:
    """Return the entities that have a policy, in the table of attachments or that of boundaries.

    In the order of their kinds' and their own names.
    """
    found = [
        NamedEntity(kind, row[1], row[0])
        for kind, kept in _KINDS.items()
        for row in connection.execute(
            sa.select(kept.entity_id, kept.name)
            .join(use, use.c.entity_id == kept.entity_id)
            .where(
                use.c.account_id == account_id,
                use.c.policy_id == policy_id,
                use.c.entity_kind == kind.value,
            )
        )
    ]
    return sorted(found, key=lambda each: each.position)
