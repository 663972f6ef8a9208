"""The log as the audit service lets it grow: files, checkpoints and proofs, and what it refuses to sign."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from craton.audit.v1 import resources_pb2 as pb

from services.audit.config import LogSettings
from services.audit.errors import BucketError, LogDamagedError
from services.audit.operations.log import INTERVAL_S
from services.audit.operations.scrub import Scrub
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from tests.fakes.log_signer import InMemoryLogSigner
from tests.unit.audit.conftest import AUTH, OTHER, Service, by_operator, event
from tests.unit.audit.log_world import TRUST, World
from tests.unit.tlog.keys import LOG, Signer
from tlog.errors import TlogError
from tlog.event_proof import EventProof
from tlog.leaf import verify_event
from tlog.note import Note, Signature, SignatureType, note_signature
from tlog.proofs import verify_consistency
from tlog.tiles import CHECKPOINT_PATH

OPERATOR = by_operator()


@pytest.fixture
async def world(service: Service, tmp_path: Path) -> AsyncIterator[World]:
    return World(service, tmp_path / "log", InMemoryLogSigner())


async def test_it_grows_and_every_event_is_proved(world: World) -> None:
    assert not await world.log.extend()
    events = []
    for count in (1, 3, 252, 1, 300):
        events += await world.take_in(count)
        assert await world.log.extend()
        assert not await world.log.extend()
        assert await world.checked() == len(events)
    for number in (0, 1, 255, 256, 300, 556):
        found = await world.proofs.event(OPERATOR, bytes.fromhex(events[number].event_id.replace("-", "")))
        proved = EventProof.parse(bytes(found)).verify(TRUST)
        assert (proved.index, proved.checkpoint.size) == (number, 557)
        verify_event(found.entry, found.event, found.salt)
        assert pb.Event.FromString(found.event) == events[number]
        with pytest.raises(TlogError):
            verify_event(found.entry, events[number - 1].SerializeToString(), found.salt)


async def test_it_has_only_grown(world: World) -> None:
    roots = {}
    for count in (5, 251, 44, 500):
        await world.take_in(count)
        await world.log.extend()
        checkpoint = TRUST.checkpoint(Note.parse(await world.proofs.checkpoint()))
        roots[checkpoint.size] = checkpoint.root
    assert list(roots) == [5, 256, 300, 800]
    for first in roots:
        for second in roots:
            if first <= second:
                hashes = await world.proofs.consistency(first, second)
                verify_consistency(first, second, hashes, roots[first], roots[second])
    # Sizes that no checkpoint had are sizes all the same.
    for first, second in ((1, 3), (255, 257), (300, 513), (799, 800)):
        assert await world.proofs.consistency(first, second)
    for first, second in ((5, 801), (6, 5)):
        with pytest.raises(DomainError) as refused:
            await world.proofs.consistency(first, second)
        assert refused.value.reason_name == "INVALID_FIELD"


async def test_a_restart_goes_on_where_it_was(world: World) -> None:
    await world.take_in(700)
    await world.log.extend()
    world.restart()
    assert not await world.log.extend()
    await world.take_in(1)
    world.restart()
    await world.log.extend()
    assert await world.checked() == 701


async def test_what_a_crash_left_unwritten_is_written_again(world: World) -> None:
    await world.take_in(300)
    world.signer.down = True
    with pytest.raises(DomainError):
        await world.log.extend()
    # Tiles without a checkpoint, then a checkpoint that is held and was not published.
    assert await world.files.get(CHECKPOINT_PATH) is None
    world.signer.down = False
    world.restart()
    await world.log.extend()
    (world.folder / CHECKPOINT_PATH).unlink()
    world.restart()
    await world.log.extend()
    assert await world.checked() == 300
    await world.take_in(300)
    old = (world.folder / CHECKPOINT_PATH).read_bytes()
    await world.log.extend()
    (world.folder / CHECKPOINT_PATH).write_bytes(old)
    world.restart()
    await world.log.extend()
    assert await world.checked() == 600


async def test_a_batch_at_a_time(world: World) -> None:
    """A busy log has a checkpoint every half second, and not one after the other."""
    for _ in range(5):
        await world.take_in(1_000)
    assert [await world.log.extend() for _ in range(6)] == [1_024] * 4 + [904, 0]
    assert await world.checked() == 5_000
    signed, sign = [], world.signer.sign

    async def timed(text: str) -> Signature:
        signed.append(asyncio.get_running_loop().time())
        return await sign(text)

    world.signer.sign = timed  # type: ignore[method-assign]
    running = asyncio.create_task(world.log.run())
    for size in (5_010, 5_020):
        await world.take_in(10)
        async with asyncio.timeout(20):
            while await world.checked() != size:
                await asyncio.sleep(0.01)
    assert len(signed) == 2
    assert signed[1] - signed[0] >= INTERVAL_S * 0.9
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_two_replicas_write_one_log(world: World) -> None:
    other = World(world.service, world.folder, world.signer)
    for count in (10, 300, 1, 600):
        await world.take_in(count)
        for log in (other.log, world.log, other.log):
            while await log.extend():
                pass
    assert await world.checked() == 911
    sizes = [int(text.split("\n")[1]) for text in world.signer.signed]
    roots = {text.split("\n")[1]: text for text in world.signer.signed}
    assert all(roots[text.split("\n")[1]] == text for text in world.signer.signed), "one root for a size"
    assert max(sizes) == 911


async def test_partial_tiles_go_when_the_full_one_is_there(world: World) -> None:
    for _ in range(20):
        await world.take_in(20)
        await world.log.extend()
    partial = sorted(path.relative_to(world.folder).as_posix() for path in world.folder.rglob("*.p"))
    assert partial == ["tile/0/001.p", "tile/1/000.p", "tile/entries/001.p"]
    # A proof for an older checkpoint is made from the full tile.
    assert await world.proofs.consistency(20, 240)


async def test_a_signature_of_another_key_is_not_published(world: World) -> None:
    await world.take_in(10)
    await world.log.extend()
    await world.take_in(10)
    sign = world.signer.sign

    async def by_another(text: str) -> Signature:
        other = Signer(LOG.key.name + "2", SignatureType.NOTE)
        return note_signature(LOG.key, other.private_key.sign(text.encode()))

    world.signer.sign = by_another  # type: ignore[method-assign]
    with pytest.raises(LogDamagedError, match="the signature of kms"):
        await world.log.extend()
    assert await world.checked() == 10
    world.signer.sign = sign  # type: ignore[method-assign]
    await world.log.extend()
    assert await world.checked() == 20


async def test_a_checkpoint_that_could_not_be_written_is_written_next_time(world: World) -> None:
    await world.take_in(10)
    await world.log.extend()
    await world.take_in(10)
    put = world.files.put

    async def full(files: Any) -> None:
        if CHECKPOINT_PATH in files:
            raise OSError(28, "full")
        await put(files)

    world.files.put = full  # type: ignore[method-assign]
    with pytest.raises(OSError):
        await world.log.extend()
    assert await world.checked() == 10
    world.files.put = put  # type: ignore[method-assign]
    await world.log.extend()
    assert await world.checked() == 20


async def test_a_defect_does_not_end_the_service(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    await world.take_in(10)
    world.signer.sign = broken  # type: ignore[assignment]
    tasks = [asyncio.create_task(each.run()) for each in (world.log, Scrub(world.scan))]
    async with asyncio.timeout(5):
        while "log_failed" not in [record.message for record in caplog.records]:
            await asyncio.sleep(0.05)
    assert not any(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("origin", ["", "my log", "a+b", "a\nb"])
def test_a_name_that_no_key_can_have(origin: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="origin"):
        LogSettings(origin, tmp_path)


async def test_who_may_have_a_proof_of_what(world: World) -> None:
    [mine] = await world.take_in(1)
    [other] = await world.take_in(1, OTHER)
    await world.log.extend()
    [late] = await world.take_in(1)

    async def reason(one: pb.Event, call: CallContext = OPERATOR) -> str:
        try:
            await world.proofs.event(call, bytes.fromhex(one.event_id.replace("-", "")))
        except DomainError as error:
            return error.reason_name
        return ""

    assert [await reason(one) for one in (mine, other, late, event())] == [
        "",
        "",
        "RESOURCE_STATE",
        "RESOURCE_NOT_FOUND",
    ]
    assert await reason(mine, CallContext("/m", "r", "c", AUTH)) != ""


async def test_files_are_given_by_their_own_paths_alone(world: World) -> None:
    with pytest.raises(DomainError):
        await world.proofs.checkpoint()
    await world.take_in(300)
    await world.log.extend()
    assert (await world.proofs.file(CHECKPOINT_PATH)).startswith(b"audit.example/log\n300\n")
    assert len(await world.proofs.file("tile/0/000")) == 8192
    for path, reason in (
        ("tile/0/001", "RESOURCE_NOT_FOUND"),
        ("../audit.sqlite", "INVALID_FIELD"),
        ("tile/0/../../x", "INVALID_FIELD"),
        ("/etc/passwd", "INVALID_FIELD"),
    ):
        with pytest.raises(DomainError) as refused:
            await world.proofs.file(path)
        assert refused.value.reason_name == reason


async def test_files_that_are_away_are_waited_for_and_said_to_be(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def away(*_: Any) -> None:
        raise BucketError("SlowDown")

    event, _ = await world.take_in(2)
    await world.log.extend()
    get = world.files.get
    world.files.get = away  # type: ignore[assignment]
    event_id = bytes.fromhex(event.event_id.replace("-", ""))
    await world.take_in(1)
    growing = asyncio.create_task(world.log.run())
    for call in (world.proofs.file("checkpoint"), world.proofs.event(OPERATOR, event_id)):
        with pytest.raises(DomainError) as refused:
            await call
        assert refused.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    async with asyncio.timeout(5):
        while "log_waits" not in [record.message for record in caplog.records]:
            await asyncio.sleep(0.05)
    [waits] = [record for record in caplog.records if record.message == "log_waits"]
    assert vars(waits)["fields"] == {"reason": "SlowDown"}
    world.files.get = get  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        while world.log.size < 3:
            await asyncio.sleep(0.05)
    growing.cancel()
    await asyncio.gather(growing, return_exceptions=True)
    assert await world.checked() == 3


async def test_what_could_not_be_removed_is_removed_later(world: World) -> None:
    async def away(_: str) -> None:
        raise BucketError("SlowDown")

    await world.take_in(10)
    await world.log.extend()
    remove, world.files.remove_partial = world.files.remove_partial, away  # type: ignore[method-assign]
    await world.take_in(246)
    with pytest.raises(BucketError):
        await world.log.extend()
    assert await world.checked() == world.log.size == 256
    await world.take_in(1)
    with pytest.raises(BucketError):
        await world.log.extend()
    assert await world.checked() == world.log.size == 257
    world.files.remove_partial = remove  # type: ignore[method-assign]
    assert await world.files.get("tile/0/000.p/10")
    assert not await world.log.extend()
    for path in ("tile/0/000.p/10", "tile/entries/000.p/10"):
        assert await world.files.get(path) is None
    assert await world.checked() == 257
