"""What every AnchorStore must do, run against each store there is."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import services.audit
from services.audit.adapters.sql_anchors import SqlAnchorStore
from services.audit.adapters.tables import METADATA
from services.audit.domain.anchor import Anchor
from services.chassis.database import Database
from services.chassis.errors import DomainError
from tests.fakes.databases import KINDS, empty_database, make_schema, replica

REVISIONS = Path(services.audit.__file__).parent / "adapters" / "migrations"
STORE = "0b5e7f0e-6a3c-4d5e-8f11-2f3a4b5c6d7e"
OTHER = "1b5e7f0e-6a3c-4d5e-8f11-2f3a4b5c6d7e"
KMS = "service/kms"


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(empty_database(request.param, tmp_path))
    make_schema(opened, REVISIONS)
    yield opened
    await opened.close()


@pytest.fixture
def store(database: Database) -> SqlAnchorStore:
    return SqlAnchorStore(database)


def anchor(epoch: int, digest: bytes = b"d" * 32, store_id: str = STORE) -> Anchor:
    return Anchor(store_id, epoch, digest)


async def test_the_newest_is_remembered(store: SqlAnchorStore) -> None:
    assert await store.newest(KMS, STORE) is None
    for epoch in (1, 2, 7, 2**63 - 1):
        await store.append(KMS, anchor(epoch))
        assert await store.newest(KMS, STORE) == anchor(epoch)


async def test_the_newest_may_come_again(store: SqlAnchorStore) -> None:
    for _ in range(3):
        await store.append(KMS, anchor(5))
    assert await store.newest(KMS, STORE) == anchor(5)


@pytest.mark.parametrize("late", [anchor(4), anchor(0), anchor(5, b"e" * 32)], ids=["older", "zero", "fork"])
async def test_older_states_and_forks_are_refused(store: SqlAnchorStore, late: Anchor) -> None:
    await store.append(KMS, anchor(5))
    with pytest.raises(DomainError) as refusal:
        await store.append(KMS, late)
    assert refusal.value.reason_name == "RESOURCE_STATE"
    assert await store.newest(KMS, STORE) == anchor(5)


async def test_a_store_belongs_to_one_workload(store: SqlAnchorStore) -> None:
    await store.append(KMS, anchor(5))
    with pytest.raises(DomainError) as refusal:
        await store.append("service/edge", anchor(6))
    assert refusal.value.reason_name == "ACCESS_DENIED"
    with pytest.raises(DomainError) as refusal:
        await store.newest("service/edge", STORE)
    assert refusal.value.reason_name == "ACCESS_DENIED"
    assert await store.newest(KMS, STORE) == anchor(5)


async def test_stores_are_apart(store: SqlAnchorStore) -> None:
    await store.append(KMS, anchor(5))
    await store.append(KMS, anchor(1, store_id=OTHER))
    assert await store.newest(KMS, STORE) == anchor(5)
    assert await store.newest(KMS, OTHER) == anchor(1, store_id=OTHER)


async def test_of_two_forks_at_once_one_is_refused(store: SqlAnchorStore, database: Database) -> None:
    """From the first epoch on, by two replicas of the audit service."""
    async with replica(database) as again:
        for epoch in range(1, 6):
            ended = await asyncio.gather(
                store.append(KMS, anchor(epoch, b"a" * 32)),
                SqlAnchorStore(again).append(KMS, anchor(epoch, b"b" * 32)),
                return_exceptions=True,
            )
            refused = [each for each in ended if each is not None]
            assert len(refused) == 1
            assert isinstance(refused[0], DomainError)
            newest = await store.newest(KMS, STORE)
            assert newest is not None
            assert newest.epoch == epoch


async def test_an_anchor_survives_a_restart(store: SqlAnchorStore, database: Database) -> None:
    await store.append(KMS, anchor(5))
    async with replica(database) as again:
        assert await SqlAnchorStore(again).newest(KMS, STORE) == anchor(5)
        with pytest.raises(DomainError):
            await SqlAnchorStore(again).append(KMS, anchor(4))


async def test_the_schema_is_what_the_tables_say(database: Database) -> None:
    def difference(connection: sa.Connection) -> list[object]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        return compare_metadata(MigrationContext.configure(connection), METADATA)

    assert await database.read(difference) == []
