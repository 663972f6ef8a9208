"""The contract of stores of inline policies, which is the same for users, groups and roles."""

from dataclasses import replace

import pytest

from services.auth.domain.identity import Entity, EntityKind, InlinePolicy
from services.auth.domain.pages import PageRequest
from tests.contract.auth.identity_stores import ID, ROLE, ROLE_ENTITY, TEAM, TEAM_ENTITY, Stores
from tests.contract.auth.test_store import ALICE_ENTITY, NOW, first, reason

ENTITIES = (ALICE_ENTITY, TEAM_ENTITY, ROLE_ENTITY)


def of(entity: Entity, name: str, text: str = "{}") -> InlinePolicy:
    """Return a policy of an entity."""
    return InlinePolicy(ID, entity, name, f" {text}", text, NOW)


@pytest.fixture
async def bearers(stores: Stores) -> Stores:
    """Stores in which all the entities are."""
    await stores.roles.create_role(ROLE, 99)
    return stores


@pytest.mark.parametrize("entity", ENTITIES)
async def test_policies_of_one_entity_share_their_room(bearers: Stores, entity: Entity) -> None:
    store = bearers.inline
    for other in ENTITIES:
        await store.put_policy(of(other, "b", "12345"), 10)
    await store.put_policy(of(entity, "a", "12345"), 10)
    assert await reason(store.put_policy(of(entity, "c", "1"), 10)) == "QUOTA_EXCEEDED"
    # Replacing counts the new text alone, and no text's white space.
    await store.put_policy(of(entity, "a", "5 4 3 2 1"), 10)
    assert await store.policy(ID, entity, "a") == of(entity, "a", "5 4 3 2 1")
    assert await reason(store.put_policy(of(entity, "a", "123456"), 10)) == "QUOTA_EXCEEDED"
    assert await store.policy(ID, entity, "a") == of(entity, "a", "5 4 3 2 1")


@pytest.mark.parametrize("entity", ENTITIES)
async def test_policies_are_listed_by_name_and_deleted(bearers: Stores, entity: Entity) -> None:
    store = bearers.inline
    for name in ("b", "a"):
        await store.put_policy(of(entity, name), 99)
    page = await store.policies(ID, entity, first(1))
    assert page.items == (of(entity, "a"),)
    page = await store.policies(ID, entity, PageRequest.parse(1, page.next_token))
    assert (page.items, page.next_token) == ((of(entity, "b"),), "")
    await store.delete_policy(ID, entity, "a")
    nobody = Entity(entity.kind, "nobody")
    for call in (
        store.policy(ID, entity, "a"),
        store.delete_policy(ID, entity, "a"),
        store.put_policy(of(nobody, "x"), 99),
        store.policies(ID, nobody, first()),
        store.policy(ID, Entity(entity.kind, entity.name.swapcase()), "b"),
    ):
        assert await reason(call) == "RESOURCE_NOT_FOUND"


async def test_an_entity_of_another_kind_has_others(bearers: Stores) -> None:
    await bearers.groups.create_group(replace(TEAM, group_id="AGPA2", group_name="alice"), 99)
    await bearers.inline.put_policy(of(ALICE_ENTITY, "p"), 99)
    group = Entity(EntityKind.GROUP, "alice")
    assert (await bearers.inline.policies(ID, group, first())).items == ()
