"""An anchor is believed as far as the log is what a witness has seen."""

import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.audit.adapters.sql_anchors import SqlAnchorStore
from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.tables import ANCHORS, ENTRIES, RESOURCES
from services.audit.domain.anchor import Anchor, noted_epoch, state_name
from services.audit.errors import BucketError
from services.audit.operations.anchors import Anchors
from services.audit.operations.witnessed import WitnessedLog
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from tests.fakes.log_signer import InMemoryLogSigner
from tests.unit.audit.conftest import AUTH, Service, event
from tests.unit.audit.log_world import World
from tlog.hashing import leaf_hash

KMS = WorkloadId("craton.local", "service", "kms")
AUDIT = WorkloadId("craton.local", "service", "audit")
STORE = str(uuid.UUID(int=7))
OTHER = str(uuid.UUID(int=8))
NOBODY = (0, b"")


@pytest.fixture
def world(service: Service, tmp_path: Path) -> World:
    return World(service, tmp_path / "log", InMemoryLogSigner())


def anchors(world: World) -> Anchors:
    events = SqlEventStore(world.service.database)
    return Anchors(SqlAnchorStore(world.service.database), events, WitnessedLog(events, world.files))


async def anchored(world: World, epoch: int, store: str = STORE) -> None:
    """Anchor a state, with the event that the service records of it."""
    await anchors(world).append(KMS, Anchor(store, epoch, bytes([epoch]) * 32))
    await noted(world, epoch, store)


async def noted(world: World, epoch: int, store: str = STORE, by: WorkloadId = AUDIT) -> None:
    """Record an event of an anchor in a spool of the recorder's own."""
    made = event(
        world.taken, "", event_name="AppendAnchor", resources=[state_name(store, epoch)], recorder=by.name
    )
    await world.service.ingestor.append(by, uuid.uuid4().hex, 0, [made])


async def last(world: World) -> int:
    """Return the number of the newest entry."""
    return await SqlEventStore(world.service.database).newest()


async def seen(world: World) -> tuple[int, bytes]:
    """Let the log grow, and return what a witness has seen then."""
    while await world.log.extend():
        pass
    head = await world.log._heads.newest()
    return head.size, head.root


async def newest(world: World, witnessed: tuple[int, bytes] = NOBODY) -> tuple[int | None, int]:
    found, epoch = await anchors(world).newest(KMS, STORE, *witnessed)
    return (None if found is None else found.epoch), epoch


async def refused(world: World, witnessed: tuple[int, bytes]) -> bool:
    try:
        await newest(world, witnessed)
    except DomainError as error:
        return error.reason_name == "RESOURCE_STATE"
    return False


async def test_what_witnesses_have_seen_and_more(world: World) -> None:
    await world.take_in(300)
    await anchored(world, 3)
    await anchored(world, 12, OTHER)
    witnessed = await seen(world)
    assert await newest(world, witnessed) == (3, 3)
    await world.take_in(10)
    await anchored(world, 4)
    assert await newest(world, witnessed) == (4, 4)
    assert await newest(world) == (4, 4)


async def test_anchors_that_were_put_back_show_in_the_log(world: World) -> None:
    await anchored(world, 3)
    await anchored(world, 4)
    await world.run(sa.update(ANCHORS).values(epoch=3, digest=b"\x03" * 32))
    assert await newest(world, await seen(world)) == (3, 4)
    await world.run(sa.delete(ANCHORS))
    assert await newest(world, await seen(world)) == (None, 4)


async def test_a_state_that_was_asked_for_and_never_remembered(world: World) -> None:
    """Its intent is in the log, and audit ended before it was remembered: the epoch of the caller's store."""
    await anchored(world, 3)
    await noted(world, 4)
    assert await newest(world) == (3, 4)


async def test_nobody_elses_word_counts(world: World) -> None:
    """Events about anchors that other workloads ship, whatever times they bear and however many they are."""
    await anchored(world, 3)
    for epoch in (9, 10**30):
        for _ in range(70):
            await noted(world, epoch, by=AUTH)
    assert await newest(world, await seen(world)) == (3, 3)


