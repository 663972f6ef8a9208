"""Service control policies, resource control policies and their attachments in SQL."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.auth.adapters.organization_rows import below, find_unit, raise_epochs
from services.auth.adapters.rows import count
from services.auth.adapters.tables import ACCOUNTS, from_microseconds, to_microseconds
from services.auth.adapters.tables_organization import (
    CONTROL_ATTACHMENTS,
    CONTROL_POLICIES,
    CONTROL_TYPES,
    MEMBERS,
    UNITS,
)
from services.auth.domain.organization import ControlPolicy, Epochs, Node, NodeKind, PolicyType, kind_of
from services.auth.domain.pages import PageRequest
from services.auth.errors import quota_exceeded
from services.auth.errors.organization import (
    already_attached,
    aws_managed,
    cannot_be_detached,
    control_policy_exists,
    control_policy_not_found,
    last_policy,
    not_attached,
    policy_in_use,
    target_not_found,
    type_already_enabled,
    type_not_enabled,
)
from services.chassis.database import Database
from services.chassis.pages import Page

_P, _A, _T = CONTROL_POLICIES.c, CONTROL_ATTACHMENTS.c, CONTROL_TYPES.c


class SqlControlPolicies:
    """A ControlPolicyStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def enable_type(self, policy_type: PolicyType) -> Epochs:
        """Enable a type for all accounts."""

        def work(connection: sa.Connection) -> Epochs:
            if _enabled(connection, policy_type):
                raise type_already_enabled(policy_type.value)
            connection.execute(sa.insert(CONTROL_TYPES).values(policy_type=policy_type.value))
            full = sa.literal(policy_type.full_access_id)
            everything = sa.union_all(sa.select(UNITS.c.unit_id, full), sa.select(MEMBERS.c.account_id, full))
            connection.execute(
                sa.insert(CONTROL_ATTACHMENTS).from_select(["target_id", "policy_id"], everything)
            )
            return raise_epochs(connection, sa.true())

        try:
            return await self._database.run(work)
        except sa.exc.IntegrityError:
            # Another replica enabled it between our look and ours.
            raise type_already_enabled(policy_type.value) from None

    async def disable_type(self, policy_type: PolicyType) -> Epochs:
        """Disable a type for all accounts."""

        def work(connection: sa.Connection) -> Epochs:
            if not _enabled(connection, policy_type):
                raise type_not_enabled(policy_type.value)
            connection.execute(sa.delete(CONTROL_TYPES).where(_T.policy_type == policy_type.value))
            theirs = sa.select(_P.policy_id).where(_P.policy_type == policy_type.value)
            connection.execute(sa.delete(CONTROL_ATTACHMENTS).where(_A.policy_id.in_(theirs)))
            return raise_epochs(connection, sa.true())

        return await self._database.run(work)

    async def create(self, policy: ControlPolicy, limit: int) -> None:
        """Create a policy within the limit of its type."""

        def work(connection: sa.Connection) -> None:
            if count(connection, CONTROL_POLICIES, _P.policy_type == policy.policy_type.value) >= limit:
                raise quota_exceeded("PoliciesPerOrganization", limit)
            connection.execute(
                sa.insert(CONTROL_POLICIES).values(
                    policy_id=policy.policy_id,
                    policy_type=policy.policy_type.value,
                    name=policy.name,
                    description=policy.description,
                    document=policy.document,
                    canonical=policy.canonical,
                    updated_us=to_microseconds(policy.updated_at),
                )
            )

        try:
            await self._database.run(work)
        except sa.exc.IntegrityError:
            raise control_policy_exists(policy.name) from None

    async def find(self, policy_id: str) -> ControlPolicy | None:
        """Return a policy or None."""
        return await self._database.read(lambda connection: _find(connection, policy_id))

    async def update(
        self,
        policy_id: str,
        name: str | None,
        description: str | None,
        content: tuple[str, str] | None,
        updated_at: datetime,
    ) -> tuple[ControlPolicy, Epochs]:
        """Change a policy wherever it is attached."""

        def work(connection: sa.Connection) -> tuple[ControlPolicy, Epochs]:
            held = _policy(connection, policy_id)
            if held.aws_managed:
                raise aws_managed()
            document, canonical = content or (held.document, held.canonical)
            connection.execute(
                sa.update(CONTROL_POLICIES)
                .where(_P.policy_id == policy_id)
                .values(
                    name=held.name if name is None else name,
                    description=held.description if description is None else description,
                    document=document,
                    canonical=canonical,
                    updated_us=to_microseconds(updated_at),
                )
            )
            return _policy(connection, policy_id), raise_epochs(connection, _reached_by(policy_id))

        try:
            return await self._database.run(work)
        except sa.exc.IntegrityError:
            raise control_policy_exists(name or "") from None

    async def delete(self, policy_id: str) -> None:
        """Delete a policy. No epoch is raised: it bound nobody."""

        def work(connection: sa.Connection) -> None:
            if _policy(connection, policy_id).aws_managed:
                raise aws_managed()
            if count(connection, CONTROL_ATTACHMENTS, _A.policy_id == policy_id):
                raise policy_in_use()
            connection.execute(sa.delete(CONTROL_POLICIES).where(_P.policy_id == policy_id))

        await self._database.run(work)

    async def policies(self, policy_type: PolicyType, request: PageRequest) -> Page[ControlPolicy]:
        """List policies by id."""
        query = _listed(policy_type, request)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return request.page([_record(row) for row in rows], lambda policy: policy.policy_id)

    async def attach(self, policy_id: str, target_id: str, limit: int) -> Epochs:
        """Attach a policy within the limit of the target."""

        def work(connection: sa.Connection) -> Epochs:
            policy, reached = _policy(connection, policy_id), _target(connection, target_id)
            if not _enabled(connection, policy.policy_type):
                raise type_not_enabled(policy.policy_type.value)
            if count(connection, CONTROL_ATTACHMENTS, *_is(policy_id, target_id)):
                raise already_attached()
            if _attached(connection, target_id, policy.policy_type) >= limit:
                raise quota_exceeded("PoliciesOfATypePerTarget", limit)
            connection.execute(
                sa.insert(CONTROL_ATTACHMENTS).values(target_id=target_id, policy_id=policy_id)
            )
            return raise_epochs(connection, reached)

        return await self._database.run(work)

    async def detach(self, policy_id: str, target_id: str) -> Epochs:
        """Detach a policy that is not the last one needed."""

        def work(connection: sa.Connection) -> Epochs:
            policy, reached = _policy(connection, policy_id), _target(connection, target_id)
            if not count(connection, CONTROL_ATTACHMENTS, *_is(policy_id, target_id)):
                raise not_attached()
            if policy_id == PolicyType.RESOURCE_CONTROL.full_access_id:
                raise cannot_be_detached()
            only = _attached(connection, target_id, policy.policy_type) == 1
            if only and policy.policy_type is PolicyType.SERVICE_CONTROL:
                raise last_policy()
            connection.execute(sa.delete(CONTROL_ATTACHMENTS).where(*_is(policy_id, target_id)))
            return raise_epochs(connection, reached)

        return await self._database.run(work)

    async def policies_of(
        self, target_id: str, policy_type: PolicyType, request: PageRequest
    ) -> Page[ControlPolicy]:
        """List the attached policies."""
        query = _listed(policy_type, request).where(
            _P.policy_id.in_(sa.select(_A.policy_id).where(_A.target_id == target_id))
        )

        def work(connection: sa.Connection) -> list[ControlPolicy]:
            _target(connection, target_id)
            return [_record(row) for row in connection.execute(query).all()]

        return request.page(await self._database.read(work), lambda policy: policy.policy_id)

    async def targets_of(self, policy_id: str, request: PageRequest) -> Page[Node]:
        """List the targets with their names, whatever they are."""

        def work(connection: sa.Connection) -> list[Node]:
            _policy(connection, policy_id)
            rows = connection.execute(
                sa.select(_A.target_id, sa.func.coalesce(UNITS.c.name, ACCOUNTS.c.display_name).label("name"))
                .outerjoin(UNITS, UNITS.c.unit_id == _A.target_id)
                .outerjoin(ACCOUNTS, ACCOUNTS.c.account_id == _A.target_id)
                .where(_A.policy_id == policy_id, _A.target_id > request.after)
                .order_by(_A.target_id)
                .limit(request.size + 1)
            ).all()
            return [Node(row.target_id, row.name) for row in rows]

        return request.page(await self._database.read(work), lambda node: node.node_id)


