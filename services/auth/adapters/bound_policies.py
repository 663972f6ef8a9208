"""What managed policies, groups, boundaries and tags add to a principal, read within one snapshot.

Statements are built once, here and where a principal is read: building one costs several times its run.
"""

from typing import Any

import sqlalchemy as sa

from services.auth.adapters.built_in_policies import built_in_policies
from services.auth.adapters.tables_identity import (
    ATTACHMENTS,
    BOUNDARIES,
    GROUP_MEMBERS,
    GROUP_POLICIES,
    MANAGED_POLICIES,
    POLICY_VERSIONS,
    TAGS,
)
from services.auth.domain.identity import EntityKind
from services.auth.domain.roles import TemporarySession
from services.chassis.policy.bundle import Documents

DEFAULT_VERSION = sa.and_(
    POLICY_VERSIONS.c.policy_id == MANAGED_POLICIES.c.policy_id,
    POLICY_VERSIONS.c.number == MANAGED_POLICIES.c.default_version,
)
"""Joins a managed policy with its version in force."""


def _mine(table: sa.Table) -> sa.ColumnElement[bool]:
    """What selects one entity's rows of a table that serves several kinds of them."""
    return sa.and_(
        table.c.entity_kind == sa.bindparam("entity_kind"), table.c.entity_id == sa.bindparam("entity_id")
    )


def _in_force(use: sa.Table, mine: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (
        sa.select(use.c.policy_id, POLICY_VERSIONS.c.canonical)
        .distinct()
        .select_from(
            use.outerjoin(MANAGED_POLICIES, MANAGED_POLICIES.c.policy_id == use.c.policy_id).outerjoin(
                POLICY_VERSIONS, DEFAULT_VERSION
            )
        )
        .where(mine)
        .order_by(use.c.policy_id)
    )


_GROUPS_OF_USER = sa.select(GROUP_MEMBERS.c.group_id).where(
    GROUP_MEMBERS.c.user_id == sa.bindparam("entity_id")
)
_INLINE_OF_GROUPS = (
    sa.select(GROUP_POLICIES.c.canonical)
    .where(GROUP_POLICIES.c.group_id.in_(_GROUPS_OF_USER))
    .order_by(GROUP_POLICIES.c.group_id, GROUP_POLICIES.c.policy_name)
)
_OF_GROUPS = sa.and_(
    ATTACHMENTS.c.entity_kind == EntityKind.GROUP.value, ATTACHMENTS.c.entity_id.in_(_GROUPS_OF_USER)
)
_ATTACHED = _in_force(ATTACHMENTS, _mine(ATTACHMENTS))
_ATTACHED_TO_USER = _in_force(ATTACHMENTS, sa.or_(_mine(ATTACHMENTS), _OF_GROUPS))
_BOUNDARY = _in_force(BOUNDARIES, _mine(BOUNDARIES))
_TAGS = sa.select(TAGS.c.tag_key, TAGS.c.tag_value).where(_mine(TAGS))
_IN_FORCE_BY_ID = (
    sa.select(MANAGED_POLICIES.c.policy_id, POLICY_VERSIONS.c.canonical)
    .join(POLICY_VERSIONS, DEFAULT_VERSION)
    .where(MANAGED_POLICIES.c.policy_id.in_(sa.bindparam("policy_ids", expanding=True)))
)


def attached_documents(connection: sa.Connection, kind: EntityKind, entity_id: str) -> Documents:
    """Return what an entity has besides its own inline policies, in the canonical form.

    That are the versions in force of the policies attached to it and, for a user, the inline and attached
    policies of its groups. Nothing stands twice, and the order depends on ids and names alone.
    """
    if kind is not EntityKind.USER:
        return _documents(connection, _ATTACHED, kind, entity_id)
    inline = connection.execute(_INLINE_OF_GROUPS, {"entity_id": entity_id}).scalars()
    attached = _documents(connection, _ATTACHED_TO_USER, kind, entity_id)
    return tuple(dict.fromkeys((*inline, *attached)))


def boundary_documents(connection: sa.Connection, kind: EntityKind, entity_id: str) -> Documents | None:
    """Return the permissions boundary of an entity in the canonical form, None when it has none."""
    return _documents(connection, _BOUNDARY, kind, entity_id) or None


def session_documents(connection: sa.Connection, session: TemporarySession) -> Documents | None:
    """Return what a session is narrowed to in the canonical form, None when it is not.

    A managed policy that is gone may have held a Deny: then nothing is allowed any more.
    """
    if not session.policies and not session.policy_ids:
        return None
    built_in = built_in_policies().by_id
    found = {each: built_in[each].version.canonical for each in session.policy_ids if each in built_in}
    rows = connection.execute(_IN_FORCE_BY_ID, {"policy_ids": list(session.policy_ids)})
    found |= {row.policy_id: row.canonical for row in rows}
    if len(found) != len(session.policy_ids):
        return ()
    return (*session.policies, *(found[each] for each in session.policy_ids))


def tag_pairs(connection: sa.Connection, kind: EntityKind, entity_id: str) -> tuple[tuple[str, str], ...]:
    """Return the tags of an entity as keys and values, in the order of their keys in lower case."""
    rows = connection.execute(_TAGS, _parameters(kind, entity_id)).all()
    return tuple(sorted(((row.tag_key, row.tag_value) for row in rows), key=lambda pair: pair[0].lower()))


def _parameters(kind: EntityKind, entity_id: str) -> dict[str, str]:
    return {"entity_kind": kind.value, "entity_id": entity_id}


def _documents(
    connection: sa.Connection, in_force: sa.Select[Any], kind: EntityKind, entity_id: str
) -> Documents:
    rows = connection.execute(in_force, _parameters(kind, entity_id)).all()
    # A policy without a row is built in. One that this version of the software does not know any more
    # could hold a Deny: the KeyError refuses the principal instead of leaving it out.
    built_in = built_in_policies().by_id
    return tuple(
        built_in[row.policy_id].version.canonical if row.canonical is None else row.canonical for row in rows
    )
