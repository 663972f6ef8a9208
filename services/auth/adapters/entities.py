"""Users, groups and roles by name, whatever their kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from services.auth.adapters.tables import USERS
from services.auth.adapters.tables_identity import GROUPS
from services.auth.adapters.tables_roles import ROLES
from services.auth.domain.identity import Entity, EntityKind, NamedEntity
from services.auth.errors import group_not_found, role_not_found, user_not_found
from services.chassis.errors import DomainError


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where entities of one kind are kept."""

    table: sa.Table
    entity_id: sa.Column[str]
    name: sa.Column[str]
    missing: Callable[[str], DomainError]


_KINDS: Mapping[EntityKind, _Kind] = {
    EntityKind.GROUP: _Kind(GROUPS, GROUPS.c.group_id, GROUPS.c.group_name, group_not_found),
    EntityKind.ROLE: _Kind(ROLES, ROLES.c.role_id, ROLES.c.role_name, role_not_found),
    EntityKind.USER: _Kind(USERS, USERS.c.user_id, USERS.c.user_name, user_not_found),
}


def find_entity(connection: sa.Connection, account_id: str, entity: Entity) -> NamedEntity:
    """Return an entity of an account by its exact name. Raises RESOURCE_NOT_FOUND."""
    kind = _KINDS[entity.kind]
    table = kind.table
    row = connection.execute(
        sa.select(kind.entity_id, kind.name).where(
            table.c.account_id == account_id, table.c.name_key == entity.name.lower()
        )
    ).one_or_none()
    if row is None or row[1] != entity.name:
        raise kind.missing(entity.name)
    return NamedEntity(entity.kind, row[1], row[0])


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
