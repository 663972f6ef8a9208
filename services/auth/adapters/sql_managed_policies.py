"""Managed policies and their versions in SQL. Built-in ones come from files."""

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from services.auth.adapters.entity_facts import add_tags, tags_of
from services.auth.adapters.managed_policy_rows import find_policy, listed_policies, versions_of, with_uses
from services.auth.adapters.rows import Refusals, count, next_epoch, of_entity, require_room
from services.auth.adapters.tables import to_microseconds
from services.auth.adapters.tables_identity import (
    ATTACHMENTS,
    BOUNDARIES,
    MANAGED_POLICIES,
    POLICY_VERSIONS,
    TAGS,
)
from services.auth.domain.identity import (
    EntityKind,
    ManagedPolicy,
    NamedEntity,
    PolicyFilter,
    PolicyReference,
    PolicyVersion,
)
from services.auth.domain.pages import PageRequest
from services.auth.errors import (
    built_in_policy,
    conflict,
    policy_version_not_found,
    quota_exceeded,
)
from services.chassis.database import Database
from services.chassis.pages import Page

_REFUSALS = Refusals(
    "A policy called {} already exists. Duplicate names are not allowed.", "PoliciesPerAccount"
)


class SqlManagedPolicies:
    """A ManagedPolicyStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def create_policy(self, policy: ManagedPolicy, version: PolicyVersion, limit: int) -> int:
        """Create a policy within the account's limit."""
        account_id, name = policy.reference.owner, policy.reference.policy_name

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            require_room(connection, MANAGED_POLICIES, account_id, name, limit, _REFUSALS)
            connection.execute(
                sa.insert(MANAGED_POLICIES).values(
                    policy_id=policy.policy_id,
                    account_id=account_id,
                    path=policy.reference.path,
                    policy_name=name,
                    name_key=name.lower(),
                    description=policy.description,
                    default_version=version.number,
                    last_version=version.number,
                    created_us=to_microseconds(policy.created_at),
                    updated_us=to_microseconds(policy.updated_at),
                )
            )
            _insert_version(connection, policy.policy_id, version)
            bearer = NamedEntity(EntityKind.POLICY, name, policy.policy_id)
            add_tags(connection, bearer, policy.tags, len(policy.tags))
            return epoch

        return await self._database.run(work)

    async def managed_policy(self, account_id: str, policy: PolicyReference) -> ManagedPolicy:
        """Return a policy with its uses in the account."""

        def work(connection: sa.Connection) -> ManagedPolicy:
            found = find_policy(connection, policy)
            (used,) = with_uses(connection, account_id, [found])
            bearer = NamedEntity(EntityKind.POLICY, policy.policy_name, found.policy_id)
            return replace(used, tags=tags_of(connection, bearer))

        return await self._database.read(work)

    async def managed_policies(
        self, account_id: str, wanted: PolicyFilter, request: PageRequest
    ) -> Page[ManagedPolicy]:
        """List built-in policies from memory, then the account's by a range of an index."""

        found = await self._database.read(
            lambda connection: listed_policies(connection, account_id, wanted, request)
        )
        return request.page(found, lambda policy: policy.reference.position)

    async def delete_policy(self, policy: PolicyReference) -> int:
        """Delete a policy with its one version."""

        def work(connection: sa.Connection) -> int:
            epoch, found = self._change(connection, policy)
            # Only the owner's account can attach it.
            if count(connection, ATTACHMENTS, *_uses_of(ATTACHMENTS, policy.owner, found.policy_id)):
                raise conflict("Cannot delete a policy attached to entities.")
            if count(connection, BOUNDARIES, *_uses_of(BOUNDARIES, policy.owner, found.policy_id)):
                raise conflict("Cannot delete a policy that is used as a permissions boundary.")
            versions = POLICY_VERSIONS.c.policy_id == found.policy_id
            if count(connection, POLICY_VERSIONS, versions) > 1:
                raise conflict(
                    "This policy has more than one version. Before you delete a policy, you must delete the"
                    " policy's versions. The default version is deleted with the policy."
                )
            connection.execute(sa.delete(POLICY_VERSIONS).where(versions))
            connection.execute(sa.delete(TAGS).where(*of_entity(TAGS, EntityKind.POLICY, found.policy_id)))
            connection.execute(
                sa.delete(MANAGED_POLICIES).where(MANAGED_POLICIES.c.policy_id == found.policy_id)
            )
            return epoch

        return await self._database.run(work)

    async def create_version(
        self,
        policy: PolicyReference,
        document: str,
        canonical: str,
        created_at: datetime,
        *,
        as_default: bool,
        limit: int,
    ) -> tuple[PolicyVersion, int]:
        """Add a version under the next number that was never given."""

        def work(connection: sa.Connection) -> tuple[PolicyVersion, int]:
            epoch, found = self._change(connection, policy)
            if count(connection, POLICY_VERSIONS, POLICY_VERSIONS.c.policy_id == found.policy_id) >= limit:
                raise quota_exceeded("VersionsPerPolicy", limit)
            same = MANAGED_POLICIES.c.policy_id == found.policy_id
            number: int = connection.execute(
                sa.update(MANAGED_POLICIES)
                .where(same)
                .values(
                    last_version=MANAGED_POLICIES.c.last_version + 1, updated_us=to_microseconds(created_at)
                )
                .returning(MANAGED_POLICIES.c.last_version)
            ).scalar_one()
            version = PolicyVersion(number, document, canonical, as_default, created_at)
            _insert_version(connection, found.policy_id, version)
            if as_default:
                connection.execute(sa.update(MANAGED_POLICIES).where(same).values(default_version=number))
            return version, epoch

        return await self._database.run(work)

    async def version(self, policy: PolicyReference, number: int) -> PolicyVersion:
        """Return one version."""

        def work(connection: sa.Connection) -> PolicyVersion:
            found = find_policy(connection, policy)
            version = next((each for each in versions_of(connection, found) if each.number == number), None)
            if version is None:
                raise policy_version_not_found(policy.policy_name, number)
            return version

        return await self._database.read(work)

    async def versions(self, policy: PolicyReference, request: PageRequest) -> Page[PolicyVersion]:
        """List versions, newest first. A policy has a handful at most: the page is cut here."""
        found = await self._database.read(
            lambda connection: versions_of(connection, find_policy(connection, policy))
        )
        rest = [each for each in found if not request.after or _position(each) < request.after]
        return request.page(rest, _position)

    async def set_default_version(self, policy: PolicyReference, number: int) -> int:
        """Choose the version in force."""

        def work(connection: sa.Connection) -> int:
            epoch, found = self._change(connection, policy)
            _require_version(connection, found, number)
            connection.execute(
                sa.update(MANAGED_POLICIES)
                .where(MANAGED_POLICIES.c.policy_id == found.policy_id)
                .values(default_version=number)
            )
            return epoch

        return await self._database.run(work)

    async def delete_version(self, policy: PolicyReference, number: int) -> int:
        """Delete a version that is not in force."""

        def work(connection: sa.Connection) -> int:
            epoch, found = self._change(connection, policy)
            _require_version(connection, found, number)
            if number == found.default_version:
                raise conflict("Cannot delete the default version of a policy.")
            connection.execute(sa.delete(POLICY_VERSIONS).where(*_is(found.policy_id, number)))
            return epoch

        return await self._database.run(work)

    @staticmethod
    def _change(connection: sa.Connection, policy: PolicyReference) -> tuple[int, ManagedPolicy]:
        if policy.built_in:
            raise built_in_policy(policy.policy_name)
        return next_epoch(connection, policy.owner), find_policy(connection, policy)


def _uses_of(use: sa.Table, account_id: str, policy_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return use.c.account_id == account_id, use.c.policy_id == policy_id


def _require_version(connection: sa.Connection, policy: ManagedPolicy, number: int) -> None:
    if not count(connection, POLICY_VERSIONS, *_is(policy.policy_id, number)):
        raise policy_version_not_found(policy.reference.policy_name, number)


def _insert_version(connection: sa.Connection, policy_id: str, version: PolicyVersion) -> None:
    connection.execute(
        sa.insert(POLICY_VERSIONS).values(
            policy_id=policy_id,
            number=version.number,
            document=version.document,
            canonical=version.canonical,
            created_us=to_microseconds(version.created_at),
        )
    )


def _is(policy_id: str, number: int) -> tuple[sa.ColumnElement[bool], ...]:
    return POLICY_VERSIONS.c.policy_id == policy_id, POLICY_VERSIONS.c.number == number


def _position(version: PolicyVersion) -> str:
    return f"{version.number:010d}"
