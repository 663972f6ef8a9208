"""Every change of identities raises the account's epoch."""

from dataclasses import replace

from services.auth.domain.identity import (
    ManagedPolicy,
    PolicyReference,
    PolicyVersion,
    Tag,
)
from tests.contract.auth.identity_stores import ID, TEAM, TEAM_ENTITY, Stores, group_policy
from tests.contract.auth.test_store import ALICE_ENTITY, NOW, reason


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
        lambda: stores.inline.put_policy(group_policy("p"), 99),
        lambda: stores.inline.delete_policy(ID, TEAM_ENTITY, "p"),
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
