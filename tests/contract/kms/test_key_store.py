"""The contract of the key store, held against every adapter."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.chassis.database import Database
from services.kms.adapters.sql_keys import SqlInstallations, SqlKeyStore
from services.kms.adapters.tables import METADATA
from services.kms.domain.keys import Key, KeyParent, KeyState, KeyVersion
from services.kms.ports import CustodyError, Installation, KeyStore
from tests.fakes.databases import KINDS, empty_database, replica
from tests.fakes.key_store import MemoryKeyStore

REVISIONS = Path(__file__).parents[3] / "services" / "kms" / "adapters" / "migrations"
CREATED = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
PARENT = KeyParent.parse("accounts/123456789012/regions/us-east-1")


def a_key(key_id: str = "k1", parent: KeyParent = PARENT, incarnation: str = "i1") -> Key:
    return Key(parent.key(key_id), incarnation, KeyState.ENABLED, "what it is for", CREATED, 1)


def version(content: bytes = b"wrapped") -> KeyVersion:
    return KeyVersion(1, content, CREATED)


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(empty_database(request.param, tmp_path))
    database.migrate(REVISIONS)
    yield database
    await database.close()


@pytest.fixture(params=[*KINDS, "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KeyStore]:
    if request.param == "memory":
        yield MemoryKeyStore()
        return
    database = Database(empty_database(request.param, tmp_path))
    database.migrate(REVISIONS)
    yield SqlKeyStore(database)
    await database.close()


async def test_the_schema_is_what_the_tables_say(database: Database) -> None:
    def difference(connection: sa.Connection) -> list[object]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        return compare_metadata(MigrationContext.configure(connection), METADATA)

    assert await database.read(difference) == []


async def test_what_was_created_is_found(store: KeyStore) -> None:
    assert await store.create(a_key(), version(), "") == (a_key(), version())
    assert await store.get(a_key().name) == a_key()
    assert await store.find(a_key().name, None) == (a_key(), version())
    assert await store.find(a_key().name, 1) == (a_key(), version())


async def test_what_was_not_created_is_not_found(store: KeyStore) -> None:
    await store.create(a_key(), version(), "")
    assert await store.get(PARENT.key("k2")) is None
    assert await store.find(PARENT.key("k2"), None) is None
    assert await store.find(a_key().name, 2) is None
    assert await store.set_state(PARENT.key("k2"), KeyState.DISABLED) is None


@pytest.mark.parametrize("number", [0, 2**31, 2**32 - 1])
async def test_version_numbers_of_forgers_are_not_found(store: KeyStore, number: int) -> None:
    await store.create(a_key(), version(), "")
    assert await store.find(a_key().name, number) is None


async def test_a_key_is_created_once(store: KeyStore) -> None:
    await store.create(a_key(), version(b"first"), "")
    changed = replace(a_key(), description="another")
    assert await store.create(changed, version(b"second"), "") == (a_key(), version(b"first"))
    assert await store.find(a_key().name, None) == (a_key(), version(b"first"))


async def test_a_request_creates_one_key_below_one_parent(store: KeyStore) -> None:
    await store.create(a_key("k1"), version(b"first"), "request")
    assert await store.create(a_key("k2"), version(b"second"), "request") == (a_key("k1"), version(b"first"))
    assert await store.get(PARENT.key("k2")) is None
    elsewhere = KeyParent.parse("accounts/123456789012/regions/eu-west-1")
    for other in (a_key("k3", elsewhere), a_key("k4", incarnation="i2")):
        assert (await store.create(other, version(), "request"))[0] == other


async def test_keys_without_request_ids_do_not_collide(store: KeyStore) -> None:
    for key_id in ("k1", "k2"):
        assert (await store.create(a_key(key_id), version(), ""))[0] == a_key(key_id)


async def test_creating_at_the_same_time_gives_everybody_the_same_key(store: KeyStore) -> None:
    made = await asyncio.gather(
        *(store.create(a_key(), version(bytes([number])), "") for number in range(30))
    )
    assert len({stored.wrapped for _, stored in made}) == 1
    made = await asyncio.gather(
        *(store.create(a_key(f"r{number}"), version(), "same request") for number in range(30))
    )
    assert len({str(key.name) for key, _ in made}) == 1


async def test_states(store: KeyStore) -> None:
    await store.create(a_key(), version(), "")
    for state in (KeyState.DISABLED, KeyState.DISABLED, KeyState.ENABLED):
        assert await store.set_state(a_key().name, state) == replace(a_key(), state=state)
        found = await store.find(a_key().name, None)
        assert found is not None
        assert found[0].state is state


async def test_another_process_sees_a_state_at_once(database: Database) -> None:
    store = SqlKeyStore(database)
    await store.create(a_key(), version(), "")
    async with replica(database) as second:
        for _ in range(20):
            for state in (KeyState.DISABLED, KeyState.ENABLED):
                await store.set_state(a_key().name, state)
                found = await SqlKeyStore(second).get(a_key().name)
                assert found is not None
                assert found.state is state


async def test_replicas_create_one_key_a_request(database: Database) -> None:
    async with replica(database) as second:
        stores = (SqlKeyStore(database), SqlKeyStore(second))
        made = await asyncio.gather(
            *(stores[n % 2].create(a_key(f"r{n}"), version(bytes([n])), "one request") for n in range(30))
        )
    assert len({(str(key.name), stored.wrapped) for key, stored in made}) == 1
    assert len(await stores[0].list(PARENT, "i1", "", 100)) == 1


async def test_lists_are_ordered_bounded_and_of_one_owner(store: KeyStore) -> None:
    other = KeyParent.parse("providers/craton")
    for key in (a_key("b"), a_key("a"), a_key("c"), a_key("z", incarnation="i2"), a_key("a", other, "")):
        await store.create(key, version(), "")

    async def ids(after: str, limit: int) -> list[str]:
        return [key.name.key_id for key in await store.list(PARENT, "i1", after, limit)]

    assert await ids("", 10) == ["a", "b", "c"]
    assert await ids("", 2) == ["a", "b"]
    assert await ids("b", 2) == ["c"]
    assert await ids("c", 2) == []


async def test_the_installation_is_recorded_once(database: Database) -> None:
    installations = SqlInstallations(database.engine)
    assert installations.load() is None
    record = Installation("store-1", b"verifier")
    installations.save(record)
    assert installations.load() == record
    with pytest.raises(sa.exc.IntegrityError):
        installations.save(Installation("store-2", b"verifier"))


async def test_a_store_with_keys_is_nobody_elses(database: Database) -> None:
    await SqlKeyStore(database).create(a_key(), version(), "")
    with pytest.raises(CustodyError):
        SqlInstallations(database.engine).save(Installation("store-1", b"verifier"))
