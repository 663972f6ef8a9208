"""Groups, their members and their inline policies in SQL."""

from typing import Any

import sqlalchemy as sa

from services.auth.adapters.rows import count, find_user, next_epoch, of_entity, user_of
from services.auth.adapters.tables import USERS, from_microseconds, to_microseconds
from services.auth.adapters.tables_identity import ATTACHMENTS, GROUP_MEMBERS, GROUP_POLICIES, GROUPS
from services.auth.domain.identity import EntityKind, Group, GroupPolicy
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import User
from services.auth.errors import (
    conflict,
    exists,
    group_not_found,
    group_policy_not_found,
    not_found,
    quota_exceeded,
)
from services.chassis.database import Database
from services.chassis.pages import Page
from services.chassis.policy.document import size


class SqlGroups:
    """A GroupStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def create_group(self, group: Group, limit: int) -> int:
        """Create a group within the account's limit."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, group.account_id)
            mine = GROUPS.c.account_id == group.account_id
            if count(connection, GROUPS, mine, GROUPS.c.name_key == group.group_name.lower()):
                raise exists(f"Group with name {group.group_name} already exists.", group.group_name)
            if count(connection, GROUPS, mine) >= limit:
                raise quota_exceeded("GroupsPerAccount", limit)
            connection.execute(
                sa.insert(GROUPS).values(
                    group_id=group.group_id,
                    account_id=group.account_id,
                    group_name=group.group_name,
                    name_key=group.group_name.lower(),
                    created_us=to_microseconds(group.created_at),
                )
            )
            return epoch

        return await self._database.run(work)

    async def group(self, account_id: str, group_name: str) -> Group:
        """Return a group."""
        return await self._database.read(lambda connection: _find(connection, account_id, group_name))

    async def groups(self, account_id: str, request: PageRequest) -> Page[Group]:
        """List groups by a range of an index."""
        query = (
            sa.select(GROUPS)
            .where(GROUPS.c.account_id == account_id, GROUPS.c.name_key > request.after)
            .order_by(GROUPS.c.name_key)
            .limit(request.size + 1)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return request.page([_group(row) for row in rows], lambda group: group.group_name.lower())

    async def delete_group(self, account_id: str, group_name: str) -> int:
        """Delete a group on which nothing hangs."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            group = _find(connection, account_id, group_name)
            if count(connection, GROUP_MEMBERS, GROUP_MEMBERS.c.group_id == group.group_id):
                raise conflict("Cannot delete entity, must remove users from group first.")
            if count(connection, GROUP_POLICIES, GROUP_POLICIES.c.group_id == group.group_id):
                raise conflict("Cannot delete entity, must delete policies first.")
            if count(connection, ATTACHMENTS, *of_entity(ATTACHMENTS, EntityKind.GROUP, group.group_id)):
                raise conflict("Cannot delete entity, must detach all policies first.")
            connection.execute(sa.delete(GROUPS).where(GROUPS.c.group_id == group.group_id))
            return epoch

        return await self._database.run(work)

    async def add_member(self, account_id: str, group_name: str, user_name: str, limit: int) -> int:
        """Add a membership within the user's limit."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            group, user = (
                _find(connection, account_id, group_name),
                find_user(connection, account_id, user_name),
            )
            mine = GROUP_MEMBERS.c.user_id == user.user_id
            if count(connection, GROUP_MEMBERS, mine, GROUP_MEMBERS.c.group_id == group.group_id):
                return epoch
            if count(connection, GROUP_MEMBERS, mine) >= limit:
                raise quota_exceeded("GroupsPerUser", limit)
            connection.execute(sa.insert(GROUP_MEMBERS).values(group_id=group.group_id, user_id=user.user_id))
            return epoch

        return await self._database.run(work)

    async def remove_member(self, account_id: str, group_name: str, user_name: str) -> int:
        """Delete a membership."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            group, user = (
                _find(connection, account_id, group_name),
                find_user(connection, account_id, user_name),
            )
            removed = connection.execute(
                sa.delete(GROUP_MEMBERS).where(
                    GROUP_MEMBERS.c.group_id == group.group_id, GROUP_MEMBERS.c.user_id == user.user_id
                )
            )
            if not removed.rowcount:
                raise not_found(f"The user {user_name} is not in the group {group_name}.", user_name)
            return epoch

        return await self._database.run(work)

    async def members(self, account_id: str, group_name: str, request: PageRequest) -> Page[User]:
        """List members by name."""

        def work(connection: sa.Connection) -> list[User]:
            group = _find(connection, account_id, group_name)
            rows = connection.execute(
                sa.select(USERS)
                .join(GROUP_MEMBERS, GROUP_MEMBERS.c.user_id == USERS.c.user_id)
                .where(GROUP_MEMBERS.c.group_id == group.group_id, USERS.c.name_key > request.after)
                .order_by(USERS.c.name_key)
                .limit(request.size + 1)
            ).all()
            return [user_of(row) for row in rows]

        return request.page(await self._database.read(work), lambda user: user.user_name.lower())

    async def groups_of_user(self, account_id: str, user_name: str, request: PageRequest) -> Page[Group]:
        """List a user's groups by name."""

        def work(connection: sa.Connection) -> list[Group]:
            user = find_user(connection, account_id, user_name)
            rows = connection.execute(
                sa.select(GROUPS)
                .join(GROUP_MEMBERS, GROUP_MEMBERS.c.group_id == GROUPS.c.group_id)
                .where(GROUP_MEMBERS.c.user_id == user.user_id, GROUPS.c.name_key > request.after)
                .order_by(GROUPS.c.name_key)
                .limit(request.size + 1)
            ).all()
            return [_group(row) for row in rows]

        return request.page(await self._database.read(work), lambda group: group.group_name.lower())

    async def put_group_policy(self, policy: GroupPolicy, max_chars: int) -> int:
        """Create or replace within the group's limit."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, policy.account_id)
            group = _find(connection, policy.account_id, policy.group_name)
            connection.execute(sa.delete(GROUP_POLICIES).where(*_is(group, policy.policy_name)))
            others = connection.execute(
                sa.select(GROUP_POLICIES.c.document).where(GROUP_POLICIES.c.group_id == group.group_id)
            ).scalars()
            if sum(map(size, (*others, policy.document))) > max_chars:
                raise quota_exceeded("characters of inline policies of a group", max_chars)
            connection.execute(
                sa.insert(GROUP_POLICIES).values(
                    group_id=group.group_id,
                    policy_name=policy.policy_name,
                    document=policy.document,
                    canonical=policy.canonical,
                    updated_us=to_microseconds(policy.updated_at),
                )
            )
            return epoch

        return await self._database.run(work)

    async def group_policy(self, account_id: str, group_name: str, policy_name: str) -> GroupPolicy:
        """Return one inline policy."""

        def work(connection: sa.Connection) -> GroupPolicy:
            group = _find(connection, account_id, group_name)
            row = connection.execute(sa.select(GROUP_POLICIES).where(*_is(group, policy_name))).one_or_none()
            if row is None:
                raise group_policy_not_found(policy_name)
            return _policy(row, group)

        return await self._database.read(work)

    async def group_policies(
        self, account_id: str, group_name: str, request: PageRequest
    ) -> Page[GroupPolicy]:
        """List inline policies by a range of the primary key."""

        def work(connection: sa.Connection) -> list[GroupPolicy]:
            group = _find(connection, account_id, group_name)
            rows = connection.execute(
                sa.select(GROUP_POLICIES)
                .where(
                    GROUP_POLICIES.c.group_id == group.group_id,
                    GROUP_POLICIES.c.policy_name > request.after,
                )
                .order_by(GROUP_POLICIES.c.policy_name)
                .limit(request.size + 1)
            ).all()
            return [_policy(row, group) for row in rows]

        return request.page(await self._database.read(work), lambda policy: policy.policy_name)

    async def delete_group_policy(self, account_id: str, group_name: str, policy_name: str) -> int:
        """Delete one inline policy."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            group = _find(connection, account_id, group_name)
            if not connection.execute(sa.delete(GROUP_POLICIES).where(*_is(group, policy_name))).rowcount:
                raise group_policy_not_found(policy_name)
            return epoch

        return await self._database.run(work)


def _find(connection: sa.Connection, account_id: str, group_name: str) -> Group:
    """Return a group by its exact name. Raises RESOURCE_NOT_FOUND."""
    row = connection.execute(
        sa.select(GROUPS).where(GROUPS.c.account_id == account_id, GROUPS.c.name_key == group_name.lower())
    ).one_or_none()
    if row is None or row.group_name != group_name:
        raise group_not_found(group_name)
    return _group(row)


def _is(group: Group, policy_name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return GROUP_POLICIES.c.group_id == group.group_id, GROUP_POLICIES.c.policy_name == policy_name


def _group(row: sa.Row[Any]) -> Group:
    return Group(row.account_id, row.group_name, row.group_id, from_microseconds(row.created_us))


def _policy(row: sa.Row[Any], group: Group) -> GroupPolicy:
    return GroupPolicy(
        group.account_id,
        group.group_name,
        row.policy_name,
        row.document,
        row.canonical,
        from_microseconds(row.updated_us),
    )
