"""Managed policies, of an account or built in, by name and by id."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from services.auth.adapters.built_in_policies import built_in_policies
from services.auth.adapters.rows import named_row
from services.auth.adapters.tables import from_microseconds
from services.auth.adapters.tables_identity import ATTACHMENTS, BOUNDARIES, MANAGED_POLICIES, POLICY_VERSIONS
from services.auth.domain.identity import ManagedPolicy, PolicyReference, PolicyVersion
from services.auth.errors import managed_policy_not_found


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