def _is(policy_id: str, target_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _A.policy_id == policy_id, _A.target_id == target_id


def _listed(policy_type: PolicyType, request: PageRequest) -> sa.Select[Any]:
    return (
        sa.select(CONTROL_POLICIES)
        .where(_P.policy_type == policy_type.value, _P.policy_id > request.after)
        .order_by(_P.policy_id)
        .limit(request.size + 1)
    )


def _record(row: sa.Row[Any]) -> ControlPolicy:
    return ControlPolicy(
        row.policy_id,
        PolicyType(row.policy_type),
        row.name,
        row.description,
        row.document,
        row.canonical,
        from_microseconds(row.updated_us),
    )


def _find(connection: sa.Connection, policy_id: str) -> ControlPolicy | None:
    row = connection.execute(sa.select(CONTROL_POLICIES).where(_P.policy_id == policy_id)).one_or_none()
    return None if row is None else _record(row)


def _policy(connection: sa.Connection, policy_id: str) -> ControlPolicy:
    policy = _find(connection, policy_id)
    if policy is None:
        raise control_policy_not_found(policy_id)
    return policy


def _enabled(connection: sa.Connection, policy_type: PolicyType) -> bool:
    return count(connection, CONTROL_TYPES, _T.policy_type == policy_type.value) == 1


def _attached(connection: sa.Connection, target_id: str, policy_type: PolicyType) -> int:
    theirs = sa.select(_P.policy_id).where(_P.policy_type == policy_type.value)
    return count(connection, CONTROL_ATTACHMENTS, _A.target_id == target_id, _A.policy_id.in_(theirs))


def _target(connection: sa.Connection, target_id: str) -> sa.ColumnElement[bool]:
    """Return which accounts a target reaches. Raises RESOURCE_NOT_FOUND."""
    if kind_of(target_id) is NodeKind.ACCOUNT:
        if not count(connection, MEMBERS, MEMBERS.c.account_id == target_id):
            raise target_not_found(target_id)
        return ACCOUNTS.c.account_id == target_id
    unit = find_unit(connection, target_id)
    if unit is None:
        raise target_not_found(target_id)
    return ACCOUNTS.c.account_id.in_(below(unit.path))


def _reached_by(policy_id: str) -> sa.ColumnElement[bool]:
    """Say which accounts a policy reaches through all of its attachments."""
    targets = sa.select(_A.target_id).where(_A.policy_id == policy_id)
    place, target = UNITS.alias("place"), UNITS.alias("target")
    through_units = (
        sa.select(MEMBERS.c.account_id)
        .join(place, place.c.unit_id == MEMBERS.c.unit_id)
        .join(target, place.c.path.startswith(target.c.path))
        .where(target.c.unit_id.in_(targets))
    )
    return ACCOUNTS.c.account_id.in_(targets) | ACCOUNTS.c.account_id.in_(through_units)
