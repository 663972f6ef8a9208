"""Acknowledging a change: who is waited for, and for how long."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.auth.domain.points import EnforcementPointId
from services.auth.operations.revocation import MAX_POINTS_OF_A_SERVICE, Revocation
from services.chassis.errors import DomainError
from services.chassis.revocation import EVERYBODY
from tests.fakes.clock import CountingRandomness, ManualClock

ONE, TWO = EnforcementPointId("runtime", "1" * 32), EnforcementPointId("kms", "2" * 32)
ACCOUNT, OTHER = "123456789012", "210987654321"


class Points:
    """An EnforcementPointStore."""

    def __init__(self, clock: ManualClock) -> None:
        self.seen: dict[EnforcementPointId, datetime] = {}
        self.writes = 0
        self.broken = False
        self._clock = clock

    async def register(self, point: EnforcementPointId, now: datetime, since: datetime, most: int) -> bool:
        live = await self.live(since)
        if point not in live and sum(each.service == point.service for each in live) >= most:
            return False
        self.seen[point] = now
        self.writes += 1
        return True

    async def live(self, since: datetime) -> list[EnforcementPointId]:
        if self.broken:
            raise OSError("no database")
        return [point for point, seen in self.seen.items() if seen >= since]


class Announcer:
    def __init__(self) -> None:
        self.announced: list[tuple[str, int]] = []
        self.relayed: list[str] = []

    async def publish(self, account_id: str, epoch: int) -> None:
        self.announced.append((account_id, epoch))

    async def publish_all(self, epochs: Mapping[str, int]) -> None:
        self.announced += epochs.items()

    async def relay(self, confirmation: str) -> None:
        self.relayed.append(confirmation)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def points(clock: ManualClock) -> Points:
    return Points(clock)


@pytest.fixture
def announcer() -> Announcer:
    return Announcer()


@pytest.fixture
def revocation(points: Points, announcer: Announcer, clock: ManualClock) -> Revocation:
    return Revocation(points, announcer, clock, CountingRandomness())


async def begun(call: Any) -> "asyncio.Task[None]":
    task = asyncio.create_task(call)
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_without_enforcement_points_a_change_is_in_force_at_once(
    revocation: Revocation, announcer: Announcer
) -> None:
    await revocation.publish(ACCOUNT, 7)
    assert announcer.announced == [(ACCOUNT, 7)]


async def test_every_point_is_waited_for(revocation: Revocation) -> None:
    await revocation.register(ONE)
    await revocation.register(TWO)
    waiting = await begun(revocation.publish(ACCOUNT, 7))
    await revocation.confirm(ONE, [(ACCOUNT, 6), (OTHER, 7)])
    revocation.confirmed(TWO, ACCOUNT, 8)
    await asyncio.sleep(0)
    assert not waiting.done(), "one has confirmed an older change, and one of another account"
    await revocation.confirm(ONE, [(ACCOUNT, 7)])
    await asyncio.wait_for(waiting, 1)


async def test_a_change_of_many_accounts_waits_for_all_of_them(revocation: Revocation) -> None:
    await revocation.register(ONE)
    waiting = await begun(revocation.publish_all({ACCOUNT: 1, OTHER: 9}))
    revocation.confirmed(ONE, ACCOUNT, 1)
    await asyncio.sleep(0)
    assert not waiting.done()
    revocation.confirmed(ONE, OTHER, 9)
    await asyncio.wait_for(waiting, 1)
    await asyncio.wait_for(revocation.publish_all({}), 1)


def many(number: int) -> dict[str, int]:
    return {f"{account:012d}": account + 1 for account in range(number)}


async def test_a_change_of_the_whole_organization_is_announced_and_confirmed_once(
    revocation: Revocation, announcer: Announcer
) -> None:
    await revocation.register(ONE)
    await revocation.register(TWO)
    waiting = await begun(revocation.publish_all(many(5_000)))
    [(everybody, number)] = announcer.announced
    assert everybody == EVERYBODY
    assert 0 <= number < 2**63
    for account_id, epoch in many(5_000).items():
        revocation.confirmed(ONE, account_id, epoch)
    await revocation.confirm(ONE, [(EVERYBODY, number)])
    for other in (number + 1, number - 1):
        revocation.confirmed(TWO, EVERYBODY, other)
    await asyncio.sleep(0)
    assert not waiting.done(), "what was forgotten for another announcement may be leased again"
    revocation.heard(announcer.relayed[-1].replace(*("runtime", "kms")).replace("1" * 32, "2" * 32))
    await asyncio.wait_for(waiting, 1)


async def test_announcements_to_everybody_are_told_apart(
    revocation: Revocation, announcer: Announcer
) -> None:
    for _ in range(2):
        await revocation.publish_all(many(101))
    await revocation.publish_all(many(100))
    first, second, *few = announcer.announced
    assert first != second
    assert dict(few) == many(100)


async def test_a_silent_point_is_waited_for_as_long_as_a_lease(
    revocation: Revocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.auth.operations.revocation.LEASE_S", 0.2)
    await revocation.register(ONE)
    started = asyncio.get_running_loop().time()
    await revocation.publish(ACCOUNT, 7)
    assert asyncio.get_running_loop().time() - started >= 0.19


async def test_a_store_that_fails_means_waiting_as_long(
    revocation: Revocation, points: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody may hear of an error: the change is durable."""
    monkeypatch.setattr("services.auth.operations.revocation.LEASE_S", 0.2)
    points.broken = True
    started = asyncio.get_running_loop().time()
    await revocation.publish(ACCOUNT, 7)
    assert asyncio.get_running_loop().time() - started >= 0.19


