"""The contract of the store of service-specific credentials."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from services.auth.adapters.sql_credentials import SqlCredentials
from services.auth.adapters.sql_directory import SqlDirectory
from services.auth.adapters.sql_service_credentials import SqlServiceCredentials
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import KeyStatus, ServiceCredential, User
from services.auth.ports.service_credentials import ServiceCredentialStore
from services.chassis.database import Database
from tests.contract.auth.test_store import ACCOUNT, ALICE, NOW, OTHER, REVISIONS, reason
from tests.fakes.databases import KINDS, empty_database, make_schema

SERVICE = "bedrock.amazonaws.com"
EVERYTHING = PageRequest.parse(0, "")


@dataclass(frozen=True)
class Stores:
    keys: ServiceCredentialStore
    directory: SqlDirectory
    credentials: SqlCredentials


@pytest.fixture(params=KINDS)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    database = Database(empty_database(request.param, tmp_path))
    make_schema(database, REVISIONS)
    found = Stores(SqlServiceCredentials(database), SqlDirectory(database), SqlCredentials(database))
    for account in (ACCOUNT, OTHER):
        await found.directory.create_account(account, None, None)
    await found.directory.create_user(ALICE, 99)
    yield found
    await database.close()


async def create(
    stores: Stores, name: str, user: User = ALICE, age: timedelta | None = None
) -> ServiceCredential:
    expires = None if age is None else NOW + age
    made, _ = await stores.keys.create(name, user, SERVICE, name[:1].encode() * 32, NOW, expires, 2)
    return made


async def test_a_credential_is_what_was_stored(stores: Stores) -> None:
    made = await create(stores, "A" * 21, age=timedelta(days=30))
    assert (made.alias, made.generation, made.status) == ("alice-at-123456789012", 0, KeyStatus.ACTIVE)
    assert (made.user, made.secret_sha256, made.service_name) == (ALICE, b"A" * 32, SERVICE)
    assert (made.created_at, made.expires_at) == (NOW, NOW + timedelta(days=30))
    assert await stores.keys.by_alias(made.alias) == made
    assert await stores.keys.by_alias("ALICE-at-123456789012") is None, "the case counts"
    state = await stores.credentials.principal_state(made.credential_id)
    assert state is not None
    assert (state.service_credential, state.user, state.session) == (made, ALICE, None)
    assert (state.access_key.access_key_id, state.access_key.sealed_secret) == (made.credential_id, b"")


async def test_a_user_has_at_most_two_under_different_aliases(stores: Stores) -> None:
    first, second = await create(stores, "A" * 21), await create(stores, "B" * 21)
    assert (first.alias, second.alias) == ("alice-at-123456789012", "alice+1-at-123456789012")
    assert await reason(create(stores, "C" * 21)) == "QUOTA_EXCEEDED"
    await stores.keys.delete(ACCOUNT.account_id, "alice", first.credential_id)
    assert (await create(stores, "C" * 21)).alias == first.alias
    # Another user's name can look like the second alias of this one.
    plus = User(ACCOUNT.account_id, "alice+1", "AIDAPLUS", NOW)
    await stores.directory.create_user(plus, 99)
    assert (await create(stores, "D" * 21, plus)).alias == "alice+1+1-at-123456789012"


async def test_concurrent_creations_stay_within_the_limit(stores: Stores) -> None:
    results = await asyncio.gather(
        *(create(stores, letter * 21) for letter in "ABCDEF"), return_exceptions=True
    )
    made = [each for each in results if isinstance(each, ServiceCredential)]
    assert len(made) == 2
    assert len({each.alias for each in made}) == 2


async def test_changes_raise_the_epoch_and_the_generation(stores: Stores) -> None:
    made = await create(stores, "A" * 21)
    account, name = ACCOUNT.account_id, made.credential_id
    inactive, before = await stores.keys.set_status(account, "alice", name, KeyStatus.INACTIVE)
    assert inactive.status is KeyStatus.INACTIVE
    state = await stores.credentials.principal_state(name)
    assert state is not None
    assert (state.epoch, state.access_key.status) == (before, KeyStatus.INACTIVE)
    replaced, after = await stores.keys.replace_secret(account, "alice", name, b"Z" * 32)
    assert (replaced.secret_sha256, replaced.generation, after) == (b"Z" * 32, 1, before + 1)
    assert replaced.status is KeyStatus.INACTIVE, "a new secret does not activate"
    assert (await stores.keys.by_alias(made.alias)) == replaced
    assert await stores.keys.delete(account, "alice", name) == after + 1
    assert await stores.keys.by_alias(made.alias) is None
    assert await stores.credentials.principal_state(name) is None


async def test_a_credential_is_its_users_alone(stores: Stores) -> None:
    made = await create(stores, "A" * 21)
    bob = User(ACCOUNT.account_id, "bob", "AIDABOB", NOW)
    namesake = User(OTHER.account_id, "alice", "AIDAOTHER", NOW)
    for user in (bob, namesake):
        await stores.directory.create_user(user, 99)
    for account, user in ((ACCOUNT, "bob"), (OTHER, "alice"), (ACCOUNT, "nobody")):
        arguments = (account.account_id, user, made.credential_id)
        assert await reason(stores.keys.delete(*arguments)) == "RESOURCE_NOT_FOUND"
        assert await reason(stores.keys.replace_secret(*arguments, b"x" * 32)) == "RESOURCE_NOT_FOUND"
        changed = stores.keys.set_status(*arguments, KeyStatus.INACTIVE)
        assert await reason(changed) == "RESOURCE_NOT_FOUND"
    assert await stores.keys.by_alias(made.alias) == made


async def test_a_user_with_credentials_is_not_deleted(stores: Stores) -> None:
    made = await create(stores, "A" * 21)
    assert await reason(stores.directory.delete_user(ACCOUNT.account_id, "alice")) == "RESOURCE_STATE"
    await stores.keys.delete(ACCOUNT.account_id, "alice", made.credential_id)
    await stores.directory.delete_user(ACCOUNT.account_id, "alice")
    assert await reason(create(stores, "B" * 21)) == "RESOURCE_NOT_FOUND"
    await stores.directory.create_user(User(ACCOUNT.account_id, "alice", "AIDANEW", NOW), 99)
    assert await reason(create(stores, "B" * 21)) == "RESOURCE_STATE", "it is another user"


async def test_listing_of_a_user_and_of_all(stores: Stores) -> None:
    users = [User(ACCOUNT.account_id, f"user{number}", f"AIDA{number}", NOW) for number in range(3)]
    for user in users:
        await stores.directory.create_user(user, 99)
    made = [await create(stores, f"{letter}" * 21, users["AABBCC".index(letter) // 2]) for letter in "ABC"]
    account = ACCOUNT.account_id
    every = await stores.keys.credentials(account, None, "", EVERYTHING)
    assert list(every.items) == made
    found, token = [], ""
    while True:
        page = await stores.keys.credentials(account, None, SERVICE, PageRequest.parse(2, token))
        found += page.items
        token = page.next_token
        if not token:
            break
    assert found == made
    mine = await stores.keys.credentials(account, "user1", SERVICE, EVERYTHING)
    assert [each.user.user_name for each in mine.items] == ["user1"]
    assert not (await stores.keys.credentials(OTHER.account_id, None, "", EVERYTHING)).items
    assert not (await stores.keys.credentials(account, None, "codecommit.amazonaws.com", EVERYTHING)).items
