"""Users, groups, roles and managed policies by name, whatever their kind."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from services.auth.adapters.rows import named_row
from services.auth.adapters.tables import POLICIES, USERS
from services.auth.adapters.tables_identity import GROUP_POLICIES, GROUPS, MANAGED_POLICIES
from services.auth.adapters.tables_roles import ROLE_POLICIES, ROLES
from services.auth.domain.identity import Entity, EntityKind, NamedEntity
from services.auth.errors import (
    group_not_found,
    managed_policy_not_found,
    role_not_found,
    user_not_found,
)
from services.chassis.arn import IamEntity
from services.chassis.errors import DomainError


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where entities of one kind are kept."""

    entity_id: sa.Column[str]
    name: sa.Column[str]
    missing: Callable[[str], DomainError]


_KINDS: Mapping[EntityKind, _Kind] = {
    EntityKind.GROUP: _Kind(GROUPS.c.group_id, GROUPS.c.group_name, group_not_found),
    EntityKind.ROLE: _Kind(ROLES.c.role_id, ROLES.c.role_name, role_not_found),
    EntityKind.USER: _Kind(USERS.c.user_id, USERS.c.user_name, user_not_found),
    EntityKind.POLICY: _Kind(
        MANAGED_POLICIES.c.policy_id, MANAGED_POLICIES.c.policy_name, managed_policy_not_found
    ),
}
_BEARERS = (EntityKind.GROUP, EntityKind.ROLE, EntityKind.USER)
"""What has policies, in the order of listings."""
_IDS_OF_A_QUERY = 500
"""Databases bound the parameters of a query; SQLite's oldest bound is 999."""
_INLINE: Mapping[EntityKind, sa.Column[str]] = {
    EntityKind.GROUP: GROUP_POLICIES.c.group_id,
    EntityKind.ROLE: ROLE_POLICIES.c.role_id,
    EntityKind.USER: POLICIES.c.user_id,
}


def inline_bearer(kind: EntityKind) -> sa.Column[str]:
    """Return the column that says whose an inline policy is, of the table that keeps those of a kind."""
    return _INLINE[kind]


def look_up(connection: sa.Connection, account_id: str, entity: Entity) -> NamedEntity | None:
    """Return an entity of an account by its exact name, None when there is none."""
    kind = _KINDS[entity.kind]
    row = named_row(connection, kind.name.table, account_id, entity.name)
    if row is None or row._mapping[kind.name] != entity.name:
        return None
    return NamedEntity(entity.kind, entity.name, row._mapping[kind.entity_id], row.path)


def find_entity(connection: sa.Connection, account_id: str, entity: Entity) -> NamedEntity:
    """Return an entity of an account by its exact name. Raises RESOURCE_NOT_FOUND."""
    found = look_up(connection, account_id, entity)
    if found is None:
        raise _KINDS[entity.kind].missing(entity.name)
    return found


def entities_by_id(connection: sa.Connection, entity_ids: Collection[str]) -> dict[str, IamEntity]:
    """Return by their ids those of these users and roles that exist, of all accounts."""
    found: dict[str, IamEntity] = {}
    wanted = sorted(entity_ids)
    for begin in range(0, len(wanted), _IDS_OF_A_QUERY):
        some = wanted[begin : begin + _IDS_OF_A_QUERY]
        for kind in (EntityKind.USER, EntityKind.ROLE):
            kept = _KINDS[kind]
            table = kept.name.table
            rows = connection.execute(
                sa.select(kept.entity_id, table.c.account_id, kept.name, table.c.path).where(
                    kept.entity_id.in_(some)
                )
            )
            found |= {row[0]: IamEntity(row[1], kind.value, row[2], row[3]) for row in rows}
    return found


def entities_using(
    connection: sa.Connection, account_id: str, use: sa.Table, policy_id: str
) -> list[NamedEntity]:
    """Return the entities that have a policy, in the table of attachments or that of boundaries.

    In the order of their kinds' and their own names.
    """
    found = [
        NamedEntity(kind, row[1], row[0], row[2])
        for kind, kept in ((each, _KINDS[each]) for each in _BEARERS)
        for row in connection.execute(
            sa.select(kept.entity_id, kept.name, kept.name.table.c.path)
            .join(use, use.c.entity_id == kept.entity_id)
            .where(
                use.c.account_id == account_id,
                use.c.policy_id == policy_id,
                use.c.entity_kind == kind.value,
            )
        )
    ]
    return sorted(found, key=lambda each: each.position)
