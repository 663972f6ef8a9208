"""The contract of stores of groups."""

from dataclasses import replace

from services.auth.domain.pages import PageRequest
from tests.contract.auth.identity_stores import (
    ADMINISTRATOR,
    BOB,
    ID,
    TEAM,
    TEAM_ENTITY,
    Stores,
    group_policy,
)
from tests.contract.auth.test_store import (
    ALICE,
    OTHER,
    first,
    reason,
)


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
    await stores.inline.put_policy(group_policy("p"), 99)
    await stores.attachments.attach(ID, TEAM_ENTITY, ADMINISTRATOR, 9)
    for undo in (
        lambda: stores.groups.remove_member(ID, "Team", "alice"),
        lambda: stores.inline.delete_policy(ID, TEAM_ENTITY, "p"),
        lambda: stores.attachments.detach(ID, TEAM_ENTITY, ADMINISTRATOR),
    ):
        assert await reason(stores.groups.delete_group(ID, "Team")) == "RESOURCE_STATE"
        await undo()
    await stores.groups.delete_group(ID, "Team")
    assert await reason(stores.groups.group(ID, "Team")) == "RESOURCE_NOT_FOUND"