async def test_points_that_went_away_are_not_waited_for(revocation: Revocation, clock: ManualClock) -> None:
    await revocation.register(ONE)
    clock.advance(31)
    await asyncio.wait_for(revocation.publish(ACCOUNT, 7), 1)


async def test_registration_is_written_down_again_before_it_counts_no_more(
    revocation: Revocation, points: Points, clock: ManualClock
) -> None:
    for _ in range(3):
        await revocation.register(ONE)
    assert points.writes == 1
    clock.advance(10)
    await revocation.register(ONE)
    assert points.writes == 2
    # The last lease is given just before it is written down again, and ends five seconds later.
    clock.advance(10 + 5)
    assert await points.live(clock.now() - timedelta(seconds=30)) == [ONE]


async def test_one_service_cannot_have_changes_wait_for_any_number_of_points(
    revocation: Revocation, points: Points, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    ids = [EnforcementPointId("edge", f"{number:032x}") for number in range(MAX_POINTS_OF_A_SERVICE + 1)]
    for point in ids[:-1]:
        await revocation.register(point)
    with pytest.raises(DomainError) as caught:
        await revocation.register(ids[-1])
    assert caught.value.reason_name == "THROTTLED"
    assert not revocation.knows(ids[-1])
    assert "too_many_enforcement_points" in caplog.text
    await revocation.register(ONE)
    clock.advance(11)
    await revocation.register(ids[0])
    clock.advance(20)
    await revocation.register(ids[-1])
    assert await points.live(clock.now() - timedelta(seconds=30)) == [ids[0], ids[-1]]


async def test_confirmations_reach_the_other_replicas(
    points: Points, announcer: Announcer, clock: ManualClock
) -> None:
    asked, other = (Revocation(points, announcer, clock, CountingRandomness()) for _ in range(2))
    await asked.register(ONE)
    waiting = await begun(other.publish(ACCOUNT, 7))
    await asked.confirm(ONE, [(ACCOUNT, 7)])
    [message] = announcer.relayed
    for nonsense in (None, b"x", "", "runtime", message + " ", message.replace(ACCOUNT, "x")):
        other.heard(nonsense)
    assert not waiting.done()
    other.heard(message)
    await asyncio.wait_for(waiting, 1)
