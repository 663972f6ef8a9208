"""The contract of stores of attachments: managed policies, boundaries."""

import asyncio

import pytest

from services.auth.domain.identity import (
    Entity,
    EntityKind,
    NamedEntity,
    PolicyReference,
    PolicyUsage,
)
from services.auth.domain.pages import PageRequest
from services.chassis.database import Database
from services.chassis.errors import DomainError
from tests.contract.auth.identity_stores import (
    ADMINISTRATOR,
    ID,
    ROLE,
    ROLE_ENTITY,
    TEAM_ENTITY,
    Stores,
)
from tests.contract.auth.test_store import (
    ALICE_ENTITY,
    OTHER,
    first,
    reason,
)
from tests.fakes.databases import replica


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
    with pytest.raises(DomainError) as caught:
        await stores.attachments.detach(ID, ALICE_ENTITY, made)
    arn = f"arn:aws:iam::{ID}:policy/{made.policy_name}"
    refusal = "RESOURCE_NOT_FOUND", f"Policy {arn} was not found."
    assert (caught.value.reason_name, caught.value.message) == refusal
    for call in (
        stores.attachments.attach(ID, Entity(EntityKind.USER, "nobody"), made, 9),
        stores.attachments.attach(ID, ALICE_ENTITY, PolicyReference(ID, "nothing"), 9),
        stores.attachments.delete_boundary(ID, TEAM_ENTITY),
    ):
        assert await reason(call) == "RESOURCE_NOT_FOUND"


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
