"""The statements about the organization that several stores share."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from services.auth.adapters.tables import ACCOUNTS, INSTALLATION, from_microseconds, to_microseconds
from services.auth.adapters.tables_organization import (
    CONTROL_ATTACHMENTS,
    CONTROL_POLICIES,
    CONTROL_TYPES,
    MEMBERS,
    UNITS,
)
from services.auth.domain.organization import ROOT_NAME, Epochs, PolicyType, Unit, root_id_of
from services.auth.domain.records import Account, Installation
from services.chassis.policy.keys import NO_FACTS, PrincipalFacts

Levels = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ControlLayers:
    """What the organization says about the principals and resources of one account."""

    facts: PrincipalFacts = NO_FACTS
    service_control: Levels = ()
    resource_control: Levels = ()


# Built once: building a statement costs several times what running it does, and every lease runs these.
_PLACE = (
    sa.select(INSTALLATION.c.management_account_id, INSTALLATION.c.organization_id, UNITS.c.path)
    .select_from(
        INSTALLATION.outerjoin(
            MEMBERS.join(UNITS, UNITS.c.unit_id == MEMBERS.c.unit_id),
            MEMBERS.c.account_id == sa.bindparam("of_account"),
        )
    )
    .where(INSTALLATION.c.id == 1)
)
_ENABLED = sa.select(CONTROL_TYPES.c.policy_type)
_REACHING = (
    sa.select(CONTROL_ATTACHMENTS.c.target_id, CONTROL_POLICIES.c.policy_type, CONTROL_POLICIES.c.canonical)
    .join(CONTROL_POLICIES, CONTROL_POLICIES.c.policy_id == CONTROL_ATTACHMENTS.c.policy_id)
    .where(CONTROL_ATTACHMENTS.c.target_id.in_(sa.bindparam("levels", expanding=True)))
    .order_by(CONTROL_ATTACHMENTS.c.policy_id)
)


def control_layers(connection: sa.Connection, account_id: str) -> ControlLayers:
    """Read where an account stands and which policies reach it there.

    The management account is exempt from both kinds.
    AWS: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
    """
    found = connection.execute(_PLACE, {"of_account": account_id}).one_or_none()
    if found is None:
        # Nothing can be restricted before there is somebody who may.
        return ControlLayers()
    if found.path is None:
        raise RuntimeError("an account has no place in the organization")
    facts = PrincipalFacts(found.organization_id, f"{found.organization_id}/{found.path}")
    if account_id == found.management_account_id:
        return ControlLayers(facts)
    levels = (*found.path.removesuffix("/").split("/"), account_id)
    enabled = set(connection.execute(_ENABLED).scalars())
    rows = connection.execute(_REACHING, {"levels": list(levels)}).all()

    def of(policy_type: PolicyType) -> Levels:
        if policy_type.value not in enabled:
            return ()
        return tuple(
            tuple(
                row.canonical
                for row in rows
                if row.target_id == level and row.policy_type == policy_type.value
            )
            for level in levels
        )

    return ControlLayers(facts, of(PolicyType.SERVICE_CONTROL), of(PolicyType.RESOURCE_CONTROL))


def found_organization(connection: sa.Connection, installation: Installation, account: Account) -> None:
    """Make the root with both types of policies enabled, and place there every account that exists."""
    root_id = root_id_of(installation.organization_id)
    connection.execute(
        sa.insert(UNITS).values(
            unit_id=root_id,
            parent_id=None,
            name=ROOT_NAME,
            path=f"{root_id}/",
            created_us=to_microseconds(account.created_at),
        )
    )
    connection.execute(sa.insert(CONTROL_TYPES), [{"policy_type": each.value} for each in PolicyType])
    attach_full_access(connection, root_id)
    for account_id in connection.execute(sa.select(ACCOUNTS.c.account_id)).scalars().all():
        _place(connection, account_id, root_id)


def join_organization(connection: sa.Connection, account_id: str) -> None:
    """Place a new account in the root; before the bootstrap there is none."""
    root_id = connection.execute(
        sa.select(UNITS.c.unit_id).where(UNITS.c.parent_id.is_(None))
    ).scalar_one_or_none()
    if root_id is not None:
        _place(connection, account_id, root_id)


def _place(connection: sa.Connection, account_id: str, unit_id: str) -> None:
    connection.execute(sa.insert(MEMBERS).values(account_id=account_id, unit_id=unit_id))
    attach_full_access(connection, account_id)


def attach_full_access(connection: sa.Connection, target_id: str) -> None:
    """Attach the full-access policy of each enabled type to what is new in the organization."""
    enabled = connection.execute(_ENABLED).scalars().all()
    if enabled:
        connection.execute(
            sa.insert(CONTROL_ATTACHMENTS),
            [{"target_id": target_id, "policy_id": PolicyType(each).full_access_id} for each in enabled],
        )


def unit_of(row: sa.Row[Any]) -> Unit:
    """Read a unit from a row of UNITS."""
    return Unit(row.unit_id, row.parent_id, row.name, row.path, from_microseconds(row.created_us))


def find_unit(connection: sa.Connection, unit_id: str) -> Unit | None:
    """Return the root or a unit, None when there is none."""
    row = connection.execute(sa.select(UNITS).where(UNITS.c.unit_id == unit_id)).one_or_none()
    return None if row is None else unit_of(row)


def below(path: str) -> sa.Select[tuple[str]]:
    """Select the ids of all accounts that stand below a unit, however deep."""
    return (
        sa.select(MEMBERS.c.account_id)
        .join(UNITS, UNITS.c.unit_id == MEMBERS.c.unit_id)
        .where(UNITS.c.path.startswith(path))
    )


def raise_epochs(connection: sa.Connection, reached: sa.ColumnElement[bool]) -> Epochs:
    """Advance the policy epoch of every account that `reached` holds for, in one statement."""
    rows = connection.execute(
        sa.update(ACCOUNTS)
        .where(reached)
        .values(policy_epoch=ACCOUNTS.c.policy_epoch + 1)
        .returning(ACCOUNTS.c.account_id, ACCOUNTS.c.policy_epoch)
    ).all()
    return {row.account_id: row.policy_epoch for row in rows}
