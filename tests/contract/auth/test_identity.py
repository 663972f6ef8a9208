"""The contract of stores of groups, managed policies, boundaries and tags."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.auth.adapters.sql_attachments import SqlAttachments
from services.auth.adapters.sql_credentials import SqlCredentials
from services.auth.adapters.sql_directory import SqlDirectory
from services.auth.adapters.sql_groups import SqlGroups
from services.auth.adapters.sql_managed_policies import SqlManagedPolicies
from services.auth.adapters.sql_policies import SqlPolicies
from services.auth.adapters.sql_roles import SqlRoles
from services.auth.adapters.sql_sessions import SqlSessions
from services.auth.adapters.sql_tags import SqlTags
from services.auth.adapters.tables_identity import ATTACHMENTS
from services.auth.domain.identity import (
    Entity,
    EntityKind,
    Group,
    GroupPolicy,
    ManagedPolicy,
    NamedEntity,
    PolicyReference,
    PolicyScope,
    PolicyUsage,
    PolicyVersion,
    Tag,
    UserDetails,
)
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import PrincipalState, User
from services.auth.domain.roles import Role
from services.auth.ports import CredentialStore, DirectoryStore, PolicyStore
from services.auth.ports_identity import AttachmentStore, GroupStore, ManagedPolicyStore, TagStore
from services.chassis.database import Database
from services.chassis.errors import DomainError
from tests.contract.auth.test_roles import SESSION
from tests.contract.auth.test_store import ACCOUNT, ALICE, NOW, OTHER, REVISIONS, first, key, policy, reason
from tests.fakes.databases import KINDS, empty_database, replica

ID = ACCOUNT.account_id
BOB = User(ID, "bob", "AIDABOB", NOW)
TEAM = Group(ID, "Team", "AGPATEAM", NOW)
ALICE_ENTITY = Entity(EntityKind.USER, "alice")
TEAM_ENTITY = Entity(EntityKind.GROUP, "Team")
ROLE = Role(ID, "Reader", "AROAREADER", " {}", "{}", "", timedelta(hours=1), NOW)
ROLE_ENTITY = Entity(EntityKind.ROLE, "Reader")
ADMINISTRATOR = PolicyReference("aws", "AdministratorAccess")
ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["*"],"Resource":["*"]}]}'


class Stores:
    """The ports over one store."""

    directory: DirectoryStore
    inline: PolicyStore
    credentials: CredentialStore
    groups: GroupStore
    managed: ManagedPolicyStore
    attachments: AttachmentStore
    tags: TagStore

    def __init__(self, database: Database) -> None:
        self.directory, self.inline = SqlDirectory(database), SqlPolicies(database)
        self.credentials, self.groups = SqlCredentials(database), SqlGroups(database)
        self.managed, self.attachments = SqlManagedPolicies(database), SqlAttachments(database)
        self.tags, self.roles = SqlTags(database), SqlRoles(database)

    async def alice(self) -> PrincipalState:
        """Return what decides about alice."""
        state = await self.credentials.principal_state(key(1).access_key_id)
        assert state is not None
        return state

    async def managed_policy(self, name: str, text: str = "{}", **changes: Any) -> PolicyReference:
        """Create a managed policy."""
        made = replace(
            ManagedPolicy(PolicyReference(ID, name), f"ANPA{name}", "what for", 1, NOW, NOW), **changes
        )
        version = PolicyVersion(1, f" {text}", text, is_default=True, created_at=NOW)
        await self.managed.create_policy(made, version, 99)
        return made.reference

    async def version(self, policy: PolicyReference, text: str, *, as_default: bool = False) -> int:
        """Add a version and return its number."""
        made, _epoch = await self.managed.create_version(
            policy, f" {text}", text, NOW, as_default=as_default, limit=5
        )
        return made.number


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(empty_database(request.param, tmp_path))
    database.migrate(REVISIONS)
    yield database
    await database.close()


@pytest.fixture
async def stores(database: Database) -> Stores:
    """An account with the users alice, who has a key, and bob, and the group Team."""
    made = Stores(database)
    await made.directory.create_account(ACCOUNT, None, None)
    for user in (ALICE, BOB):
        await made.directory.create_user(user, 99)
    await made.directory.create_access_key(key(1), 2)
    await made.groups.create_group(TEAM, 99)
    return made


def group_policy(name: str, text: str = "{}", group: str = "Team") -> GroupPolicy:
    return GroupPolicy(ID, group, name, f" {text}", text, NOW)


async def test_groups_are_kept_by_name(stores: Stores) -> None:
    assert await stores.groups.group(ID, "Team") == TEAM
    for call in (
        stores.groups.group(ID, "team"),
        stores.groups.group(OTHER.account_id, "Team"),
        stores.groups.delete_group(ID, "nobody"),
    ):
        assert await reason(call) == "RESOURCE_NOT_FOUND"
    again = replace(TEAM, group_id="AGPA2", group_name="TEAM")
    assert await reason(stores.groups.create_group(again, 99)) == "RESOURCE_EXISTS"
    other = replace(TEAM, group_id="AGPA2", group_name="Another")
    assert await reason(stores.groups.create_group(other, 1)) == "QUOTA_EXCEEDED"
    await stores.groups.create_group(other, 2)
    page = await stores.groups.groups(ID, first(1))
    assert page.items == (other,)
    page = await stores.groups.groups(ID, PageRequest.parse(1, page.next_token))
    assert (page.items, page.next_token) == ((TEAM,), "")


async def test_memberships_are_listed_from_both_sides_and_limited(stores: Stores) -> None:
    other = replace(TEAM, group_id="AGPA2", group_name="Another")
    await stores.groups.create_group(other, 99)
    for user in ("bob", "alice", "alice"):
        await stores.groups.add_member(ID, "Team", user, 1)
    assert await reason(stores.groups.add_member(ID, "Another", "alice", 1)) == "QUOTA_EXCEEDED"
    await stores.groups.add_member(ID, "Another", "alice", 2)
    page = await stores.groups.members(ID, "Team", first(1))
    assert page.items == (ALICE,)
    page = await stores.groups.members(ID, "Team", PageRequest.parse(1, page.next_token))
    assert (page.items, page.next_token) == ((BOB,), "")
    groups = await stores.groups.groups_of_user(ID, "alice", first())
    assert groups.items == (other, TEAM)
    await stores.groups.remove_member(ID, "Team", "alice")
    assert (await stores.groups.groups_of_user(ID, "alice", first())).items == (other,)
    for call in (
        stores.groups.remove_member(ID, "Team", "alice"),
        stores.groups.add_member(ID, "Team", "nobody", 9),
        stores.groups.add_member(ID, "Nothing", "alice", 9),
    ):
        assert await reason(call) == "RESOURCE_NOT_FOUND"


async def test_a_group_is_deleted_when_it_is_empty(stores: Stores) -> None:
    await stores.groups.add_member(ID, "Team", "alice", 9)
    await stores.groups.put_group_policy(group_policy("p"), 99)
    await stores.attachments.attach(ID, TEAM_ENTITY, ADMINISTRATOR, 9)
    for undo in (
        lambda: stores.groups.remove_member(ID, "Team", "alice"),
        lambda: stores.groups.delete_group_policy(ID, "Team", "p"),
        lambda: stores.attachments.detach(ID, TEAM_ENTITY, ADMINISTRATOR),
    ):
        assert await reason(stores.groups.delete_group(ID, "Team")) == "RESOURCE_STATE"
        await undo()
    await stores.groups.delete_group(ID, "Team")
    assert await reason(stores.groups.group(ID, "Team")) == "RESOURCE_NOT_FOUND"


async def test_inline_policies_of_a_group_are_limited_together(stores: Stores) -> None:
    await stores.groups.put_group_policy(group_policy("b", "12345"), 10)
    await stores.groups.put_group_policy(group_policy("a", "12345"), 10)
    assert await reason(stores.groups.put_group_policy(group_policy("c", "1"), 10)) == "QUOTA_EXCEEDED"
    # Replacing counts the new text alone, and no text's white space.
    await stores.groups.put_group_policy(group_policy("a", "5 4 3 2 1"), 10)
    assert await stores.groups.group_policy(ID, "Team", "a") == group_policy("a", "5 4 3 2 1")
    page = await stores.groups.group_policies(ID, "Team", first(1))
    assert [each.policy_name for each in page.items] == ["a"]
    page = await stores.groups.group_policies(ID, "Team", PageRequest.parse(1, page.next_token))
    assert [each.policy_name for each in page.items] == ["b"]
    await stores.groups.delete_group_policy(ID, "Team", "a")
    for call in (
        stores.groups.group_policy(ID, "Team", "a"),
        stores.groups.delete_group_policy(ID, "Team", "a"),
        stores.groups.put_group_policy(group_policy("a", group="Nothing"), 10),
    ):
        assert await reason(call) == "RESOURCE_NOT_FOUND"


async def test_versions_are_numbered_once_and_one_is_in_force(stores: Stores) -> None:
    made = await stores.managed_policy("P", "{1}")
    numbers = [await stores.version(made, f"{{{number}}}") for number in (2, 3, 4, 5)]
    assert numbers == [2, 3, 4, 5]
    assert await reason(stores.version(made, "{6}")) == "QUOTA_EXCEEDED"
    await stores.managed.delete_version(made, 5)
    assert await stores.version(made, "{6}", as_default=True) == 6
    found = await stores.managed.managed_policy(ID, made)
    assert (found.default_version, found.description) == (6, "what for")
    assert await reason(stores.managed.delete_version(made, 6)) == "RESOURCE_STATE"
    for call in (
        stores.managed.version(made, 5),
        stores.managed.delete_version(made, 5),
        stores.managed.set_default_version(made, 5),
        stores.managed.version(PolicyReference(ID, "p"), 1),
        stores.managed.managed_policy(ID, PolicyReference(OTHER.account_id, "P")),
        stores.managed.managed_policy(ID, PolicyReference("aws", "Nothing")),
    ):
        assert await reason(call) == "RESOURCE_NOT_FOUND"
    await stores.managed.set_default_version(made, 2)
    assert await stores.managed.version(made, 2) == PolicyVersion(2, " {2}", "{2}", True, NOW)
    page = await stores.managed.versions(made, first(3))
    assert [(each.number, each.is_default) for each in page.items] == [(6, False), (4, False), (3, False)]
    page = await stores.managed.versions(made, PageRequest.parse(3, page.next_token))
    assert [(each.number, each.is_default) for each in page.items] == [(2, True), (1, False)]
    assert page.next_token == ""


async def test_a_policy_is_deleted_when_nothing_uses_it(stores: Stores) -> None:
    made = await stores.managed_policy("P")
    await stores.version(made, "{2}")
    await stores.attachments.attach(ID, ALICE_ENTITY, made, 9)
    await stores.attachments.put_boundary(ID, Entity(EntityKind.USER, "bob"), made)
    for undo in (
        lambda: stores.attachments.detach(ID, ALICE_ENTITY, made),
        lambda: stores.attachments.delete_boundary(ID, Entity(EntityKind.USER, "bob")),
        lambda: stores.managed.delete_version(made, 2),
    ):
        assert await reason(stores.managed.delete_policy(made)) == "RESOURCE_STATE"
        await undo()
    await stores.managed.delete_policy(made)
    assert await reason(stores.managed.delete_policy(made)) == "RESOURCE_NOT_FOUND"
    # The next policy of the name is another one, with versions of its own.
    again = await stores.managed_policy("P", policy_id="ANPASECOND")
    assert await stores.version(again, "{}") == 2


async def test_policies_are_listed_by_scope_and_use(stores: Stores) -> None:
    names = [f"p{number}" for number in range(4)]
    made = [await stores.managed_policy(name) for name in reversed(names)]
    taken = stores.managed_policy("P1", policy_id="ANPA2")
    assert await reason(taken) == "RESOURCE_EXISTS"

    async def listed(scope: PolicyScope, *, only_attached: bool = False, size: int = 3) -> list[str]:
        found: list[str] = []
        request = first(size)
        while True:
            page = await stores.managed.managed_policies(
                ID, scope, only_attached=only_attached, request=request
            )
            found += [each.reference.policy_name for each in page.items]
            if not page.next_token:
                return found
            request = PageRequest.parse(size, page.next_token)

    built_in = await listed(PolicyScope.AWS)
    assert built_in == [
        "AdministratorAccess",
        "AmazonBedrockFullAccess",
        "AmazonBedrockReadOnly",
        "ReadOnlyAccess",
    ]
    assert await listed(PolicyScope.LOCAL) == names
    for size in (1, 3, 4, 99):
        assert await listed(PolicyScope.ALL, size=size) == [*built_in, *names]
    assert await listed(PolicyScope.ALL, only_attached=True) == []
    for each in (made[0], ADMINISTRATOR):
        await stores.attachments.attach(ID, ALICE_ENTITY, each, 9)
    assert await listed(PolicyScope.ALL, only_attached=True) == ["AdministratorAccess", "p3"]
    last = PolicyReference(ID, "p9")
    late = PolicyVersion(1, " {}", "{}", is_default=True, created_at=NOW)
    full = stores.managed.create_policy(ManagedPolicy(last, "ANPA9", "", 1, NOW, NOW), late, 4)
    assert await reason(full) == "QUOTA_EXCEEDED"


async def test_built_in_policies_do_not_change(stores: Stores) -> None:
    found = await stores.managed.managed_policy(ID, ADMINISTRATOR)
    assert found.default_version == 1
    (version,) = (await stores.managed.versions(ADMINISTRATOR, first())).items
    assert version.canonical == ALLOW_ALL
    assert await stores.managed.version(ADMINISTRATOR, 1) == version
    assert await reason(stores.managed.version(ADMINISTRATOR, 2)) == "RESOURCE_NOT_FOUND"
    for call in (
        stores.managed.delete_policy(ADMINISTRATOR),
        stores.version(ADMINISTRATOR, "{}"),
        stores.managed.set_default_version(ADMINISTRATOR, 1),
        stores.managed.delete_version(ADMINISTRATOR, 1),
    ):
        assert await reason(call) == "ACCESS_DENIED"


async def test_attachments_are_listed_from_both_sides_and_limited(stores: Stores) -> None:
    await stores.roles.create_role(ROLE, 99)
    made = await stores.managed_policy("P")
    for entity in (ALICE_ENTITY, TEAM_ENTITY, ROLE_ENTITY, ALICE_ENTITY):
        await stores.attachments.attach(ID, entity, made, 1)
        assert await reason(stores.attachments.attach(ID, entity, ADMINISTRATOR, 1)) == "QUOTA_EXCEEDED"
    await stores.attachments.attach(ID, ALICE_ENTITY, ADMINISTRATOR, 2)
    await stores.attachments.put_boundary(ID, ALICE_ENTITY, made)
    await stores.attachments.put_boundary(ID, Entity(EntityKind.USER, "bob"), made)
    page = await stores.attachments.attached(ID, ALICE_ENTITY, first(1))
    assert page.items == (ADMINISTRATOR,)
    page = await stores.attachments.attached(ID, ALICE_ENTITY, PageRequest.parse(1, page.next_token))
    assert (page.items, page.next_token) == ((made,), "")

    async def users_of(usage: PolicyUsage, kind: EntityKind | None = None, size: int = 99) -> list[str]:
        found: list[NamedEntity] = []
        request = first(size)
        while True:
            page = await stores.attachments.entities(ID, made, usage, kind, request)
            found += page.items
            if not page.next_token:
                return [f"{each.name} {each.entity_id}" for each in found]
            request = PageRequest.parse(size, page.next_token)

    team, reader, alice, bob = "Team AGPATEAM", "Reader AROAREADER", "alice AIDAALICE", "bob AIDABOB"
    assert await users_of(PolicyUsage.PERMISSIONS) == [team, reader, alice]
    assert await users_of(PolicyUsage.BOUNDARY) == [alice, bob]
    for size in (1, 2, 99):
        assert await users_of(PolicyUsage.ANY, size=size) == [team, reader, alice, bob]
    assert await users_of(PolicyUsage.ANY, EntityKind.USER) == [alice, bob]
    found = await stores.managed.managed_policy(ID, made)
    assert (found.attachments, found.boundaries) == (3, 2)
    # Another account's use of a built-in policy is nobody else's business.
    assert (await stores.managed.managed_policy(OTHER.account_id, ADMINISTRATOR)).attachments == 0
    await stores.attachments.detach(ID, ALICE_ENTITY, made)
    for call in (
        stores.attachments.detach(ID, ALICE_ENTITY, made),
        stores.attachments.attach(ID, Entity(EntityKind.USER, "nobody"), made, 9),
        stores.attachments.attach(ID, ALICE_ENTITY, PolicyReference(ID, "nothing"), 9),
        stores.attachments.delete_boundary(ID, TEAM_ENTITY),
    ):
        assert await reason(call) == "RESOURCE_NOT_FOUND"


async def test_a_principal_has_what_it_and_its_groups_have(stores: Stores) -> None:
    assert (await stores.alice()).policies.identity == ()
    own, shared = (
        await stores.managed_policy("own", "{own}"),
        await stores.managed_policy("shared", "{shared}"),
    )
    await stores.inline.put_policy(policy("p", text="{inline}"), 9)
    await stores.groups.put_group_policy(group_policy("p", "{of the group}"), 99)
    for entity, each in ((ALICE_ENTITY, own), (ALICE_ENTITY, shared), (TEAM_ENTITY, shared)):
        await stores.attachments.attach(ID, entity, each, 9)
    await stores.attachments.attach(ID, TEAM_ENTITY, ADMINISTRATOR, 9)
    assert (await stores.alice()).policies.identity == ("{inline}", "{own}", "{shared}")
    await stores.groups.add_member(ID, "Team", "alice", 9)
    identity = (await stores.alice()).policies.identity
    assert identity[:2] == ("{inline}", "{of the group}")
    assert sorted(identity[2:]) == sorted(("{own}", "{shared}", ALLOW_ALL))
    # A version in force replaces another one, for everybody at once.
    await stores.version(shared, "{shared 2}", as_default=True)
    assert "{shared 2}" in (await stores.alice()).policies.identity
    assert "{shared}" not in (await stores.alice()).policies.identity
    await stores.managed.set_default_version(shared, 1)
    assert "{shared 2}" not in (await stores.alice()).policies.identity
    await stores.managed.set_default_version(shared, 2)
    await stores.groups.remove_member(ID, "Team", "alice")
    assert set((await stores.alice()).policies.identity) == {"{inline}", "{own}", "{shared 2}"}


async def test_a_boundary_is_one_policy_in_force(stores: Stores) -> None:
    made = await stores.managed_policy("P", "{1}")
    assert (await stores.alice()).policies.boundary is None
    await stores.attachments.put_boundary(ID, ALICE_ENTITY, made)
    assert (await stores.alice()).policies.boundary == ("{1}",)
    await stores.version(made, "{2}", as_default=True)
    assert (await stores.alice()).policies.boundary == ("{2}",)
    assert await stores.attachments.boundary(ID, ALICE_ENTITY) == made
    for other in ("bob", "nobody"):
        assert await stores.attachments.boundary(ID, Entity(EntityKind.USER, other)) is None
    await stores.attachments.put_boundary(ID, ALICE_ENTITY, ADMINISTRATOR)
    assert (await stores.alice()).policies.boundary == (ALLOW_ALL,)
    assert (await stores.alice()).policies.identity == ()
    # That of another user does not bind.
    await stores.attachments.delete_boundary(ID, ALICE_ENTITY)
    await stores.attachments.put_boundary(ID, Entity(EntityKind.USER, "bob"), made)
    assert (await stores.alice()).policies.boundary is None


async def test_a_session_has_what_its_role_has_and_tags_of_its_own(
    stores: Stores, database: Database
) -> None:
    await stores.roles.create_role(ROLE, 99)
    session = replace(SESSION, role=ROLE, tags=(("TEAM", "blue"), ("x", "1")))
    await SqlSessions(database).create_session(session)
    made = await stores.managed_policy("P", "{1}")
    await stores.attachments.attach(ID, ROLE_ENTITY, made, 9)
    await stores.attachments.put_boundary(ID, ROLE_ENTITY, ADMINISTRATOR)
    await stores.tags.tag(ID, ROLE_ENTITY, (Tag("team", "red"), Tag("cost", "7")), 9)
    state = await stores.credentials.principal_state(session.access_key_id)
    assert state is not None
    assert (state.policies.identity, state.policies.boundary) == (("{1}",), (ALLOW_ALL,))
    assert state.facts.tags == (("cost", "7"), ("TEAM", "blue"), ("x", "1"))
    # Another kind of entity with the same id is somebody else.
    assert (await stores.alice()).policies.boundary is None


async def test_a_policy_that_this_version_does_not_know_refuses_its_bearer(
    stores: Stores, database: Database
) -> None:
    await database.run(
        lambda connection: connection.execute(
            sa.insert(ATTACHMENTS).values(
                entity_kind="user", entity_id=ALICE.user_id, policy_id="ANPAFUTURE", account_id=ID
            )
        )
    )
    with pytest.raises(KeyError):
        await stores.alice()


async def test_tags_are_replaced_by_keys_in_any_case(stores: Stores) -> None:
    await stores.tags.tag(ID, ALICE_ENTITY, (Tag("team", "red"), Tag("Cost", "1")), 2)
    assert await reason(stores.tags.tag(ID, ALICE_ENTITY, (Tag("new", ""),), 2)) == "QUOTA_EXCEEDED"
    await stores.tags.tag(ID, ALICE_ENTITY, (Tag("Team", "blue"),), 2)
    page = await stores.tags.tags(ID, ALICE_ENTITY, first(1))
    assert page.items == (Tag("Cost", "1"),)
    page = await stores.tags.tags(ID, ALICE_ENTITY, PageRequest.parse(1, page.next_token))
    assert (page.items, page.next_token) == ((Tag("Team", "blue"),), "")
    assert (await stores.alice()).facts.tags == (("Cost", "1"), ("Team", "blue"))
    await stores.attachments.put_boundary(ID, ALICE_ENTITY, ADMINISTRATOR)
    details = UserDetails(ALICE, ADMINISTRATOR, (Tag("Cost", "1"), Tag("Team", "blue")))
    assert await stores.tags.user_details(ID, "alice") == details
    assert await stores.tags.user_details(ID, "bob") == UserDetails(BOB, None, ())
    await stores.tags.untag(ID, ALICE_ENTITY, ("COST", "unknown"))
    assert (await stores.alice()).facts.tags == (("Team", "blue"),)
    nobody = Entity(EntityKind.USER, "nobody")
    assert await reason(stores.tags.untag(ID, nobody, ("a",))) == "RESOURCE_NOT_FOUND"


async def test_a_user_begins_with_boundary_and_tags_and_takes_them_along(stores: Stores) -> None:
    carol = User(ID, "carol", "AIDACAROL", NOW)
    made = await stores.managed_policy("P")
    missing = stores.directory.create_user(carol, 99, PolicyReference(ID, "nothing"), ())
    assert await reason(missing) == "RESOURCE_NOT_FOUND"
    assert await reason(stores.directory.user(ID, "carol")) == "RESOURCE_NOT_FOUND"
    await stores.directory.create_user(carol, 99, made, (Tag("a", "b"),))
    assert await stores.tags.user_details(ID, "carol") == UserDetails(carol, made, (Tag("a", "b"),))
    await stores.directory.delete_user(ID, "carol")
    # Nothing is left of the boundary: the policy can go.
    await stores.managed.delete_policy(made)
    await stores.directory.create_user(carol, 99)
    assert await stores.tags.user_details(ID, "carol") == UserDetails(carol, None, ())


async def test_a_user_with_memberships_or_attachments_stays(stores: Stores) -> None:
    await stores.groups.add_member(ID, "Team", "bob", 9)
    await stores.attachments.attach(ID, Entity(EntityKind.USER, "bob"), ADMINISTRATOR, 9)
    for undo in (
        lambda: stores.groups.remove_member(ID, "Team", "bob"),
        lambda: stores.attachments.detach(ID, Entity(EntityKind.USER, "bob"), ADMINISTRATOR),
    ):
        assert await reason(stores.directory.delete_user(ID, "bob")) == "RESOURCE_STATE"
        await undo()
    await stores.directory.delete_user(ID, "bob")


async def test_a_role_with_attachments_stays(stores: Stores) -> None:
    await stores.roles.create_role(ROLE, 99)
    await stores.attachments.attach(ID, ROLE_ENTITY, ADMINISTRATOR, 9)
    assert await reason(stores.roles.delete_role(ID, "Reader")) == "RESOURCE_STATE"
    await stores.attachments.detach(ID, ROLE_ENTITY, ADMINISTRATOR)
    await stores.roles.delete_role(ID, "Reader")


async def test_every_change_raises_the_epoch_and_a_failed_one_leaves_it(stores: Stores) -> None:
    made = await stores.managed_policy("P")
    version = PolicyVersion(1, "{}", "{}", is_default=True, created_at=NOW)
    second = ManagedPolicy(PolicyReference(ID, "Q"), "ANPAQ", "", 1, NOW, NOW)

    async def new_version() -> int:
        return (await stores.managed.create_version(made, "{}", "{}", NOW, as_default=False, limit=5))[1]

    changes = (
        lambda: stores.groups.create_group(replace(TEAM, group_id="AGPA2", group_name="B"), 99),
        lambda: stores.groups.delete_group(ID, "B"),
        lambda: stores.groups.add_member(ID, "Team", "alice", 9),
        lambda: stores.groups.put_group_policy(group_policy("p"), 99),
        lambda: stores.groups.delete_group_policy(ID, "Team", "p"),
        lambda: stores.groups.remove_member(ID, "Team", "alice"),
        lambda: stores.managed.create_policy(second, version, 99),
        lambda: stores.managed.delete_policy(second.reference),
        new_version,
        lambda: stores.managed.set_default_version(made, 2),
        lambda: stores.managed.delete_version(made, 1),
        lambda: stores.attachments.attach(ID, ALICE_ENTITY, made, 9),
        lambda: stores.attachments.detach(ID, ALICE_ENTITY, made),
        lambda: stores.attachments.put_boundary(ID, ALICE_ENTITY, made),
        lambda: stores.attachments.delete_boundary(ID, ALICE_ENTITY),
        lambda: stores.tags.tag(ID, ALICE_ENTITY, (Tag("a", "b"),), 9),
        lambda: stores.tags.untag(ID, ALICE_ENTITY, ("a",)),
    )
    before = (await stores.alice()).epoch
    for change in changes:
        told = await change()
        assert told == (await stores.alice()).epoch == before + 1
        before = told
    for call in (
        stores.groups.create_group(TEAM, 99),
        stores.groups.remove_member(ID, "Team", "alice"),
        stores.managed.delete_version(made, 2),
        stores.attachments.detach(ID, ALICE_ENTITY, made),
        stores.tags.tag(ID, ALICE_ENTITY, (Tag("a", "b"),), 0),
    ):
        await reason(call)
    assert (await stores.alice()).epoch == before


async def test_replicas_keep_limits(stores: Stores, database: Database) -> None:
    policies = [await stores.managed_policy(f"p{number}") for number in range(6)]
    async with replica(database) as another:
        replicas = (stores, Stores(another))
        results = await asyncio.gather(
            *(
                replicas[n % 2].attachments.attach(ID, ALICE_ENTITY, each, 2)
                for n, each in enumerate(policies)
            ),
            *(replicas[n % 2].version(policies[0], f"{{{n}}}") for n in range(8)),
            return_exceptions=True,
        )
    refused = [each for each in results if isinstance(each, DomainError)]
    assert [each.reason_name for each in refused] == ["QUOTA_EXCEEDED"] * 8
    assert sorted(each for each in results[6:] if isinstance(each, int)) == [2, 3, 4, 5]
