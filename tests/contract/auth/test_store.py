"""The contract of auth's stores, held against every adapter."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import services.auth.wiring  # noqa: F401 - names every adapter, and so defines every table
from services.auth.adapters.sql_agreements import SqlAgreements
from services.auth.adapters.sql_credentials import SqlCredentials
from services.auth.adapters.sql_directory import SqlDirectory
from services.auth.adapters.sql_inline_policies import SqlInlinePolicies
from services.auth.adapters.tables import METADATA
from services.auth.domain.identity import Entity, EntityKind, InlinePolicy
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import (
    AccessKey,
    Account,
    Agreement,
    Installation,
    KeyStatus,
    TokenKeyRecord,
    User,
)
from services.auth.ports.credentials import CredentialStore
from services.auth.ports.directory import DirectoryStore
from services.auth.ports.identity import InlinePolicyStore
from services.auth.ports.model_access import AgreementStore
from services.chassis.database import Database
from services.chassis.errors import DomainError
from services.chassis.policy.bundle import PolicyBundle
from tests.fakes.databases import KINDS, empty_database, make_schema, replica

REVISIONS = Path(__file__).parents[3] / "services" / "auth" / "adapters" / "migrations"
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ACCOUNT = Account("123456789012", "i1", "first", NOW)
OTHER = Account("210987654321", "i2", "second", NOW)
ALICE = User(ACCOUNT.account_id, "alice", "AIDAALICE", NOW)
ALICE_ENTITY = Entity(EntityKind.USER, "alice")


@dataclass(frozen=True)
class Stores:
    """The ports over one store."""

    directory: DirectoryStore
    policies: InlinePolicyStore
    agreements: AgreementStore
    credentials: CredentialStore


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(empty_database(request.param, tmp_path))
    make_schema(database, REVISIONS)
    yield database
    await database.close()


def stores_of(database: Database) -> Stores:
    return Stores(
        SqlDirectory(database),
        SqlInlinePolicies(database),
        SqlAgreements(database),
        SqlCredentials(database),
    )


@pytest.fixture
async def stores(database: Database) -> Stores:
    made = stores_of(database)
    await made.directory.create_account(ACCOUNT, None, None)
    await made.directory.create_user(ALICE, 99)
    return made


def key(number: int, user: User | None = ALICE, **changes: Any) -> AccessKey:
    made = AccessKey(
        f"AKIA{number:016d}", ACCOUNT.account_id, user, KeyStatus.ACTIVE, b"sealed", NOW + timedelta(number)
    )
    return replace(made, **changes)


def policy(name: str, user: User = ALICE, text: str = "{}") -> InlinePolicy:
    return InlinePolicy(user.account_id, Entity(EntityKind.USER, user.user_name), name, f" {text}", text, NOW)


def first(size: int = 100) -> PageRequest:
    return PageRequest.parse(size, "")


async def reason(call: Awaitable[Any]) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.reason_name


async def test_the_schema_is_what_the_tables_say(database: Database) -> None:
    def difference(connection: sa.Connection) -> list[object]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        return compare_metadata(MigrationContext.configure(connection), METADATA)

    assert await database.read(difference) == []


async def test_bootstrapping_happens_once(stores: Stores) -> None:
    assert await stores.directory.installation() is None
    boss = User(OTHER.account_id, "boss", "AIDABOSS", NOW)
    installation = Installation(OTHER.account_id, "o-abcdefghij")
    made = (OTHER, boss, policy("all", boss), key(1, boss, account_id=OTHER.account_id))
    results = await asyncio.gather(
        *(stores.directory.bootstrap(installation, *made) for _ in range(4)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, DomainError)]
    assert [each.reason_name for each in refused] == ["ALREADY_BOOTSTRAPPED"] * 3
    assert await stores.directory.installation() == installation
    state = await stores.credentials.principal_state(key(1).access_key_id)
    assert state is not None
    assert (state.user, state.policies) == (boss, PolicyBundle(("{}",)))


async def test_accounts_are_unique_and_listed_by_id(stores: Stores) -> None:
    await stores.directory.create_account(OTHER, "r", None)
    assert await reason(stores.directory.create_account(OTHER, None, None)) == "RESOURCE_EXISTS"
    third = replace(OTHER, account_id="000000000001")
    assert await reason(stores.directory.create_account(third, "r", None)) == "RESOURCE_EXISTS"
    assert await stores.directory.account_of_request("r") == (OTHER, None)
    assert await stores.directory.account_of_request("s") is None
    assert await stores.directory.account(ACCOUNT.account_id) == ACCOUNT
    assert await reason(stores.directory.account("000000000001")) == "RESOURCE_NOT_FOUND"
    page = await stores.directory.accounts(first(1))
    assert page.items == (ACCOUNT,)
    page = await stores.directory.accounts(PageRequest.parse(1, page.next_token))
    assert page.items == (OTHER,)
    assert page.next_token == ""


async def test_what_a_request_created_can_be_asked_again(stores: Stores) -> None:
    boss = User(OTHER.account_id, "boss", "AIDABOSS", NOW)
    boss_key = key(1, boss, account_id=OTHER.account_id)
    await stores.directory.create_account(OTHER, "r", (boss, policy("all", boss), boss_key))
    assert await stores.directory.account_of_request("r") == (OTHER, boss_key)
    await stores.directory.delete_access_key(OTHER.account_id, "boss", boss_key.access_key_id)
    assert await stores.directory.account_of_request("r") == (OTHER, None)


async def test_user_names_differ_by_more_than_case(stores: Stores) -> None:
    again = replace(ALICE, user_id="AIDA2", user_name="Alice")
    assert await reason(stores.directory.create_user(again, 99)) == "RESOURCE_EXISTS"
    assert await stores.directory.user(ACCOUNT.account_id, "alice") == ALICE
    assert await reason(stores.directory.user(ACCOUNT.account_id, "Alice")) == "RESOURCE_NOT_FOUND"
    assert await reason(stores.directory.user(OTHER.account_id, "alice")) == "RESOURCE_NOT_FOUND"
    nobody = replace(ALICE, account_id="000000000001")
    assert await reason(stores.directory.create_user(nobody, 99)) == "RESOURCE_NOT_FOUND"


async def test_an_account_has_a_limit_of_users(stores: Stores) -> None:
    bob = User(ACCOUNT.account_id, "bob", "AIDABOB", NOW)
    assert await reason(stores.directory.create_user(bob, 1)) == "QUOTA_EXCEEDED"
    await stores.directory.create_user(bob, 2)


async def test_pages_of_users_are_whole(stores: Stores) -> None:
    names = [f"u{number}" for number in range(7)]
    for name in names:
        await stores.directory.create_user(User(ACCOUNT.account_id, name, f"AIDA{name}", NOW), 99)
    found: list[str] = []
    request = first(3)
    while True:
        page = await stores.directory.users(ACCOUNT.account_id, request)
        found += [user.user_name for user in page.items]
        if not page.next_token:
            break
        request = PageRequest.parse(3, page.next_token)
    assert found == ["alice", *names]


async def test_a_user_is_deleted_when_nothing_hangs_on_it(stores: Stores) -> None:
    await stores.directory.create_access_key(key(1), 2)
    await stores.policies.put_policy(policy("p"), 99)
    assert await reason(stores.directory.delete_user(ACCOUNT.account_id, "alice")) == "RESOURCE_STATE"
    await stores.directory.delete_access_key(ACCOUNT.account_id, "alice", key(1).access_key_id)
    assert await reason(stores.directory.delete_user(ACCOUNT.account_id, "alice")) == "RESOURCE_STATE"
    await stores.policies.delete_policy(ACCOUNT.account_id, ALICE_ENTITY, "p")
    await stores.directory.delete_user(ACCOUNT.account_id, "alice")
    assert await reason(stores.directory.delete_user(ACCOUNT.account_id, "alice")) == "RESOURCE_NOT_FOUND"


async def test_keys_have_a_limit_that_racing_callers_keep(stores: Stores) -> None:
    results = await asyncio.gather(
        *(stores.directory.create_access_key(key(number), 2) for number in range(6)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, DomainError)]
    assert [each.reason_name for each in refused] == ["QUOTA_EXCEEDED"] * 4
    # root's keys are counted for themselves.
    await stores.directory.create_access_key(key(7, None), 2)
    page = await stores.directory.access_keys(ACCOUNT.account_id, "alice", first())
    assert len(page.items) == 2


async def test_keys_are_listed_as_they_were_created(stores: Stores) -> None:
    for number in (3, 1, 2):
        await stores.directory.create_access_key(key(number), 3)
    page = await stores.directory.access_keys(ACCOUNT.account_id, "alice", first(2))
    assert page.items == (key(1), key(2))
    page = await stores.directory.access_keys(
        ACCOUNT.account_id, "alice", PageRequest.parse(2, page.next_token)
    )
    assert (page.items, page.next_token) == ((key(3),), "")


async def test_a_key_is_changed_through_its_owner_alone(stores: Stores) -> None:
    bob = User(ACCOUNT.account_id, "bob", "AIDABOB", NOW)
    await stores.directory.create_user(bob, 99)
    await stores.directory.create_access_key(key(1), 2)
    await stores.directory.create_access_key(key(2, None), 2)
    inactive = KeyStatus.INACTIVE
    change = stores.directory.set_key_status
    account, first_key, root_key = ACCOUNT.account_id, key(1).access_key_id, key(2).access_key_id
    for owner, named in (("bob", first_key), (None, first_key), ("alice", root_key)):
        assert await reason(change(account, owner, named, inactive)) == "RESOURCE_NOT_FOUND"
        assert await reason(stores.directory.delete_access_key(account, owner, named)) == "RESOURCE_NOT_FOUND"
    changed, _epoch = await change(account, "alice", first_key, inactive)
    assert changed == key(1, status=inactive)
    state = await stores.credentials.principal_state(first_key)
    assert state is not None
    assert state.access_key.status is inactive


async def test_a_key_made_for_a_deleted_user_is_not_given_to_the_next_one(stores: Stores) -> None:
    await stores.directory.delete_user(ACCOUNT.account_id, "alice")
    await stores.directory.create_user(replace(ALICE, user_id="AIDASECOND"), 99)
    assert await reason(stores.directory.create_access_key(key(1), 2)) == "RESOURCE_STATE"


async def test_every_change_raises_the_epoch_and_a_failed_one_leaves_nothing(stores: Stores) -> None:
    await stores.directory.create_access_key(key(1), 2)

    async def epoch() -> int:
        state = await stores.credentials.principal_state(key(1).access_key_id)
        assert state is not None
        return state.epoch

    before = await epoch()
    account, agreement = ACCOUNT.account_id, an_agreement()
    changes = (
        lambda: stores.directory.create_access_key(key(2), 2),
        lambda: stores.policies.put_policy(policy("p"), 99),
        lambda: stores.agreements.put_agreement(agreement),
        lambda: stores.agreements.delete_agreement(account, agreement.region, agreement.model_id),
        lambda: stores.policies.delete_policy(account, ALICE_ENTITY, "p"),
        lambda: stores.directory.delete_access_key(account, "alice", key(2).access_key_id),
        lambda: stores.directory.create_user(User(account, "bob", "AIDABOB", NOW), 99),
        lambda: stores.directory.delete_user(account, "bob"),
    )
    for change in changes:
        told = await change()
        assert told == await epoch() > before
        before = told
    for call in (
        stores.directory.delete_user(account, "alice"),
        stores.directory.create_user(ALICE, 99),
        stores.policies.delete_policy(account, ALICE_ENTITY, "p"),
    ):
        await reason(call)
    assert await epoch() == before


def an_agreement(**changes: Any) -> Agreement:
    made = Agreement(ACCOUNT.account_id, "us-east-1", "craton.m", "offer-1", "ab", NOW, "arn:aws:iam::1:root")
    return replace(made, **changes)


async def test_an_agreement_is_of_one_region_and_one_text(stores: Stores) -> None:
    await stores.directory.create_access_key(key(1), 2)
    await stores.agreements.put_agreement(an_agreement())
    # The first acceptance stays the record of it.
    await stores.agreements.put_agreement(an_agreement(accepted_by="somebody else"))
    found = await stores.agreements.agreement(ACCOUNT.account_id, "us-east-1", "craton.m")
    assert found == an_agreement()
    assert await stores.agreements.agreement(ACCOUNT.account_id, "eu-west-1", "craton.m") is None
    await stores.agreements.put_agreement(an_agreement(eula_sha256="cd"))
    await stores.agreements.put_agreement(an_agreement(region="eu-west-1"))
    state = await stores.credentials.principal_state(key(1).access_key_id)
    assert state is not None
    assert state.entitlements == (("eu-west-1", "craton.m", "ab"), ("us-east-1", "craton.m", "cd"))
    delete = stores.agreements.delete_agreement
    assert await delete(ACCOUNT.account_id, "us-east-1", "craton.m") is not None
    assert await delete(ACCOUNT.account_id, "us-east-1", "craton.m") is None


async def test_the_use_case_form_is_replaced(stores: Stores) -> None:
    assert await stores.agreements.use_case(ACCOUNT.account_id) is None
    for content in (b"one", b"two"):
        await stores.agreements.put_use_case(ACCOUNT.account_id, content)
        assert await stores.agreements.use_case(ACCOUNT.account_id) == content


async def test_a_principal_is_read_with_all_that_decides_about_it(stores: Stores) -> None:
    assert await stores.credentials.principal_state("AKIANOBODY") is None
    await stores.directory.create_access_key(key(1), 2)
    await stores.directory.create_access_key(key(2, None), 2)
    for name, text in (("b", "{2}"), ("a", "{1}")):
        await stores.policies.put_policy(policy(name, text=text), 99)
    alice = await stores.credentials.principal_state(key(1).access_key_id)
    root = await stores.credentials.principal_state(key(2).access_key_id)
    assert alice is not None
    assert root is not None
    assert (alice.account, alice.user, alice.access_key, alice.policies) == (
        ACCOUNT,
        ALICE,
        key(1),
        PolicyBundle(("{1}", "{2}")),
    )
    assert (root.account, root.user, root.policies) == (ACCOUNT, None, PolicyBundle())


def token_key(number: int) -> TokenKeyRecord:
    return TokenKeyRecord(f"k{number}", b"public", b"sealed", NOW + timedelta(days=number))


async def test_of_two_replicas_that_rotate_at_once_one_succeeds(stores: Stores) -> None:
    store = stores.credentials
    assert await store.token_keys() == []
    results = await asyncio.gather(*(store.replace_token_key(token_key(n), None) for n in range(4)))
    assert sorted(results) == [False, False, False, True]
    (winner,) = await store.token_keys()
    assert not await store.replace_token_key(token_key(5), "k-unknown")
    assert await store.replace_token_key(token_key(5), winner.key_id)
    assert await store.token_keys() == [token_key(5), winner]
    await store.delete_token_keys([winner.key_id])
    await store.delete_token_keys([])
    assert await store.token_keys() == [token_key(5)]


async def test_a_signature_is_remembered_across_restarts(stores: Stores, database: Database) -> None:
    until = NOW + timedelta(minutes=10)
    seen = stores.credentials.first_seen
    assert await seen(b"s" * 32, NOW, until) == NOW
    later = NOW + timedelta(seconds=3)
    assert await seen(b"s" * 32, later, until) == NOW
    async with replica(database) as again:
        assert await SqlCredentials(again).first_seen(b"s" * 32, later, until) == NOW
    much_later = NOW + timedelta(minutes=11)
    assert await seen(b"t" * 32, much_later, until) == much_later
    assert await seen(b"s" * 32, much_later, until) == much_later


async def test_it_is_known_whether_any_was_dated_ahead(stores: Stores, database: Database) -> None:
    store, until = stores.credentials, NOW + timedelta(minutes=10)
    await store.first_seen(b"a" * 32, NOW, until)
    assert not await store.any_ahead(NOW)
    await store.first_seen(b"b" * 32, NOW, until, ahead=True)
    async with replica(database) as again:
        assert await SqlCredentials(again).any_ahead(NOW)
    assert await store.any_ahead(until)
    assert not await store.any_ahead(until + timedelta(seconds=1))


async def test_signatures_are_recalled_by_their_first_time(stores: Stores, database: Database) -> None:
    until = NOW + timedelta(minutes=10)
    for number in range(3):
        await stores.credentials.first_seen(bytes([number]) * 32, NOW + timedelta(seconds=number), until)
    digests = [bytes([number]) * 32 for number in range(5)]
    async with replica(database) as again:
        for store in (stores.credentials, SqlCredentials(again)):
            seen_before = store.seen_before
            assert await seen_before(digests, NOW) == frozenset()
            assert await seen_before(digests, NOW + timedelta(seconds=2)) == set(digests[:2])
            assert await seen_before(digests[1:], NOW + timedelta(hours=1)) == set(digests[1:3])


async def test_replicas_keep_limits_and_count_every_change(stores: Stores, database: Database) -> None:
    await stores.directory.create_access_key(key(0), 2)
    before = await stores.credentials.principal_state(key(0).access_key_id)
    assert before is not None
    async with replica(database) as another:
        replicas = (stores, stores_of(another))
        results = await asyncio.gather(
            *(replicas[n % 2].policies.put_policy(policy(f"p{n}"), 10) for n in range(12)),
            *(
                replicas[n % 2].directory.create_user(User(ACCOUNT.account_id, f"u{n}", f"AIDA{n}", NOW), 4)
                for n in range(12)
            ),
            return_exceptions=True,
        )
    refused = [each for each in results if isinstance(each, DomainError)]
    assert [each.reason_name for each in refused] == ["QUOTA_EXCEEDED"] * 16
    epochs = sorted(each for each in results if isinstance(each, int))
    assert epochs == [before.epoch + number for number in range(1, 9)]


async def test_replicas_give_a_name_to_one_user(stores: Stores, database: Database) -> None:
    async with replica(database) as another:
        replicas = (stores, stores_of(another))
        names = [f"Bob{'b' * (n % 2)}".swapcase() if n % 4 > 1 else f"Bob{'b' * (n % 2)}" for n in range(12)]
        results = await asyncio.gather(
            *(
                replicas[n % 2].directory.create_user(User(ACCOUNT.account_id, name, f"AIDA{n}", NOW), 99)
                for n, name in enumerate(names)
            ),
            return_exceptions=True,
        )
    refused = [each for each in results if isinstance(each, DomainError)]
    assert [each.reason_name for each in refused] == ["RESOURCE_EXISTS"] * 10
    assert len([each for each in results if isinstance(each, int)]) == 2


async def test_replicas_remember_one_first_time(stores: Stores, database: Database) -> None:
    until = NOW + timedelta(minutes=10)
    async with replica(database) as another:
        replicas = (stores, stores_of(another))
        seen = await asyncio.gather(
            *(
                replicas[n % 2].credentials.first_seen(b"s" * 32, NOW + timedelta(seconds=n), until)
                for n in range(20)
            )
        )
    assert len(set(seen)) == 1


async def test_a_change_is_seen_by_replicas_at_once(stores: Stores, database: Database) -> None:
    await stores.directory.create_access_key(key(0), 2)
    async with replica(database) as another:
        for status in (KeyStatus.INACTIVE, KeyStatus.ACTIVE) * 10:
            account, key_id = ACCOUNT.account_id, key(0).access_key_id
            await stores.directory.set_key_status(account, "alice", key_id, status)
            state = await stores_of(another).credentials.principal_state(key_id)
            assert state is not None
            assert state.access_key.status is status