async def test_a_database_that_was_put_back(world: World) -> None:
    await anchored(world, 3)
    before = await last(world) + 1
    await world.take_in(300)
    await anchored(world, 4)
    witnessed = await seen(world)
    await world.run(sa.delete(RESOURCES).where(RESOURCES.c.sequence >= before))
    await world.run(sa.delete(ENTRIES).where(ENTRIES.c.sequence >= before))
    await world.run(sa.update(ANCHORS).values(epoch=3, digest=b"\x03" * 32))
    assert await refused(world, witnessed)


@pytest.mark.parametrize("what", ["removed", "another", "renumbered"])
async def test_a_later_anchor_that_was_taken_out_of_the_database(world: World, what: str) -> None:
    await world.take_in(700)
    await anchored(world, 3)
    await world.take_in(300)
    later = await last(world) + 1
    await anchored(world, 4)
    await world.take_in(100)
    witnessed = await seen(world)
    await world.run(sa.delete(RESOURCES).where(RESOURCES.c.sequence == later))
    await world.run(sa.update(ANCHORS).values(epoch=3, digest=b"\x03" * 32))
    if what == "removed":
        await world.run(sa.delete(ENTRIES).where(ENTRIES.c.sequence == later))
    elif what == "another":
        leaf = sa.select(ENTRIES.c.leaf).where(ENTRIES.c.sequence == later - 1).scalar_subquery()
        changed = {"event_name": "CreateUser", "leaf": leaf}
        await world.run(sa.update(ENTRIES).where(ENTRIES.c.sequence == later).values(changed))
    else:
        await world.run(sa.delete(ENTRIES).where(ENTRIES.c.sequence == later))
        await world.run(sa.delete(RESOURCES).where(RESOURCES.c.sequence == await last(world)))
        await world.run(
            sa.update(ENTRIES).where(ENTRIES.c.sequence == await last(world)).values(sequence=later)
        )
    assert await refused(world, witnessed)


@pytest.mark.parametrize("path", ["tile/0/000.p/44", "tile/0/000"])
async def test_files_that_are_gone(world: World, path: str) -> None:
    await world.take_in(300 if path == "tile/0/000" else 44)
    witnessed = await seen(world)
    assert not await refused(world, witnessed)
    (world.folder / path).unlink()
    assert await refused(world, witnessed)


async def test_an_entry_and_its_hash_in_the_tile_that_were_altered_alike(world: World) -> None:
    """The root of a larger tree follows from higher tiles alone: each tile of leaves must lead to it too."""
    await anchored(world, 3)
    await world.take_in(600)
    witnessed = await seen(world)
    entry = ENTRIES.c.leaf, ENTRIES.c.sequence
    rows = await world.service.database.read(
        lambda connection: connection.execute(sa.select(*entry).where(entry[1].in_((40, 41)))).all()
    )
    leaves = {sequence: leaf for leaf, sequence in rows}
    await world.run(sa.update(ENTRIES).where(ENTRIES.c.sequence == 41).values(leaf=leaves[40]))
    tile = world.folder / "tile/0/000"
    held = tile.read_bytes()
    tile.write_bytes(held[: 41 * 32] + leaf_hash(leaves[40]) + held[42 * 32 :])
    assert await refused(world, witnessed)
    tile.write_bytes(held)
    assert await refused(world, witnessed)
    await world.run(sa.update(ENTRIES).where(ENTRIES.c.sequence == 41).values(leaf=leaves[41]))
    assert not await refused(world, witnessed)


async def test_another_tree(world: World) -> None:
    await world.take_in(44)
    size, root = await seen(world)
    assert await refused(world, (size, bytes(32)))
    assert await refused(world, (size - 1, root))
    assert await refused(world, (size + 1, root))


def test_names_of_states() -> None:
    assert noted_epoch(state_name(STORE, 12), STORE) == 12
    for name in (state_name(OTHER, 12), f"stores/{STORE}/epochs/", f"stores/{STORE}/epochs/-1", "stores/1"):
        assert noted_epoch(name, STORE) == 0


async def test_nothing_is_said_while_the_files_are_away(world: World) -> None:
    async def away(_: str) -> None:
        raise BucketError("SlowDown")

    await anchored(world, 3)
    witnessed = await seen(world)
    get, world.files.get = world.files.get, away  # type: ignore[method-assign, assignment]
    with pytest.raises(DomainError) as unknown:
        await newest(world, witnessed)
    assert unknown.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    assert await newest(world) == (3, 3)
    world.files.get = get  # type: ignore[method-assign]
    assert await newest(world, witnessed) == (3, 3)
