"""What an account's identities are altogether, in SQL."""

from collections.abc import Iterator, Set

import sqlalchemy as sa

from services.auth.adapters.entities import inline_bearer
from services.auth.adapters.entity_facts import facts_of
from services.auth.adapters.group_rows import group_names, group_of
from services.auth.adapters.managed_policy_rows import attached_policies, listed_policies, versions_of
from services.auth.adapters.role_rows import role_of
from services.auth.adapters.rows import count, rows_by_name, user_of
from services.auth.adapters.sql_inline_policies import inline_policies
from services.auth.adapters.tables import ACCESS_KEYS, ACCOUNTS, USERS
from services.auth.adapters.tables_identity import GROUPS, MANAGED_POLICIES, POLICY_VERSIONS
from services.auth.adapters.tables_oidc import OIDC_PROVIDERS
from services.auth.adapters.tables_roles import ROLES
from services.auth.domain.account_details import (
    Detail,
    DetailKind,
    GroupRights,
    IdentityCounts,
    PolicyContent,
    Rights,
    RoleRights,
    UserRights,
)
from services.auth.domain.identity import (
    Entity,
    EntityKind,
    NamedEntity,
    PolicyFilter,
    PolicyScope,
    PolicyUsage,
    RoleDetails,
    UserDetails,
)
from services.auth.domain.pages import PageRequest
from services.auth.errors import exists, not_found
from services.chassis.database import Database
from services.chassis.pages import Page


class SqlAccountDetails:
    """An AccountDetailStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def counts(self, account_id: str) -> IdentityCounts:
        """Count an account's rows."""

        def work(connection: sa.Connection) -> IdentityCounts:
            users, groups, roles, policies, providers = (
                count(connection, table, table.c.account_id == account_id)
                for table in (USERS, GROUPS, ROLES, MANAGED_POLICIES, OIDC_PROVIDERS)
            )
            own = sa.select(MANAGED_POLICIES.c.policy_id).where(MANAGED_POLICIES.c.account_id == account_id)
            versions = count(connection, POLICY_VERSIONS, POLICY_VERSIONS.c.policy_id.in_(own))
            of_root = (ACCESS_KEYS.c.account_id == account_id, ACCESS_KEYS.c.user_id.is_(None))
            root_keys = count(connection, ACCESS_KEYS, *of_root)
            return IdentityCounts(users, groups, roles, policies, versions, root_keys, providers)

        return await self._database.read(work)

    async def details(self, account_id: str, kinds: Set[DetailKind], request: PageRequest) -> Page[Detail]:
        """Read kind after kind until the page is full."""

        def work(connection: sa.Connection) -> list[Detail]:
            found: list[Detail] = []
            for kind in DetailKind:
                if kind in kinds and kind.value >= request.after[:1]:
                    # Within the kind at which the page before ended it goes on; a later one begins.
                    after = request.after[1:] if request.after[:1] == kind.value else ""
                    # One more than there is room for says that there is another page.
                    wanted = PageRequest(request.size - len(found), after)
                    found += _of_kind(connection, account_id, kind, wanted)
                if len(found) > request.size:
                    break
            return found

        return request.page(await self._database.read(work), lambda each: each.position)

    async def alias(self, account_id: str) -> str:
        """Return the alias."""
        query = sa.select(ACCOUNTS.c.alias).where(ACCOUNTS.c.account_id == account_id)
        return await self._database.read(lambda connection: connection.execute(query).scalar_one() or "")

    async def set_alias(self, account_id: str, alias: str) -> None:
        """Replace the alias; the unique column decides between two callers."""
        mine = ACCOUNTS.c.account_id == account_id, ACCOUNTS.c.closed.is_(False)
        change = sa.update(ACCOUNTS).where(*mine).values(alias=alias)
        try:
            await self._database.run(lambda connection: connection.execute(change))
        except sa.exc.IntegrityError:
            raise exists(f"The account alias {alias} already exists.", alias) from None

    async def delete_alias(self, account_id: str, alias: str) -> None:
        """Clear the alias if it is this one."""
        mine = (ACCOUNTS.c.account_id == account_id, ACCOUNTS.c.alias == alias)
        change = sa.update(ACCOUNTS).where(*mine).values(alias=None)
        if not (await self._database.run(lambda connection: connection.execute(change).rowcount)):
            raise not_found(f"The account alias {alias} cannot be found.", alias)


def _of_kind(
    connection: sa.Connection, account_id: str, kind: DetailKind, request: PageRequest
) -> Iterator[Detail]:
    """Yield a page of one kind, and one more."""
    if kind is DetailKind.USER:
        for row in rows_by_name(connection, USERS, account_id, request):
            user = user_of(row)
            bearer = NamedEntity(EntityKind.USER, user.user_name, user.user_id, user.path)
            facts = facts_of(connection, bearer)
            groups = group_names(connection, user.user_id)
            details = UserDetails(user, facts.boundary, facts.tags)
            yield UserRights(details, _rights(connection, account_id, bearer), groups)
    elif kind is DetailKind.GROUP:
        for row in rows_by_name(connection, GROUPS, account_id, request):
            group = group_of(row)
            bearer = NamedEntity(EntityKind.GROUP, group.group_name, group.group_id, group.path)
            yield GroupRights(group, _rights(connection, account_id, bearer))
    elif kind is DetailKind.ROLE:
        for row in rows_by_name(connection, ROLES, account_id, request):
            role = role_of(row)
            bearer = NamedEntity(EntityKind.ROLE, role.role_name, role.role_id, role.path)
            facts = facts_of(connection, bearer)
            yield RoleRights(
                RoleDetails(role, facts.boundary, facts.tags), _rights(connection, account_id, bearer)
            )
    else:
        wanted = PolicyFilter(PolicyScope.LOCAL)
        if kind is DetailKind.BUILT_IN_POLICY:
            wanted = PolicyFilter(PolicyScope.AWS, usage=PolicyUsage.PERMISSIONS)
        for policy in listed_policies(connection, account_id, wanted, request):
            yield PolicyContent(policy, tuple(versions_of(connection, policy)))


def _rights(connection: sa.Connection, account_id: str, bearer: NamedEntity) -> Rights:
    entity, column = Entity(bearer.kind, bearer.name), inline_bearer(bearer.kind)
    inline = inline_policies(connection, account_id, entity, column == bearer.entity_id)
    return Rights(tuple(inline), tuple(attached_policies(connection, bearer)))
