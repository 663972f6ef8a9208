"""The policies behind a principal's layers, each with its name and its text, read within one snapshot.

`bound_policies` reads the same for deciding, where names do not matter.
"""

from typing import Any

import sqlalchemy as sa

from services.auth.adapters.bound_policies import DEFAULT_VERSION
from services.auth.adapters.built_in_policies import built_in_policies
from services.auth.adapters.entities import inline_bearer
from services.auth.adapters.rows import of_entity
from services.auth.adapters.tables_identity import (
    ATTACHMENTS,
    BOUNDARIES,
    GROUP_MEMBERS,
    GROUPS,
    MANAGED_POLICIES,
    POLICY_VERSIONS,
)
from services.auth.domain.identity import EntityKind, NamedEntity
from services.auth.domain.policy_sources import PolicySource, PrincipalSources, SourceType, inline


def principal_sources(connection: sa.Connection, bearer: NamedEntity) -> PrincipalSources:
    """Return the policies of a user or a role: its inline ones, its groups', then what is attached."""
    bearers = [bearer]
    if bearer.kind is EntityKind.USER:
        bearers += _groups(connection, bearer.entity_id)
    inlines = [each for one in bearers for each in _inline(connection, one)]
    attached = {
        policy_id: source for one in bearers for policy_id, source in _managed(connection, ATTACHMENTS, one)
    }
    boundary = tuple(source for _, source in _managed(connection, BOUNDARIES, bearer))
    return PrincipalSources((*inlines, *attached.values()), boundary)


def _groups(connection: sa.Connection, user_id: str) -> list[NamedEntity]:
    rows = connection.execute(
        sa.select(GROUPS.c.group_name, GROUPS.c.group_id)
        .join(GROUP_MEMBERS, GROUP_MEMBERS.c.group_id == GROUPS.c.group_id)
        .where(GROUP_MEMBERS.c.user_id == user_id)
        .order_by(GROUPS.c.group_id)
    ).all()
    return [NamedEntity(EntityKind.GROUP, row.group_name, row.group_id) for row in rows]


def _inline(connection: sa.Connection, bearer: NamedEntity) -> list[PolicySource]:
    owner, kind = inline_bearer(bearer.kind), SourceType(bearer.kind.value)
    policies = owner.table.c
    rows = connection.execute(
        sa.select(policies.policy_name, policies.document)
        .where(owner == bearer.entity_id)
        .order_by(policies.policy_name)
    ).all()
    return [inline(kind, bearer.name, row.policy_name, row.document) for row in rows]


def _managed(connection: sa.Connection, use: sa.Table, bearer: NamedEntity) -> list[tuple[str, PolicySource]]:
    """Return the policies that an entity uses in one way, each with its id."""
    rows = connection.execute(
        sa.select(use.c.policy_id, MANAGED_POLICIES.c.policy_name, POLICY_VERSIONS.c.document)
        .select_from(
            use.outerjoin(MANAGED_POLICIES, MANAGED_POLICIES.c.policy_id == use.c.policy_id).outerjoin(
                POLICY_VERSIONS, DEFAULT_VERSION
            )
        )
        .where(*of_entity(use, bearer.kind, bearer.entity_id))
        .order_by(use.c.policy_id)
    ).all()
    return [(row.policy_id, _source(row)) for row in rows]


def _source(row: Any) -> PolicySource:
    if row.document is not None:
        return PolicySource(row.policy_name, SourceType.USER_MANAGED, row.document)
    built_in = built_in_policies().by_id[row.policy_id]
    return PolicySource(
        built_in.policy.reference.policy_name, SourceType.AWS_MANAGED, built_in.version.document
    )
