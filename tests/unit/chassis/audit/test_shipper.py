"""The shipper: at least once, in order, resumed where the audit service says, trimming what arrived."""

import asyncio
from collections.abc import Sequence

import pytest
from craton.audit.v1 import ingest_service_pb2 as pb
from craton.audit.v1 import resources_pb2
from craton.common.v1.error_reason_pb2 import ErrorReason
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.audit.budget import SpoolLimits
from services.chassis.audit.segment import Lane
from services.chassis.audit.shipper import EXPECTED_POSITION, Shipper, request_bytes
from services.chassis.audit.spool import Spool
from services.chassis.clock import SystemClock
from services.chassis.errors import DomainError
from services.chassis.randomness import SystemRandomness
from tests.eventually import until

RANDOM = SystemRandomness()
CLOCK = SystemClock()
LIMITS = SpoolLimits(max_bytes=1_000_000, segment_bytes=2_000, summary_bytes=1_000, outcome_bytes=1_000)


class Held:
    """An audit service in memory, with the real one's rules for positions."""

    def __init__(self) -> None:
        self.events: dict[str, list[bytes]] = {}
        self.down = False
        self.batches: list[tuple[int, int]] = []

    async def append(self, spool_id: str, first_position: int, events: Sequence[bytes]) -> int:
        if self.down:
            raise DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "down")
        self.batches.append((first_position, len(events)))
        held = self.events.setdefault(spool_id, [])
        if first_position > len(held):
            raise DomainError(
                ErrorReason.ERROR_REASON_RESOURCE_STATE, "gap", metadata={EXPECTED_POSITION: str(len(held))}
            )
        held.extend(events[len(held) - first_position :])
        return len(held)


@pytest.fixture
async def spool(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM, limits=LIMITS)
    yield spool
    if not spool.closed:
        await spool.close()


async def write(spool: Spool, count: int, start: int = 0) -> list[bytes]:
    payloads = [b"event %d " % (start + i) * 5 for i in range(count)]
    for payload in payloads:
        await spool.append(payload, Lane.EVENT)
    return payloads


async def ship_all(shipper: Shipper) -> None:
    while shipper.backlog:
        await shipper.ship_once()


async def test_everything_arrives_in_order_and_is_trimmed(spool):
    held = Held()
    payloads = await write(spool, 100)
    shipper = Shipper(spool, held, CLOCK, RANDOM)
    await ship_all(shipper)
    assert held.events[spool.spool_id] == payloads
    assert len(spool.segments()) == 1


async def test_a_new_life_asks_once_and_goes_on(spool):
    """What was acknowledged before the restart is not sent again, but for the first batch."""
    held = Held()
    payloads = await write(spool, 40)
    await ship_all(Shipper(spool, held, CLOCK, RANDOM))
    payloads += await write(spool, 5, start=40)
    held.batches.clear()
    await ship_all(Shipper(spool, held, CLOCK, RANDOM))
    assert held.events[spool.spool_id] == payloads
    assert sum(count for _, count in held.batches) < 45


async def test_a_service_that_lost_its_end_gets_it_again(spool):
    held = Held()
    payloads = await write(spool, 10)
    shipper = Shipper(spool, held, CLOCK, RANDOM)
    await ship_all(shipper)
    del held.events[spool.spool_id][7:]
    payloads += await write(spool, 1, start=10)
    await ship_all(shipper)
    assert held.events[spool.spool_id] == payloads


async def test_a_spool_older_than_the_service_ships_nothing(spool):
    held = Held()
    held.events[spool.spool_id] = [b"x"] * 50
    await write(spool, 3)
    with pytest.raises(DomainError) as refusal:
        await Shipper(spool, held, CLOCK, RANDOM).ship_once()
    assert refusal.value.reason_name == "RESOURCE_STATE"
    assert spool.durable_position == 3


async def test_run_ships_waits_and_survives_an_outage(spool, monkeypatch):
    monkeypatch.setattr("services.chassis.audit.shipper._PACE_S", 0.01)
    monkeypatch.setattr("services.chassis.audit.shipper._FIRST_BACKOFF_S", 0.01)
    held = Held()
    running = asyncio.create_task(Shipper(spool, held, CLOCK, RANDOM).run())
    payloads = await write(spool, 20)
    await until(lambda: held.events.get(spool.spool_id) == payloads)
    held.down = True
    payloads += await write(spool, 20, start=20)
    await asyncio.sleep(0.05)
    assert len(held.events[spool.spool_id]) == 20
    held.down = False
    await until(lambda: held.events[spool.spool_id] == payloads)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_shipped_events_are_deleted_although_nothing_follows(spool, tmp_path, monkeypatch):
    monkeypatch.setattr("services.chassis.audit.shipper._PACE_S", 0.01)
    monkeypatch.setattr("services.chassis.audit.shipper._KEPT_S", 0.05)
    held = Held()
    running = asyncio.create_task(Shipper(spool, held, CLOCK, RANDOM).run())
    await spool.append(b"CANARY", Lane.EVENT)

    def gone() -> bool:
        files = list(tmp_path.glob("*.seg"))
        return bool(files) and not any(b"CANARY" in file.read_bytes() for file in files)

    assert not gone()
    await until(gone)
    assert held.events[spool.spool_id] == [b"CANARY"]
    # Positions go on where they were, in this life and in the next.
    await spool.append(b"next", Lane.EVENT)
    await until(lambda: held.events[spool.spool_id] == [b"CANARY", b"next"])
    await until(gone)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await spool.close()
    again = Spool(tmp_path, randomness=RANDOM, limits=LIMITS)
    assert again.durable_position == 2
    await again.close()


@given(
    st.lists(st.binary(max_size=400).map(lambda b: resources_pb2.Event(event_id=b.hex()))),
    st.integers(0, 2**40),
)
def test_the_request_is_what_protobuf_would_write(events, position):
    expected = pb.AppendEventsRequest(spool_id="ab" * 16, first_position=position, events=events)
    written = request_bytes("ab" * 16, position, [event.SerializeToString() for event in events])
    assert written == expected.SerializeToString()
