"""Groups and their members in SQL."""

import sqlalchemy as sa

from services.auth.adapters.group_rows import group_of
from services.auth.adapters.rows import (
    Refusals,
    count,
    find_user,
    move,
    named_row,
    next_epoch,
    of_entity,
    require_room,
    rows_by_name,
    user_of,
)
from services.auth.adapters.tables import USERS, to_microseconds
from services.auth.adapters.tables_identity import ATTACHMENTS, GROUP_MEMBERS, GROUP_POLICIES, GROUPS
from services.auth.domain.identity import EntityKind, Group
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import User
from services.auth.errors import conflict, group_not_found, not_found, quota_exceeded
from services.chassis.database import Database
from services.chassis.pages import Page

_REFUSALS = Refusals("Group with name {} already exists.", "GroupsPerAccount")


class SqlGroups:
    """A GroupStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def create_group(self, group: Group, limit: int) -> int:
        """Create a group within the account's limit."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, group.account_id)
            require_room(connection, GROUPS, group.account_id, group.group_name, limit, _REFUSALS)
            connection.execute(
                sa.insert(GROUPS).values(
                    group_id=group.group_id,
                    account_id=group.account_id,
                    path=group.path,
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

    async def groups(self, account_id: str, request: PageRequest, path_prefix: str = "") -> Page[Group]:
        """List groups by a range of an index."""
        rows = await self._database.read(
            lambda connection: rows_by_name(connection, GROUPS, account_id, request, path_prefix)
        )
        return request.page([group_of(row) for row in rows], lambda group: group.group_name.lower())

    async def update_group(
        self, account_id: str, group_name: str, new_name: str, new_path: str
    ) -> tuple[Group, int]:
        """Rename and move a group."""

        def work(connection: sa.Connection) -> tuple[Group, int]:
            epoch = next_epoch(connection, account_id)
            _find(connection, account_id, group_name)
            named = GROUPS.c.group_name
            move(connection, named, account_id, group_name, new_name, new_path, _REFUSALS)
            return _find(connection, account_id, new_name or group_name), epoch

        return await self._database.run(work)

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
                raise not_found(f"The user with name {user_name} is not in group {group_name}.", user_name)
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
            return [group_of(row) for row in rows]

        return request.page(await self._database.read(work), lambda group: group.group_name.lower())


def _find(connection: sa.Connection, account_id: str, group_name: str) -> Group:
    """Return a group by its exact name. Raises RESOURCE_NOT_FOUND."""
    row = named_row(connection, GROUPS, account_id, group_name)
    if row is None or row.group_name != group_name:
        raise group_not_found(group_name)
    return group_of(row)
