"""The contract of stores about paths, and about what is renamed and moved."""

from dataclasses import replace

import pytest

from services.auth.domain.identity import (
    Entity,
    EntityFacts,
    EntityKind,
    PolicyFilter,
    PolicyReference,
    PolicyScope,
    PolicyUsage,
    Tag,
)
from services.auth.domain.pages import PageRequest
from services.chassis.arn import IamEntity
from services.chassis.database import Database
from tests.contract.auth.identity_stores import (
    ADMINISTRATOR,
    BOB,
    ID,
    ROLE,
    ROLE_ENTITY,
    TEAM,
    TEAM_ENTITY,
    Stores,
    group_policy,
)
from tests.contract.auth.test_store import ALICE, ALICE_ENTITY, NOW, first, policy, reason


async def test_paths_select_without_wildcards_and_with_regard_to_case(stores: Stores) -> None:
    paths = ("/a/", "/A/", "/a_/", "/ab/", "/a%/x/", "/")
    for number, path in enumerate(paths):
        user = replace(ALICE, user_name=f"u{number}", user_id=f"AIDA{number}", path=path)
        await stores.directory.create_user(user, 99)

    async def below(prefix: str, size: int = 99) -> list[str]:
        found: list[str] = []
        request = first(size)
        while True:
            page = await stores.directory.users(ID, request, prefix)
            found += [each.path for each in page.items if each.user_name.startswith("u")]
            if not page.next_token:
                return found
            request = PageRequest.parse(size, page.next_token)

    assert await below("/a") == ["/a/", "/a_/", "/ab/", "/a%/x/"]
    assert await below("/a/") == ["/a/"]
    assert await below("/A") == ["/A/"]
    assert await below("/a_") == ["/a_/"]
    assert await below("/a%") == ["/a%/x/"]
    for prefix in ("", "/"):
        assert await below(prefix, 2) == list(paths)
    assert await below("/a", 1) == ["/a/", "/a_/", "/ab/", "/a%/x/"]


async def test_a_user_takes_everything_along(stores: Stores) -> None:
    await stores.inline.put_policy(policy("p", text="{inline}"), 99)
    await stores.groups.add_member(ID, "Team", "alice", 9)
    await stores.attachments.put_boundary(ID, ALICE_ENTITY, ADMINISTRATOR)
    await stores.tags.tag(ID, ALICE_ENTITY, (Tag("a", "b"),), 9)
    before = await stores.alice()
    moved = replace(ALICE, user_name="Alicia", path="/x/")
    found, epoch = await stores.directory.update_user(ID, "alice", "Alicia", "/x/")
    assert (found, epoch) == (moved, before.epoch + 1)
    after = await stores.alice()
    assert (after.user, after.policies, after.epoch) == (moved, before.policies, epoch)
    assert (before.facts.iam_resource, after.facts.iam_resource) == ("user/alice", "user/x/Alicia")
    assert (await stores.groups.members(ID, "Team", first())).items == (moved,)
    assert await stores.attachments.facts(ID, Entity(EntityKind.USER, "Alicia")) == EntityFacts(
        "/x/", (Tag("a", "b"),), ADMINISTRATOR
    )
    assert await stores.attachments.facts(ID, ALICE_ENTITY) is None
    # What is empty stays.
    assert (await stores.directory.update_user(ID, "Alicia", "", "/y/"))[0] == replace(moved, path="/y/")
    assert (await stores.directory.update_user(ID, "Alicia", "ALICIA", ""))[0].user_name == "ALICIA"
    assert (await stores.directory.update_user(ID, "ALICIA", "", ""))[0].path == "/y/"
    for call, expected in (
        (stores.directory.update_user(ID, "ALICIA", "BOB", ""), "RESOURCE_EXISTS"),
        (stores.directory.update_user(ID, "alicia", "carol", ""), "RESOURCE_NOT_FOUND"),
    ):
        assert await reason(call) == expected
    assert (await stores.directory.users(ID, first())).items[0].user_name == "ALICIA"


async def test_a_group_takes_everything_along(stores: Stores) -> None:
    await stores.groups.add_member(ID, "Team", "alice", 9)
    await stores.inline.put_policy(group_policy("p", "{of the group}"), 99)
    before = await stores.alice()
    moved = replace(TEAM, group_name="Crew", path="/x/")
    assert await stores.groups.update_group(ID, "Team", "Crew", "/x/") == (moved, before.epoch + 1)
    assert await stores.groups.group(ID, "Crew") == moved
    assert (await stores.alice()).policies == before.policies
    assert await reason(stores.groups.group(ID, "Team")) == "RESOURCE_NOT_FOUND"
    assert (await stores.groups.groups(ID, first(), "/x/")).items == (moved,)
    assert (await stores.groups.groups(ID, first(), "/y/")).items == ()
    await stores.groups.create_group(TEAM.__class__(ID, "Other", "AGPA2", NOW), 9)
    assert await reason(stores.groups.update_group(ID, "Other", "CREW", "")) == "RESOURCE_EXISTS"


