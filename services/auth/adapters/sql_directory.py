"""Accounts, users and access keys in SQL, one transaction an operation."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import sqlalchemy as sa

from services.auth.adapters.directory_inserts import (
    FIRST_EPOCH,
    insert_account,
    insert_administrator,
    insert_key,
    insert_user,
)
from services.auth.adapters.entity_facts import begin_with
from services.auth.adapters.organization_rows import found_organization, join_organization
from services.auth.adapters.rows import (
    Refusals,
    account_of,
    count,
    find_key,
    find_user,
    key_of,
    move,
    next_epoch,
    of_entity,
    require_room,
    rows_by_name,
    user_of,
)
from services.auth.adapters.sql_sessions import end_sessions_of_user
from services.auth.adapters.tables import (
    ACCESS_KEYS,
    ACCOUNTS,
    INSTALLATION,
    POLICIES,
    USERS,
    to_microseconds,
)
from services.auth.adapters.tables_identity import ATTACHMENTS, BOUNDARIES, GROUP_MEMBERS, TAGS
from services.auth.adapters.tables_service_credentials import SERVICE_CREDENTIALS
from services.auth.domain.identity import EntityKind, InlinePolicy, NamedEntity, PolicyReference, Tag
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import AccessKey, Account, Installation, KeyStatus, User
from services.auth.errors import (
    access_key_not_found,
    account_not_found,
    already_bootstrapped,
    conflict,
    exists,
    quota_exceeded,
)
from services.chassis.database import Database
from services.chassis.errors import DomainError
from services.chassis.pages import Page

T = TypeVar("T")

_REFUSALS = Refusals("User with name {} already exists.", "UsersPerAccount")


class SqlDirectory:
    """A DirectoryStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def installation(self) -> Installation | None:
        """Return the installation."""
        row = await self._database.read(
            lambda connection: connection.execute(sa.select(INSTALLATION)).one_or_none()
        )
        return None if row is None else Installation(row.management_account_id, row.organization_id)

    async def bootstrap(
        self, installation: Installation, account: Account, user: User, policy: InlinePolicy, key: AccessKey
    ) -> int:
        """Create the first account; the installation's one row decides between two callers."""

        def work(connection: sa.Connection) -> int:
            connection.execute(
                sa.insert(INSTALLATION).values(
                    id=1,
                    management_account_id=installation.management_account_id,
                    organization_id=installation.organization_id,
                )
            )
            insert_account(connection, account, None, key.access_key_id)
            found_organization(connection, installation, account)
            insert_administrator(connection, user, policy, key)
            return FIRST_EPOCH

        return await self._insert(work, already_bootstrapped())

    async def create_account(
        self,
        account: Account,
        request_key: str | None,
        administrator: tuple[User, InlinePolicy, AccessKey] | None,
    ) -> int:
        """Create an account."""

        def work(connection: sa.Connection) -> int:
            first_key = None if administrator is None else administrator[2].access_key_id
            insert_account(connection, account, request_key, first_key)
            join_organization(connection, account.account_id)
            if administrator is not None:
                insert_administrator(connection, *administrator)
            return FIRST_EPOCH

        taken = exists(
            f"The account {account.account_id} or this request id exists already.", account.account_id
        )
        return await self._insert(work, taken)

    async def account_of_request(self, request_key: str) -> tuple[Account, AccessKey | None] | None:
        """Return what a request created."""

        def work(connection: sa.Connection) -> tuple[Account, AccessKey | None] | None:
            row = connection.execute(
                sa.select(ACCOUNTS).where(ACCOUNTS.c.request_key == request_key)
            ).one_or_none()
            if row is None:
                return None
            joined = connection.execute(
                sa.select(ACCESS_KEYS).where(ACCESS_KEYS.c.access_key_id == row.first_access_key_id)
            ).one_or_none()
            if joined is None:
                return account_of(row), None
            user = connection.execute(sa.select(USERS).where(USERS.c.user_id == joined.user_id)).one()
            return account_of(row), key_of(joined, user_of(user))

        return await self._database.read(work)

    async def account(self, account_id: str) -> Account:
        """Return an account."""
        row = await self._database.read(
            lambda connection: connection.execute(
                sa.select(ACCOUNTS).where(ACCOUNTS.c.account_id == account_id)
            ).one_or_none()
        )
        if row is None:
            raise account_not_found(account_id)
        return account_of(row)

    async def accounts(self, request: PageRequest) -> Page[Account]:
        """List accounts by a range of the primary key."""
        query = (
            sa.select(ACCOUNTS)
            .where(ACCOUNTS.c.account_id > request.after)
            .order_by(ACCOUNTS.c.account_id)
            .limit(request.size + 1)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return request.page([account_of(row) for row in rows], lambda account: account.account_id)

    async def create_user(
        self, user: User, limit: int, boundary: PolicyReference | None = None, tags: Sequence[Tag] = ()
    ) -> int:
        """Create a user within the account's limit."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, user.account_id)
            require_room(connection, USERS, user.account_id, user.user_name, limit, _REFUSALS)
            insert_user(connection, user)
            bearer = NamedEntity(EntityKind.USER, user.user_name, user.user_id)
            begin_with(connection, user.account_id, bearer, boundary, tags)
            return epoch

        return await self._database.run(work)

    async def user(self, account_id: str, user_name: str) -> User:
        """Return a user."""
        return await self._database.read(lambda connection: find_user(connection, account_id, user_name))

    async def users(self, account_id: str, request: PageRequest, path_prefix: str = "") -> Page[User]:
        """List users by a range of an index."""
        rows = await self._database.read(
            lambda connection: rows_by_name(connection, USERS, account_id, request, path_prefix)
        )
        return request.page([user_of(row) for row in rows], lambda user: user.user_name.lower())

    async def update_user(
        self, account_id: str, user_name: str, new_name: str, new_path: str
    ) -> tuple[User, int]:
        """Rename and move a user."""

        def work(connection: sa.Connection) -> tuple[User, int]:
            epoch = next_epoch(connection, account_id)
            find_user(connection, account_id, user_name)
            named = USERS.c.user_name
            move(connection, named, account_id, user_name, new_name, new_path, _REFUSALS)
            return find_user(connection, account_id, new_name or user_name), epoch

        return await self._database.run(work)

    async def delete_user(self, account_id: str, user_name: str) -> int:
        """Delete a user on whom nothing depends."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            user = find_user(connection, account_id, user_name)
            if count(connection, ACCESS_KEYS, ACCESS_KEYS.c.user_id == user.user_id):
                raise conflict("Cannot delete entity, must delete access keys first.")
            keys = SERVICE_CREDENTIALS.c.user_id == user.user_id
            if count(connection, SERVICE_CREDENTIALS, keys):
                raise conflict("Cannot delete entity, must delete service specific credentials first.")
            if count(connection, POLICIES, POLICIES.c.user_id == user.user_id):
                raise conflict("Cannot delete entity, must delete policies first.")
            if count(connection, ATTACHMENTS, *of_entity(ATTACHMENTS, EntityKind.USER, user.user_id)):
                raise conflict("Cannot delete entity, must detach all policies first.")
            if count(connection, GROUP_MEMBERS, GROUP_MEMBERS.c.user_id == user.user_id):
                raise conflict("Cannot delete entity, must remove the user from all groups first.")
            end_sessions_of_user(connection, user.user_id)
            for table in (BOUNDARIES, TAGS):
                connection.execute(sa.delete(table).where(*of_entity(table, EntityKind.USER, user.user_id)))
            connection.execute(sa.delete(USERS).where(USERS.c.user_id == user.user_id))
            return epoch

        return await self._database.run(work)

    async def create_access_key(self, key: AccessKey, limit: int) -> int:
        """Add a key within its owner's limit."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, key.account_id)
            owned: sa.ColumnElement[bool]
            if key.user is None:
                owned = ACCESS_KEYS.c.user_id.is_(None)
            else:
                # The user may have been deleted since the key was made; a new one of its name has another id.
                user = find_user(connection, key.account_id, key.user.user_name)
                if user.user_id != key.user.user_id:
                    raise conflict("The user was deleted meanwhile.")
                owned = ACCESS_KEYS.c.user_id == user.user_id
            if count(connection, ACCESS_KEYS, ACCESS_KEYS.c.account_id == key.account_id, owned) >= limit:
                raise quota_exceeded("AccessKeysPerUser", limit)
            insert_key(connection, key)
            return epoch

        return await self._database.run(work)

    async def access_keys(self, account_id: str, user_name: str, request: PageRequest) -> Page[AccessKey]:
        """List keys by the time of their creation, then by id."""

        def work(connection: sa.Connection) -> list[AccessKey]:
            user = find_user(connection, account_id, user_name)
            rows = connection.execute(
                sa.select(ACCESS_KEYS)
                .where(ACCESS_KEYS.c.account_id == account_id, ACCESS_KEYS.c.user_id == user.user_id)
                .order_by(ACCESS_KEYS.c.created_us, ACCESS_KEYS.c.access_key_id)
            ).all()
            # A user has a handful of keys at most: the page is cut here.
            return [key_of(row, user) for row in rows if _key_position(row) > request.after]

        found = await self._database.read(work)
        return request.page(found, lambda key: f"{to_microseconds(key.created_at):020d}{key.access_key_id}")

    async def set_key_status(
        self, account_id: str, user_name: str | None, access_key_id: str, status: KeyStatus
    ) -> tuple[AccessKey, int]:
        """Change a key's status."""

        def work(connection: sa.Connection) -> tuple[AccessKey, int]:
            epoch = next_epoch(connection, account_id)
            user = None if user_name is None else find_user(connection, account_id, user_name)
            if find_key(connection, account_id, user, access_key_id) is None:
                raise access_key_not_found(access_key_id)
            connection.execute(
                sa.update(ACCESS_KEYS)
                .where(ACCESS_KEYS.c.access_key_id == access_key_id)
                .values(status=status.value)
            )
            return key_of(find_key(connection, account_id, user, access_key_id), user), epoch

        return await self._database.run(work)

    async def delete_access_key(self, account_id: str, user_name: str | None, access_key_id: str) -> int:
        """Delete a key."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            user = None if user_name is None else find_user(connection, account_id, user_name)
            if find_key(connection, account_id, user, access_key_id) is None:
                raise access_key_not_found(access_key_id)
            connection.execute(sa.delete(ACCESS_KEYS).where(ACCESS_KEYS.c.access_key_id == access_key_id))
            return epoch

        return await self._database.run(work)

    async def _insert(self, work: Callable[[sa.Connection], T], taken: DomainError) -> T:
        try:
            return await self._database.run(work)
        except sa.exc.IntegrityError:
            raise taken from None


def _key_position(row: sa.Row[tuple[object, ...]]) -> str:
    return f"{row.created_us:020d}{row.access_key_id}"
