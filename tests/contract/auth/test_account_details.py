"""The contract of stores of what an account has altogether, and of the last use of keys."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.auth.adapters.sql_account_details import SqlAccountDetails
from services.auth.adapters.sql_key_uses import SqlKeyUses
from services.auth.domain.account_details import DetailKind, IdentityCounts, KeyUse
from services.auth.domain.identity import PolicyReference, Tag
from services.auth.domain.pages import PageRequest
from services.auth.ports.account import AccountDetailStore, KeyUseStore
from services.chassis.database import Database
from tests.contract.auth.identity_stores import (
    ADMINISTRATOR,
    ID,
    ROLE,
    ROLE_ENTITY,
    TEAM,
    TEAM_ENTITY,
    Stores,
    group_policy,
)
from tests.contract.auth.test_store import ALICE_ENTITY, NOW, OTHER, first, key, policy, reason
from tests.fakes.databases import replica

ALL = frozenset(DetailKind)


@pytest.fixture
def account(database: Database) -> AccountDetailStore:
    return SqlAccountDetails(database)


@pytest.fixture
def uses(database: Database) -> KeyUseStore:
    return SqlKeyUses(database)


@pytest.fixture
async def filled(stores: Stores) -> Stores:
    """Something of every kind, with all that can hang on it."""
    made = await stores.managed_policy("P", "{1}")
    await stores.version(made, "{2}", as_default=True)
    await stores.roles.create_role(ROLE, 99, ADMINISTRATOR, (Tag("a", "b"),))
    await stores.inline.put_policy(policy("p"), 99)
    await stores.inline.put_policy(group_policy("p"), 99)
    await stores.groups.add_member(ID, "Team", "alice", 9)
    for entity in (ALICE_ENTITY, TEAM_ENTITY, ROLE_ENTITY):
        await stores.attachments.attach(ID, entity, made, 9)
    await stores.attachments.attach(ID, ROLE_ENTITY, ADMINISTRATOR, 9)
    await stores.directory.create_account(OTHER, None, None)
    await stores.groups.create_group(replace(TEAM, account_id=OTHER.account_id, group_id="AGPA2"), 9)
    return stores


async def test_counts_are_those_of_the_account(filled: Stores, account: AccountDetailStore) -> None:
    counted = IdentityCounts(users=2, groups=1, roles=1, policies=1, policy_versions=2, root_keys=0)
    assert await account.counts(ID) == counted
    await filled.directory.create_access_key(key(7, None), 2)
    assert (await account.counts(ID)).root_keys == 1
    assert await account.counts(OTHER.account_id) == IdentityCounts(0, 1, 0, 0, 0, 0)


async def test_details_come_in_pages_of_any_size(filled: Stores, account: AccountDetailStore) -> None:
    whole = (await account.details(ID, ALL, first())).items
    assert [each.position for each in whole] == sorted(each.position for each in whole)
    assert len(whole) == 6
    for size in range(1, 7):
        found, request = [], first(size)
        while True:
            page = await account.details(ID, ALL, request)
            assert 0 < len(page.items) <= size
            found += page.items
            if not page.next_token:
                break
            request = PageRequest.parse(size, page.next_token)
        assert tuple(found) == whole
    for kind in DetailKind:
        (*some,) = (await account.details(ID, frozenset({kind}), first())).items
        assert some == [each for each in whole if each.position.startswith(kind.value)]
        assert some


async def test_details_hold_all_that_hangs_on_an_entity(filled: Stores, account: AccountDetailStore) -> None:
    alice, _bob, team, reader, built_in, own = (await account.details(ID, ALL, first())).items
    managed = PolicyReference(ID, "P")
    assert (alice.details, alice.group_names) == (await filled.tags.user_details(ID, "alice"), ("Team",))
    assert (alice.rights.inline, alice.rights.attached) == ((policy("p"),), (managed,))
    assert (team.group, team.rights.inline) == (TEAM, (group_policy("p"),))
    assert reader.details == await filled.roles.role_details(ID, "Reader")
    assert reader.rights.attached == (ADMINISTRATOR, managed)
    assert built_in.policy.reference == ADMINISTRATOR
    assert [each.number for each in own.versions] == [2, 1]
    assert own.policy.attachments == 3


async def test_one_alias_belongs_to_one_account(filled: Stores, account: AccountDetailStore) -> None:
    assert await account.alias(ID) == ""
    await account.set_alias(ID, "first")
    await account.set_alias(ID, "first")
    await account.set_alias(ID, "second")
    assert await account.alias(ID) == "second"
    assert await reason(account.set_alias(OTHER.account_id, "second")) == "RESOURCE_EXISTS"
    assert await reason(account.delete_alias(OTHER.account_id, "second")) == "RESOURCE_NOT_FOUND"
    assert await reason(account.delete_alias(ID, "first")) == "RESOURCE_NOT_FOUND"
    await account.set_alias(OTHER.account_id, "first")
    await account.delete_alias(ID, "second")
    assert (await account.alias(ID), await account.alias(OTHER.account_id)) == ("", "first")


async def test_the_newest_use_of_a_key_stays(stores: Stores, uses: KeyUseStore, database: Database) -> None:
    key_id, epoch = key(1).access_key_id, (await stores.alice()).epoch
    assert await uses.key_and_use(key_id) == (key(1), None)
    assert await uses.key_and_use("AKIANOBODY") is None
    early = KeyUse(key_id, NOW, "us-east-1", "iam")
    late = KeyUse(key_id, NOW + timedelta(seconds=1), "eu-west-1", "bedrock")
    await uses.record_uses([late, KeyUse("AKIANOBODY", NOW, "us-east-1", "iam")])
    await uses.record_uses([early])
    await uses.record_uses([])
    async with replica(database) as another:
        assert await SqlKeyUses(another).key_and_use(key_id) == (key(1), late)
    assert (await stores.alice()).epoch == epoch, "a use changes nothing that anybody leases"
    await stores.directory.delete_access_key(ID, "alice", key_id)
    assert await uses.key_and_use(key_id) is None