async def test_managed_policies_are_named_by_their_whole_arn(stores: Stores) -> None:
    made = await stores.managed_policy("P", reference=PolicyReference(ID, "P", "/x/"), tags=(Tag("a", ""),))
    found = await stores.managed.managed_policy(ID, made)
    assert (found.reference, found.tags) == (made, (Tag("a", ""),))
    elsewhere = PolicyReference(ID, "P")
    for call in (
        stores.managed.managed_policy(ID, elsewhere),
        stores.managed.delete_policy(elsewhere),
        stores.attachments.attach(ID, ALICE_ENTITY, elsewhere, 9),
        stores.managed.managed_policy(ID, PolicyReference("aws", "AdministratorAccess", "/x/")),
    ):
        assert await reason(call) == "RESOURCE_NOT_FOUND"
    taken = stores.managed_policy("p", policy_id="ANPA2")
    assert await reason(taken) == "RESOURCE_EXISTS", "the name alone is unique"
    await stores.attachments.attach(ID, ALICE_ENTITY, made, 9)
    await stores.attachments.put_boundary(ID, Entity(EntityKind.USER, "bob"), ADMINISTRATOR)

    async def listed(**wanted: object) -> list[PolicyReference]:
        page = await stores.managed.managed_policies(ID, PolicyFilter(**wanted), first())  # type: ignore[arg-type]
        return [each.reference for each in page.items]

    assert await listed(path_prefix="/x/") == [made]
    assert made not in await listed(path_prefix="/y/")
    assert await listed(usage=PolicyUsage.PERMISSIONS) == await listed(only_attached=True) == [made]
    assert await listed(usage=PolicyUsage.BOUNDARY) == [ADMINISTRATOR]
    assert await listed(usage=PolicyUsage.BOUNDARY, only_attached=True) == []
    assert await listed(scope=PolicyScope.LOCAL, usage=PolicyUsage.BOUNDARY) == []
    attached = stores.attachments.attached
    assert (await attached(ID, ALICE_ENTITY, first(), "/x/")).items == (made,)
    assert (await attached(ID, ALICE_ENTITY, first(), "/y/")).items == ()
    await stores.attachments.detach(ID, ALICE_ENTITY, made)
    # Its tags go with it.
    await stores.managed.delete_policy(made)
    again = await stores.managed_policy("P")
    assert (await stores.managed.managed_policy(ID, again)).tags == ()


async def test_a_role_begins_with_boundary_and_tags(stores: Stores, database: Database) -> None:
    role = replace(ROLE, path="/x/")
    missing = stores.roles.create_role(role, 99, PolicyReference(ID, "nothing"), (Tag("a", "b"),))
    assert await reason(missing) == "RESOURCE_NOT_FOUND"
    assert await reason(stores.roles.role(ID, "Reader")) == "RESOURCE_NOT_FOUND"
    await stores.roles.create_role(role, 99, ADMINISTRATOR, (Tag("a", "b"),))
    details = await stores.roles.role_details(ID, "Reader")
    assert (details.role, details.boundary, details.tags) == (role, ADMINISTRATOR, (Tag("a", "b"),))
    assert (await stores.roles.roles(ID, first(), "/x/")).items == (role,)
    assert (await stores.roles.roles(ID, first(), "/x/y")).items == ()
    found = await stores.principals.named(IamEntity(ID, "role", "Reader", "/x/"))
    assert (found.unique_id, found.facts.iam_resource) == (ROLE.role_id, "role/x/Reader")
    for nobody in (
        IamEntity(ID, "role", "Reader"),
        IamEntity(ID, "user", "alice", "/x/"),
        IamEntity(ID, "group", "Team"),
    ):
        assert await reason(stores.principals.named(nobody)) == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize("entity", [ALICE_ENTITY, TEAM_ENTITY, ROLE_ENTITY])
async def test_who_uses_a_policy_is_listed_below_a_path(stores: Stores, entity: Entity) -> None:
    await stores.roles.create_role(ROLE, 99)
    await stores.attachments.attach(ID, entity, ADMINISTRATOR, 9)
    await stores.directory.update_user(ID, BOB.user_name, "", "/x/")
    await stores.attachments.attach(ID, Entity(EntityKind.USER, "bob"), ADMINISTRATOR, 9)

    async def below(prefix: str) -> list[str]:
        page = await stores.attachments.entities(ID, ADMINISTRATOR, PolicyUsage.ANY, None, first(), prefix)
        return [each.name for each in page.items]

    assert await below("/x/") == ["bob"]
    assert sorted(await below("/")) == sorted([entity.name, "bob"])
