"""What is altered below the log, or put back, is noticed: nothing is signed that contradicts its own word."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_heads import SqlHeadStore
from services.audit.adapters.tables import ENTRIES, HEADS, RESOURCES
from services.audit.domain.query import Query
from services.audit.errors import LogDamagedError
from services.audit.operations.scrub import Scrub
from services.chassis.errors import DomainError
from tests.fakes.log_signer import InMemoryLogSigner
from tests.unit.audit.conftest import Service, by_operator
from tests.unit.audit.log_world import World
from tlog.hashing import leaf_hash
from tlog.leaf import LeafHeader
from tlog.tiles import CHECKPOINT_PATH

OPERATOR = by_operator()


@pytest.fixture
async def world(service: Service, tmp_path: Path) -> AsyncIterator[World]:
    return World(service, tmp_path / "log", InMemoryLogSigner())


@pytest.mark.parametrize("where", ["gone", "other", "exchanged", "cut"])
async def test_a_database_that_was_altered_is_not_signed(world: World, where: str) -> None:
    """Entries of the bundle that still grows are compared; those before it are for fsck to compare."""
    await world.take_in(300)
    await world.log.extend()
    if where in ("gone", "cut"):
        numbers = [290] if where == "gone" else list(range(290, 300))
        await world.run(sa.delete(RESOURCES).where(RESOURCES.c.sequence.in_(numbers)))
        await world.run(sa.delete(ENTRIES).where(ENTRIES.c.sequence.in_(numbers)))
    elif where == "other":
        await world.run(sa.update(ENTRIES).where(ENTRIES.c.sequence == 290).values(leaf=b"another"))
    else:
        leaf = sa.select(ENTRIES.c.leaf).where(ENTRIES.c.sequence == 291).scalar_subquery()
        await world.run(sa.update(ENTRIES).where(ENTRIES.c.sequence == 290).values(leaf=leaf))
    signed = len(world.signer.signed)
    for _ in range(2):
        with pytest.raises(LogDamagedError, match="entry 29"):
            await world.log.extend()
        world.restart()
    assert len(world.signer.signed) == signed
    assert await world.checked() == 300


async def test_a_database_that_was_put_back_is_not_signed(world: World) -> None:
    await world.take_in(100)
    await world.log.extend()
    old = await SqlHeadStore(world.service.database).newest()
    assert old is not None
    await world.take_in(100)
    await world.log.extend()
    await world.run(sa.delete(RESOURCES).where(RESOURCES.c.sequence >= 100))
    await world.run(sa.delete(ENTRIES).where(ENTRIES.c.sequence >= 100))
    await world.run(sa.update(HEADS).values(size=old.size, root=old.root, note=old.note))
    world.restart()
    with pytest.raises(LogDamagedError, match="entry 100 is in the log, and not in the database"):
        await world.log.extend()
    await world.run(sa.delete(HEADS))
    world.restart()
    with pytest.raises(LogDamagedError, match="entry 0 is in the log"):
        await world.log.extend()


async def test_an_operator_is_told_where(world: World, caplog: pytest.LogCaptureFixture) -> None:
    events = await world.take_in(300)
    await world.log.extend()
    await world.run(sa.update(ENTRIES).where(ENTRIES.c.sequence == 290).values(leaf=b"another"))
    scrub = Scrub(world.scan)
    assert (world.log.size, world.log.damaged, scrub.damaged) == (300, False, 0)
    tasks = [asyncio.create_task(each.run()) for each in (world.log, scrub)]
    async with asyncio.timeout(10):
        while len(caplog.records) < 2:
            await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (world.log.damaged, scrub.damaged) == (True, 1)
    told = {record.message: record.fields["reason"] for record in caplog.records}
    assert told == {
        "log_damaged": "entry 290 is another than in the log",
        "log_entry_damaged": f"entries, entry 290 (event {events[290].event_id}) differs from the log: leaf",
    }


async def test_files_that_were_altered_are_not_built_upon(world: World) -> None:
    await world.take_in(300)
    await world.log.extend()
    tile = world.folder / "tile/0/001.p/44"
    content = tile.read_bytes()
    for changed in (bytes((content[0] ^ 1,)) + content[1:], content[:-1]):
        tile.write_bytes(changed)
        world.restart()
        with pytest.raises(LogDamagedError):
            await world.log.extend()
    tile.unlink()
    world.restart()
    with pytest.raises(LogDamagedError, match=r"tile/0/001\.p/44 is missing"):
        await world.log.extend()
    tile.write_bytes(content)
    (world.folder / CHECKPOINT_PATH).write_text("nothing\n")
    world.restart()
    with pytest.raises(LogDamagedError, match="published checkpoint"):
        await world.log.extend()


@pytest.mark.parametrize("number", [0, 255, 256, 511, 599])
@pytest.mark.parametrize("how", ["gone", "other"])
async def test_an_altered_row_is_found_wherever_it_is(world: World, number: int, how: str) -> None:
    scrub = Scrub(world.scan)
    await scrub.step()
    await world.take_in(600)
    await world.log.extend()
    assert [each for _ in range(12) for each in await scrub.step()] == []
    if how == "gone":
        await world.run(sa.delete(RESOURCES).where(RESOURCES.c.sequence == number))
        await world.run(sa.delete(ENTRIES).where(ENTRIES.c.sequence == number))
    else:
        await world.run(sa.update(ENTRIES).where(ENTRIES.c.sequence == number).values(leaf=b"another"))
    found = [each for _ in range(6) for each in await scrub.step()]
    assert [each.sequence for each in found] == [number]
    assert found[0].columns == (() if how == "gone" else ("leaf",))
    assert scrub.damaged == 1


async def test_a_round_that_finds_nothing_says_so(world: World) -> None:
    """What was put right is no difference any more, once a round has gone by."""
    await world.take_in(10)
    await world.log.extend()
    await world.run(sa.update(ENTRIES).where(ENTRIES.c.sequence == 7).values(read_only=True))
    scrub, seen = Scrub(world.scan), []
    for step in range(16):
        await scrub.step()
        seen.append(scrub.damaged)
        if step == 5:
            await world.run(sa.update(ENTRIES).where(ENTRIES.c.sequence == 7).values(read_only=False))
    assert (seen[0], seen[-1]) == (1, 0)


async def test_what_cannot_be_compared_is_compared_later(world: World) -> None:
    await world.take_in(10)
    await world.log.extend()
    await world.run(sa.update(ENTRIES).where(ENTRIES.c.sequence == 7).values(read_only=True))
    scrub = Scrub(world.scan)
    world.service.kms.down = True
    for _ in range(3):
        with pytest.raises(DomainError):
            await scrub.step()
    world.service.kms.down = False
    assert [each.sequence for each in await scrub.step()] == [7]


async def test_a_tile_that_was_altered_is_found(world: World) -> None:
    await world.take_in(600)
    await world.log.extend()
    tile = world.folder / "tile/0/001"
    for content in (bytes(8192), bytes(8191)):
        tile.write_bytes(content)
        scan = world.scan()
        assert await scan.step() == []
        (found,) = await scan.step()
        assert str(found).startswith("log, tile/0/001 ")
        assert await scan.step() == []


async def test_a_tile_that_was_altered_to_fit_an_altered_entry_is_found(world: World) -> None:
    await world.take_in(600)
    await world.log.extend()
    forged = bytes(LeafHeader(bytes(16), 1, bytes(16), bytes(32))) + bytes(70)
    await world.run(sa.update(ENTRIES).where(ENTRIES.c.sequence == 260).values(leaf=forged))
    tile = world.folder / "tile/0/001"
    content = tile.read_bytes()
    tile.write_bytes(content[: 4 * 32] + leaf_hash(forged) + content[5 * 32 :])
    scan = world.scan()
    await scan.step()
    (found,) = await scan.step()
    assert "another root" in str(found)


async def test_a_log_without_its_word_is_not_begun_anew(world: World) -> None:
    """Head and checkpoint are gone, and the database is another: full tiles are still there."""
    await world.take_in(300)
    await world.log.extend()
    leaves = await SqlEventStore(world.service.database).leaves(5, 2)
    for number, leaf in zip((6, 5), leaves, strict=True):
        await world.run(sa.update(ENTRIES).where(ENTRIES.c.sequence == number).values(leaf=leaf))
    await world.run(sa.delete(HEADS))
    (world.folder / CHECKPOINT_PATH).unlink()
    world.restart()
    with pytest.raises(LogDamagedError, match="tile/entries/000 is there already, and is another"):
        await world.log.extend()


async def test_a_stored_checkpoint_that_was_altered_is_not_published(world: World) -> None:
    await world.take_in(10)
    await world.log.extend()
    first = await SqlHeadStore(world.service.database).newest()
    assert first is not None
    await world.take_in(10)
    await world.log.extend()
    for note in (b"nothing", first.note):
        await world.run(sa.update(HEADS).values(note=note))
        world.restart()
        with pytest.raises(LogDamagedError, match="the checkpoint in the database"):
            await world.log.extend()
        [event] = (await world.service.lookup.find(OPERATOR, Query(), 1, "")).events
        with pytest.raises(DomainError) as refused:
            await world.proofs.event(OPERATOR, bytes.fromhex(event.event_id.replace("-", "")))
        assert refused.value.reason_name in ("INTERNAL", "RESOURCE_STATE")
    assert await world.checked() == 20
