"""Managed policies, of an account or built in, by name and by id."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from services.auth.adapters.built_in_policies import built_in_policies
from services.auth.adapters.rows import below, named_row, of_entity
from services.auth.adapters.tables import from_microseconds
from services.auth.adapters.tables_identity import ATTACHMENTS, BOUNDARIES, MANAGED_POLICIES, POLICY_VERSIONS
from services.auth.domain.identity import (
    ManagedPolicy,
    NamedEntity,
    PolicyFilter,
    PolicyReference,
    PolicyScope,
    PolicyUsage,
    PolicyVersion,
)
from services.auth.domain.pages import PageRequest
from services.auth.errors import managed_policy_not_found

_OWN = "1"
"""First character of the positions of an account's policies, which stand after the built-in ones."""


def find_policy(connection: sa.Connection, policy: PolicyReference) -> ManagedPolicy:
    """Return a policy by its exact name and path. Raises RESOURCE_NOT_FOUND."""
    if policy.built_in:
        known = built_in_policies().by_name.get(policy.policy_name)
        if known is None or known.policy.reference.path != policy.path:
            raise managed_policy_not_found(policy.policy_name)
        return known.policy
    row = named_row(connection, MANAGED_POLICIES, policy.owner, policy.policy_name)
    if row is None or (row.policy_name, row.path) != (policy.policy_name, policy.path):
        raise managed_policy_not_found(policy.policy_name)
    return policy_of(row)


def references(connection: sa.Connection, policy_ids: Sequence[str]) -> dict[str, PolicyReference]:
    """Return the names of policies by their ids, built-in ones included."""
    built_in = built_in_policies().by_id
    found = {each: built_in[each].policy.reference for each in policy_ids if each in built_in}
    rows = connection.execute(
        sa.select(MANAGED_POLICIES).where(MANAGED_POLICIES.c.policy_id.in_(policy_ids))
    ).all()
    return found | {row.policy_id: _reference(row) for row in rows}


def attached_policies(connection: sa.Connection, bearer: NamedEntity) -> list[PolicyReference]:
    """Return the policies that an entity has attached, in the order of listings."""
    mine = of_entity(ATTACHMENTS, bearer.kind, bearer.entity_id)
    ids = connection.execute(sa.select(ATTACHMENTS.c.policy_id).where(*mine)).scalars().all()
    return sorted(references(connection, ids).values(), key=lambda each: each.position)


def with_uses(
    connection: sa.Connection, account_id: str, policies: Sequence[ManagedPolicy]
) -> list[ManagedPolicy]:
    """Return the policies with the numbers of their uses in an account."""
    ids = [policy.policy_id for policy in policies]
    attachments, boundaries = (_uses(connection, account_id, use, ids) for use in (ATTACHMENTS, BOUNDARIES))
    return [
        replace(
            policy,
            attachments=attachments.get(policy.policy_id, 0),
            boundaries=boundaries.get(policy.policy_id, 0),
        )
        for policy in policies
    ]


def _uses(
    connection: sa.Connection, account_id: str, use: sa.Table, policy_ids: Sequence[str]
) -> dict[str, int]:
    rows = connection.execute(
        sa.select(use.c.policy_id, sa.func.count())
        .where(use.c.account_id == account_id, use.c.policy_id.in_(policy_ids))
        .group_by(use.c.policy_id)
    )
    return {row[0]: row[1] for row in rows}


def versions_of(connection: sa.Connection, policy: ManagedPolicy) -> list[PolicyVersion]:
    """Return the versions of a policy, newest first."""
    if policy.reference.built_in:
        return [built_in_policies().by_id[policy.policy_id].version]
    rows = connection.execute(
        sa.select(POLICY_VERSIONS)
        .where(POLICY_VERSIONS.c.policy_id == policy.policy_id)
        .order_by(POLICY_VERSIONS.c.number.desc())
    ).all()
    return [
        PolicyVersion(
            row.number,
            row.document,
            row.canonical,
            row.number == policy.default_version,
            from_microseconds(row.created_us),
        )
        for row in rows
    ]


def _reference(row: sa.Row[Any]) -> PolicyReference:
    return PolicyReference(row.account_id, row.policy_name, row.path)


def policy_of(row: sa.Row[Any]) -> ManagedPolicy:
    """Read a policy from a row of MANAGED_POLICIES."""
    return ManagedPolicy(
        _reference(row),
        row.policy_id,
        row.description,
        row.default_version,
        from_microseconds(row.created_us),
        from_microseconds(row.updated_us),
    )


def listed_policies(
    connection: sa.Connection, account_id: str, wanted: PolicyFilter, request: PageRequest
) -> list[ManagedPolicy]:
    """Return a page of policies, and one more, with their uses: built-in ones, then the account's."""
    used = _used(connection, account_id, wanted)
    found: list[ManagedPolicy] = []
    if wanted.scope is not PolicyScope.LOCAL:
        found += [
            each.policy
            for each in built_in_policies().by_name.values()
            if each.policy.reference.position > request.after
            and each.policy.reference.path.startswith(wanted.path_prefix)
            and (used is None or each.policy.policy_id in used)
        ]
    if wanted.scope is not PolicyScope.AWS:
        after = request.after.removeprefix(_OWN) if request.after.startswith(_OWN) else ""
        query = (
            sa.select(MANAGED_POLICIES)
            .where(
                MANAGED_POLICIES.c.account_id == account_id,
                MANAGED_POLICIES.c.name_key > after,
                below(MANAGED_POLICIES.c.path, wanted.path_prefix),
            )
            .order_by(MANAGED_POLICIES.c.name_key)
            .limit(request.size + 1)
        )
        if used is not None:
            query = query.where(MANAGED_POLICIES.c.policy_id.in_(used))
        found += [policy_of(row) for row in connection.execute(query).all()]
    return with_uses(connection, account_id, found[: request.size + 1])


def _used(connection: sa.Connection, account_id: str, wanted: PolicyFilter) -> set[str] | None:
    """Return the ids of the policies that are used as is wanted; None when it does not matter."""
    tables = []
    if wanted.only_attached or wanted.usage is PolicyUsage.PERMISSIONS:
        tables.append(ATTACHMENTS)
    if wanted.usage is PolicyUsage.BOUNDARY:
        tables.append(BOUNDARIES)
    if not tables:
        return None
    found = (
        set(
            connection.execute(
                sa.select(use.c.policy_id).where(use.c.account_id == account_id).distinct()
            ).scalars()
        )
        for use in tables
    )
    return set.intersection(*found)
