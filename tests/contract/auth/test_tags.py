"""The contract of stores of tags."""

from services.auth.domain.identity import (
    Entity,
    EntityKind,
    PolicyReference,
    Tag,
    UserDetails,
)
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import User
from tests.contract.auth.identity_stores import ADMINISTRATOR, BOB, ID, Stores
from tests.contract.auth.test_store import ALICE, ALICE_ENTITY, NOW, first, reason


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
