"""Calls that were in progress when a process ended have an outcome all the same: that it is not known."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from craton.audit.v1 import resources_pb2 as pb

from services.chassis.audit.budget import SpoolLimits
from services.chassis.audit.local import LocalAudit
from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.audit.reader import SpoolReader
from services.chassis.audit.recorder import OUTCOME_UNKNOWN, SpoolRecorder
from services.chassis.audit.spool import Spool
from services.chassis.audit.unfinished import unfinished
from services.chassis.config import ConfigError
from services.chassis.context import CallContext
from services.chassis.randomness import SystemRandomness
from services.chassis.settings import AuditSettings, UpstreamSettings
from tests.unit.chassis.audit.test_recorder import ALICE, EDGE, EFFECT, FixedClock

METHODS = {"/m": AuditedMethod("bedrock.amazonaws.com", "InvokeModel", Recording.EFFECT)}


class Ingest:
    """An audit service that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[pb.Event] = []

    async def append(self, spool_id: str, first_position: int, events: Sequence[bytes]) -> int:
        del self.events[first_position:]
        self.events += [pb.Event.FromString(each) for each in events]
        return len(self.events)


def local(folder: Path, ingest: Ingest, clock: FixedClock | None = None) -> LocalAudit:
    settings = AuditSettings(folder / "spool", UpstreamSettings("127.0.0.1:1", "audit"))
    return LocalAudit(
        settings, EDGE, METHODS, clock=clock or FixedClock(), randomness=SystemRandomness(), ingest=ingest
    )


def call(number: int) -> CallContext:
    return CallContext("/m", f"request-{number}", f"call-{number}", EDGE, principal=ALICE)


def events(spool: Spool) -> list[pb.Event]:
    read = SpoolReader().read(spool.segments(), spool.first_position, 1000)
    return [pb.Event.FromString(each) for each in read]


async def ended(audit: LocalAudit) -> None:
    """End as a process that was killed: nothing is written any more."""
    await audit.spool.close()


async def settled(audit: LocalAudit) -> None:
    """Let the outcomes of the life before be written."""
    task = asyncio.create_task(audit.close_unfinished())
    while audit._unfinished:
        await asyncio.sleep(0.005)
    task.cancel()


async def test_what_was_in_progress_ends_with_the_next_life(tmp_path: Path) -> None:
    first = local(tmp_path, Ingest())
    for number in range(4):
        await first.recorder.intent(call(number), EFFECT)
    await first.recorder.outcome(call(1), EFFECT, "OK", "")
    await ended(first)
    second = local(tmp_path, Ingest())
    await settled(second)
    unknown = [each for each in events(second.spool) if each.error_reason == OUTCOME_UNKNOWN]
    assert [each.call_id for each in unknown] == ["call-0", "call-2", "call-3"]
    intents = {each.call_id: each for each in events(second.spool) if each.phase == pb.EVENT_PHASE_INTENT}
    for each in unknown:
        intent = intents[each.call_id]
        assert (each.phase, each.status_code) == (pb.EVENT_PHASE_OUTCOME, "UNKNOWN")
        assert each.event_id != intent.event_id
        assert (each.request_id, each.principal, each.event_name) == (
            intent.request_id,
            intent.principal,
            intent.event_name,
        )
    await ended(second)
    third = local(tmp_path, Ingest())
    assert not third._unfinished
    await ended(third)


async def test_intents_are_kept_for_as_long_as_their_calls_take(tmp_path: Path) -> None:
    clock, ingest = FixedClock(), Ingest()
    first = local(tmp_path, ingest, clock)
    await first.recorder.intent(call(0), EFFECT)
    for number in range(1, 4):
        await first.recorder.intent(call(number), EFFECT)
        await first.recorder.outcome(call(number), EFFECT, "OK", "")
        await first.shipper.ship_once()
        clock.boot += 100
        first.shipper._let_go()
        while first.spool._batch is not None:
            await asyncio.sleep(0.005)
    assert len(ingest.events) == 7
    assert first.spool.first_position == 0
    await ended(first)
    second = local(tmp_path, ingest, clock)
    assert [each.call_id for each in second._unfinished] == ["call-0"]
    await settled(second)
    clock.boot += 100
    while second.shipper.backlog:
        await second.shipper.ship_once()
    second.shipper._let_go()
    while second.spool._batch is not None:
        await asyncio.sleep(0.005)
    second.shipper._let_go()
    # All is closed and shipped: nothing lies there in clear any more.
    assert not events(second.spool)
    assert ingest.events[-1].error_reason == OUTCOME_UNKNOWN
    await ended(second)


async def test_a_call_that_nobody_ended_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    clock = FixedClock()
    spool = Spool(tmp_path / "spool", randomness=SystemRandomness())
    recorder = SpoolRecorder(spool, "edge", clock, SystemRandomness())
    assert recorder.needed_from is None
    await recorder.intent(call(0), EFFECT)
    clock.boot += 1000
    await recorder.intent(call(1), EFFECT)
    assert recorder.needed_from == 0
    clock.boot += 1000
    assert recorder.needed_from == 1
    await recorder.outcome(call(1), EFFECT, "OK", "")
    assert recorder.needed_from is None
    await spool.close()


async def test_a_spool_that_fills_keeps_nothing_for_it(tmp_path: Path) -> None:
    audit = local(tmp_path, Ingest())
    await audit.recorder.intent(call(0), EFFECT)
    assert audit._needed_from() == 0
    audit.spool.limits = SpoolLimits.of(2 * audit.spool.used_bytes - 2, 0.25)
    assert audit._needed_from() == audit.spool.durable_position
    await ended(audit)


async def test_of_a_long_spool_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "spool", randomness=SystemRandomness(), limits=SpoolLimits.of(64 * 4096, 0.25))
    recorder = SpoolRecorder(spool, "edge", FixedClock(), SystemRandomness())
    for number in range(60):
        await recorder.intent(call(number), EFFECT)
    segments = spool.segments()
    assert len(segments) > 3
    monkeypatch.setattr("services.chassis.audit.unfinished._MOST_BYTES", segments[-1].size + 1)
    found = unfinished(segments)
    assert [each.call_id for each in found] == [
        f"call-{number}" for number in range(segments[-1].first_position, 60)
    ]
    monkeypatch.undo()
    assert len(unfinished(segments)) == 60
    await spool.close()


async def test_a_spool_that_is_damaged_is_named_with_what_to_do(tmp_path: Path) -> None:
    """A service that starts says so in one line: all of them print a ConfigError as such."""
    audit = local(tmp_path, Ingest())
    for number in range(2):
        await audit.recorder.intent(call(number), METHODS["/m"])
    await ended(audit)
    (segment,) = (tmp_path / "spool").glob("*.seg")
    content = bytearray(segment.read_bytes())
    content[content.index(b"call-0")] ^= 1
    segment.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"spool is damaged: {segment.name}: .* move the folder aside"):
        local(tmp_path, Ingest())
