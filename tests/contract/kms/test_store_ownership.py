"""One active process a store, commits whose outcome nobody heard, and what the anchor has to say."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.database import Database
from services.chassis.errors import DomainError
from services.kms.adapters import store_ownership
from services.kms.adapters.sql_records import SqlRecords
from services.kms.adapters.store_ownership import OwnershipLostError
from services.kms.ports import RecordId, StoreAlteredError
from tests.fakes.databases import KINDS, POSTGRESQL, empty_database
from tests.fakes.kms_stores import Attacker, Stores, put

A, B = RecordId("keys", "p", "a"), RecordId("keys", "p", "b")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request.param, tmp_path)


@pytest.fixture
async def stores(url: str) -> AsyncIterator[Stores]:
    stores = Stores(url)
    yield stores
    await stores.close()


def unavailable() -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "lost")


async def test_a_second_process_waits_until_the_first_has_ended(stores: Stores) -> None:
    first = await stores.open(first_boot=True)
    await put(first, A, body=b"first")
    standby = Stores(stores.url)
    standby.anchor = stores.anchor
    opening = asyncio.create_task(standby.open())
    await asyncio.sleep(0.6)
    assert not opening.done()
    await put(first, A, body=b"still first")
    await stores.close()
    second = await asyncio.wait_for(opening, 10)
    assert (await second.get(A)).body == b"still first"  # type: ignore[union-attr]
    await standby.close()


async def test_a_standby_that_is_stopped_leaves_nothing_behind(stores: Stores) -> None:
    await stores.open(first_boot=True)
    standby = Stores(stores.url)
    standby.anchor = stores.anchor
    opening = asyncio.create_task(standby.open())
    await asyncio.sleep(0.4)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await stores.close()
    await asyncio.wait_for(stores.open(), 10)


async def test_the_head_is_the_last_fence(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that both take themselves for the owner: the first is fenced off by the second."""
    first = await stores.open(first_boot=True)
    await put(first, A, body=b"first")
    monkeypatch.setattr(store_ownership._FileLock, "take", lambda self: True)
    monkeypatch.setattr(store_ownership._SessionLock, "take", lambda self: True)
    monkeypatch.setattr(store_ownership._SessionLock, "check", lambda self: None)
    rival = Stores(stores.url)
    rival.anchor = stores.anchor
    second = await rival.open()
    with pytest.raises(StoreAlteredError):
        await put(first, A, body=b"unnoticed")
    with pytest.raises(StoreAlteredError):
        await first.get(A)
    with pytest.raises(StoreAlteredError):
        await asyncio.wait_for(first.failed(), 1)
    await put(second, A, body=b"second")
    assert (await second.get(A)).body == b"second"  # type: ignore[union-attr]
    await rival.close()


@pytest.mark.postgresql
async def test_a_lost_connection_ends_the_process(tmp_path: Path) -> None:
    stores = Stores(empty_database(POSTGRESQL, tmp_path))
    records = await stores.open(first_boot=True)
    await put(records, A)
    engine = Database(stores.url).engine
    with engine.begin() as connection:
        connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        )
    with pytest.raises(OwnershipLostError):
        await asyncio.wait_for(records.failed(), 10)
    with pytest.raises(StoreAlteredError):
        await records.get(A)
    engine.dispose()
    await stores.close()
    assert await (await stores.open()).get(A) is not None
    await stores.close()


def lose_answers(monkeypatch: pytest.MonkeyPatch, records: SqlRecords, *, after_commit: bool) -> list[str]:
    """Have the next transaction answer nothing, after or instead of its commit; return what happens."""
    run, told = records._database.run, ["armed"]

    async def losing(work: Any) -> Any:
        if told.pop(0) != "armed":
            return await run(work)
        told[:] = ["done"] * 100
        if after_commit:
            await run(work)
            raise unavailable()

        def rolled_back(connection: sa.Connection) -> Any:
            work(connection)
            raise unavailable()

        return await run(rolled_back)

    monkeypatch.setattr(records._database, "run", losing)
    return told


