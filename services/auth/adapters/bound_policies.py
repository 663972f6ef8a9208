"""What managed policies, groups, boundaries and tags add to a principal, read within one snapshot."""

import sqlalchemy as sa

from services.auth.adapters.built_in_policies import built_in_policies
from services.auth.adapters.rows import of_entity
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


def attached_documents(connection: sa.Connection, kind: EntityKind, entity_id: str) -> Documents:
    """Return what an entity has besides its own inline policies, in the canonical form.

    That are the versions in force of the policies attached to it and, for a user, the inline and attached
    policies of its groups. Nothing stands twice, and the order depends on ids and names alone.
    """
    attached: sa.ColumnElement[bool] = sa.and_(*of_entity(ATTACHMENTS, kind, entity_id))
    inline: tuple[str, ...] = ()
    if kind is EntityKind.USER:
        groups = sa.select(GROUP_MEMBERS.c.group_id).where(GROUP_MEMBERS.c.user_id == entity_id)
        inline = tuple(
            connection.execute(
                sa.select(GROUP_POLICIES.c.canonical)
                .where(GROUP_POLICIES.c.group_id.in_(groups))
                .order_by(GROUP_POLICIES.c.group_id, GROUP_POLICIES.c.policy_name)
            ).scalars()
        )
        of_groups = ATTACHMENTS.c.entity_id.in_(groups)
        attached = sa.or_(attached, sa.and_(ATTACHMENTS.c.entity_kind == EntityKind.GROUP.value, of_groups))
    return tuple(dict.fromkeys((*inline, *_in_force(connection, ATTACHMENTS, attached))))


def boundary_documents(connection: sa.Connection, kind: EntityKind, entity_id: str) -> Documents | None:
    """Return the permissions boundary of an entity in the canonical form, None when it has none."""
    mine = sa.and_(*of_entity(BOUNDARIES, kind, entity_id))
    return _in_force(connection, BOUNDARIES, mine) or None


def session_documents(connection: sa.Connection, session: TemporarySession) -> Documents | None:
    """Return what a session is narrowed to in the canonical form, None when it is not.

    A managed policy that is gone may have held a Deny: then nothing is allowed any more.
    """
    if not session.policies and not session.policy_ids:
        return None
    built_in = built_in_policies().by_id
    found = {each: built_in[each].version.canonical for each in session.policy_ids if each in built_in}
    rows = connection.execute(
        sa.select(MANAGED_POLICIES.c.policy_id, POLICY_VERSIONS.c.canonical)
        .join(POLICY_VERSIONS, DEFAULT_VERSION)
        .where(MANAGED_POLICIES.c.policy_id.in_(session.policy_ids))
    )
    found |= {row.policy_id: row.canonical for row in rows}
    if len(found) != len(session.policy_ids):
        return ()
    return (*session.policies, *(found[each] for each in session.policy_ids))


def tag_pairs(connection: sa.Connection, kind: EntityKind, entity_id: str) -> tuple[tuple[str, str], ...]:
    """Return the tags of an entity as keys and values, in the order of their keys in lower case."""
    rows = connection.execute(
        sa.select(TAGS.c.tag_key, TAGS.c.tag_value).where(*of_entity(TAGS, kind, entity_id))
    ).all()
    return tuple(sorted(((row.tag_key, row.tag_value) for row in rows), key=lambda pair: pair[0].lower()))


def _in_force(connection: sa.Connection, use: sa.Table, mine: sa.ColumnElement[bool]) -> Documents:
    rows = connection.execute(
        sa.select(use.c.policy_id, POLICY_VERSIONS.c.canonical)
        .distinct()
        .select_from(
            use.outerjoin(MANAGED_POLICIES, MANAGED_POLICIES.c.policy_id == use.c.policy_id).outerjoin(
                POLICY_VERSIONS, DEFAULT_VERSION
            )
        )
        .where(mine)
        .order_by(use.c.policy_id)
    ).all()
    # A policy without a row is built in. One that this version of the software does not know any more
    # could hold a Deny: the KeyError refuses the principal instead of leaving it out.
    built_in = built_in_policies().by_id
    return tuple(
        built_in[row.policy_id].version.canonical if row.canonical is None else row.canonical for row in rows
    )