async def test_a_commit_that_nobody_reported_is_found_to_be_done(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = await stores.open(first_boot=True)
    await put(records, A, body=b"before")
    lose_answers(monkeypatch, records, after_commit=True)
    await put(records, A, B, body=b"after")
    assert (await records.get(A)).body == b"after"  # type: ignore[union-attr]
    await put(records, A, body=b"later")
    assert [each.body for each in await records.list("keys", "p")] == [b"later", b"after"]


async def test_a_transaction_that_was_rolled_back_is_found_not_to_be_done(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = await stores.open(first_boot=True)
    await put(records, A, body=b"before")
    lose_answers(monkeypatch, records, after_commit=False)
    with pytest.raises(DomainError):
        await put(records, A, B, body=b"after")
    assert (await records.get(A)).body == b"before"  # type: ignore[union-attr]
    assert await records.get(B) is None
    await put(records, B, body=b"later")
    assert [each.body for each in await records.list("keys", "p")] == [b"before", b"later"]


@pytest.mark.parametrize("next_use", ["get", "list", "change", "check"])
async def test_while_the_database_is_away_an_outcome_stays_open(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, next_use: str
) -> None:
    """Committed, the answer lost, and the database away when it was asked: settled by whoever is next."""
    records = await stores.open(first_boot=True)
    await put(records, A, body=b"before")
    database = records._database
    read = database.read

    async def away(_work: Any) -> Any:
        raise unavailable()

    lose_answers(monkeypatch, records, after_commit=True)
    monkeypatch.setattr(database, "read", away)
    with pytest.raises(DomainError):
        await put(records, A, body=b"after")
    monkeypatch.setattr(database, "read", read)
    match next_use:
        case "get":
            assert (await records.get(A)).body == b"after"  # type: ignore[union-attr]
        case "list":
            assert [each.body for each in await records.list("keys", "p")] == [b"after"]
        case "change":
            await put(records, B)
        case "check":
            await records._opened().check()
    assert (await records.get(A)).body == b"after"  # type: ignore[union-attr]
    await put(records, A, body=b"later")
    await stores.close()
    assert (await (await stores.open()).get(A)).body == b"later"  # type: ignore[union-attr]


async def test_every_change_is_anchored_before_it_is_acknowledged(stores: Stores) -> None:
    records = await stores.open(first_boot=True)
    for _ in range(5):
        await put(records, A)
        (anchored,) = stores.anchor.states.values()
        assert anchored.epoch == records.epoch == records.anchored_epoch
    before = records.epoch
    await asyncio.gather(*(put(records, A) for _ in range(50)))
    assert records.epoch == before + 50
    # Changes that came while one append was under way shared the next.
    assert stores.anchor.appended < before + 50


async def test_without_the_anchor_changes_stop_within_a_second_and_reading_goes_on(stores: Stores) -> None:
    records = await stores.open(first_boot=True)
    await put(records, A, body=b"anchored")
    anchored = records.epoch
    stores.anchor.reachable = False
    loop = asyncio.get_running_loop()
    began, made = loop.time(), 0

    async def try_until_refused() -> None:
        nonlocal made
        while True:
            await records._opened().change(lambda change: change.put(B, b"more"))
            made += 1

    with pytest.raises(DomainError) as refusal:
        await try_until_refused()
    assert refusal.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    assert 0.9 < loop.time() - began < 3
    assert made > 0
    with pytest.raises(DomainError):
        await put(records, A, body=b"refused")
    assert (await records.get(A)).body == b"anchored"  # type: ignore[union-attr]
    # What changes nothing is no change.
    assert await records.change(lambda change: change.get(A)) is not None
    assert records.anchored_epoch == anchored
    stores.anchor.reachable = True
    async with asyncio.timeout(5):
        while records.anchored_epoch != records.epoch:
            await asyncio.sleep(0.02)
    await put(records, A, body=b"caught up")


async def test_a_change_is_held_back_for_a_second_at_most(stores: Stores) -> None:
    records = await stores.open(first_boot=True)
    await put(records, A)
    stores.anchor.reachable = False
    loop = asyncio.get_running_loop()
    began = loop.time()
    await put(records, A, body=b"not anchored yet")
    assert 0.9 < loop.time() - began < 3


async def test_the_first_boot_needs_no_anchor_and_the_second_does(stores: Stores) -> None:
    stores.anchor.reachable = False
    records = await stores.open(first_boot=True)
    assert await records.get(A) is None
    await asyncio.sleep(1.1)
    with pytest.raises(DomainError):
        await put(records, A)
    await stores.close()
    # Never anchored: it may go on, to be looked at again.
    records = await stores.open()
    stores.anchor.reachable = True
    async with asyncio.timeout(5):
        while not records.anchored_epoch:
            await asyncio.sleep(0.02)
    await put(records, A)
    await stores.close()
    stores.anchor.reachable = False
    with pytest.raises(DomainError) as refusal:
        await stores.open()
    assert refusal.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    with pytest.raises(DomainError):
        await stores.open(restored=True)
    stores.anchor.reachable = True
    assert await (await stores.open()).get(A) is not None


async def test_a_store_from_before_the_first_anchor_does_not_get_far(stores: Stores, url: str) -> None:
    """Put back to its first second, the anchor kept away: nothing is found, and nothing written."""
    stores.anchor.reachable = False
    await stores.open(first_boot=True)
    await stores.close()
    attacker = Attacker(url)
    old, old_head = attacker.rows(), attacker.head()
    stores.anchor.reachable = True
    records = await stores.open()
    await put(records, A)
    await stores.close()
    attacker.write(old, old_head)
    attacker.close()
    stores.anchor.reachable = False
    records = await stores.open()
    assert await records.get(A) is None
    stores.anchor.reachable = True
    with pytest.raises(StoreAlteredError):
        await asyncio.wait_for(records.failed(), 10)
    with pytest.raises(StoreAlteredError):
        await records.get(A)


async def test_closed_is_sealed(stores: Stores) -> None:
    records = await stores.open(first_boot=True)
    await put(records, A)
    await records.close()
    await records.close()
    for attempt in (records.get(A), records.list("keys", "p"), records.change(lambda change: None)):
        with pytest.raises(DomainError) as refusal:
            await attempt
        assert refusal.value.reason_name == "SEALED"
