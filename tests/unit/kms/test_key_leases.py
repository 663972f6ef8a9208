"""Leases on keys: who is waited for before a revocation is acknowledged, and for how long."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.revocation import EVERYBODY
from services.kms.domain.names import KeyName
from services.kms.operations import key_leases
from services.kms.operations.key_leases import LEASE_S, MAX_HOLDERS_OF_A_WORKLOAD, Holder, KeyLeases
from services.kms.operations.key_uses import KeyUse
from tests.fakes.clock import CountingRandomness, ManualClock

AUDIT = WorkloadId("craton.local", "service", "audit")
AUTH = WorkloadId("craton.local", "service", "auth")
ONE, TWO = Holder(AUDIT, "1" * 32), Holder(AUTH, "2" * 32)
KEY, OTHER = KeyName.parse("services/audit/keys/default"), KeyName.parse("providers/p/keys/other")
USE = KeyUse(KEY, "Decrypt")


class Uses:
    """What is permitted, decided when the test lets it."""

    def __init__(self) -> None:
        self.refused: dict[KeyName, int] = {}
        self.gate: asyncio.Event | None = None

    async def permit(self, workload: WorkloadId, use: KeyUse) -> None:
        refusal = self.refused.get(use.key_name)
        if self.gate is not None:
            # What was read before the gate is what is answered behind it.
            await self.gate.wait()
        if refusal is not None:
            raise DomainError(refusal, "refused")


class Announcer:
    def __init__(self) -> None:
        self.announced: list[tuple[str, int]] = []

    async def publish(self, subject: str, epoch: int) -> None:
        self.announced.append((subject, epoch))


class Kms:
    """Leases, and everything around them."""

    def __init__(self, *, first_boot: bool = True) -> None:
        self.clock, self.uses, self.announcer = ManualClock(), Uses(), Announcer()
        self.leases = self.process(first_boot=first_boot)

    def process(self, *, first_boot: bool, randomness: Any = None) -> KeyLeases:
        uses: Any = self.uses
        random = randomness or CountingRandomness()
        return KeyLeases(uses, self.announcer, self.clock, random, first_boot=first_boot)

    async def lease(self, holder: Holder, *names: KeyName) -> list[tuple[int, int]]:
        answers = await self.leases.lease(holder, [KeyUse(name, "Decrypt") for name in names])
        return [(each.epoch, each.refusal) for each in answers]


@pytest.fixture
def kms() -> Kms:
    return Kms()


async def begun(call: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    task = asyncio.create_task(call)
    await settled()
    return task


async def settled() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


async def passes(kms: Kms, task: "asyncio.Task[Any]", seconds: float) -> None:
    """Let time pass, also for the waiter, whose timer runs on the event loop's own clock."""
    kms.clock.advance(seconds)
    for waiters in kms.leases._waiters.values():
        for waiter in waiters:
            waiter.changed.set()
    await settled()


async def test_where_nobody_holds_a_lease_nobody_is_waited_for_or_told(kms: Kms) -> None:
    await asyncio.wait_for(kms.leases.revoke(KEY), 1)
    await asyncio.wait_for(kms.leases.revoke_all(), 1)
    assert kms.announcer.announced == []


async def test_every_holder_of_the_key_is_waited_for_and_no_other(kms: Kms) -> None:
    await kms.lease(ONE, KEY)
    await kms.lease(TWO, KEY, OTHER)
    await kms.lease(Holder(AUDIT, "3" * 32), OTHER)
    task = await begun(kms.leases.revoke(KEY))
    ((subject, epoch),) = kms.announcer.announced
    assert subject == str(KEY)
    kms.leases.confirm(ONE, [(subject, epoch)])
    await settled()
    assert not task.done()
    kms.leases.confirm(Holder(AUDIT, "2" * 32), [(subject, epoch)])
    kms.leases.confirm(TWO, [(subject, epoch - 1), (str(OTHER), epoch)])
    await settled()
    assert not task.done(), "only the holder's own word counts, and only for this revocation"
    kms.leases.confirm(TWO, [(subject, epoch)])
    await asyncio.wait_for(task, 1)


async def test_a_silent_holder_is_waited_for_until_its_lease_has_ended(kms: Kms) -> None:
    await kms.lease(ONE, KEY)
    kms.clock.advance(2)
    task = await begun(kms.leases.revoke(KEY))
    await passes(kms, task, LEASE_S - 2 - 0.01)
    assert not task.done()
    await passes(kms, task, 0.02)
    await asyncio.wait_for(task, 1)


async def test_the_end_of_a_lease_wakes_whoever_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_leases, "LEASE_S", 0.05)

    class LoopClock(ManualClock):
        def boottime(self) -> float:
            return asyncio.get_running_loop().time()

    kms = Kms.__new__(Kms)
    kms.clock, kms.uses, kms.announcer = LoopClock(), Uses(), Announcer()
    kms.leases = kms.process(first_boot=True)
    await kms.lease(ONE, KEY)
    began = kms.clock.boottime()
    await asyncio.wait_for(kms.leases.revoke(KEY), 5)
    assert kms.clock.boottime() - began >= 0.04


async def test_an_answer_that_is_being_read_while_the_key_ends_is_waited_for(kms: Kms) -> None:
    kms.uses.gate = asyncio.Event()
    reading = await begun(kms.lease(ONE, KEY))
    kms.uses.refused[KEY] = ErrorReason.ERROR_REASON_KEY_DISABLED
    task = await begun(kms.leases.revoke(KEY))
    ((_, epoch),) = kms.announcer.announced
    kms.uses.gate.set()
    ((leased_in, refusal),) = await reading
    assert refusal == 0
    assert leased_in != epoch, "its holder does not take it for one from afterwards"
    await settled()
    assert not task.done(), "it read the key before its end, and may use it"
    kms.leases.confirm(ONE, [(str(KEY), epoch)])
    await asyncio.wait_for(task, 1)


@pytest.mark.parametrize("everything", [False, True])
async def test_an_answer_that_is_refused_is_not_waited_for(kms: Kms, everything: bool) -> None:
    kms.uses.refused[KEY] = ErrorReason.ERROR_REASON_ACCESS_DENIED
    kms.uses.gate = asyncio.Event()
    reading = await begun(kms.lease(ONE, KEY))
    task = await begun(kms.leases.revoke_all() if everything else kms.leases.revoke(KEY))
    assert not task.done()
    kms.uses.gate.set()
    ((_, refusal),) = await reading
    assert refusal == ErrorReason.ERROR_REASON_ACCESS_DENIED
    await asyncio.wait_for(task, 1)
    assert kms.leases._holders == {}
    assert kms.leases._readings == {}


async def test_a_refusal_does_not_shorten_what_the_holder_has(kms: Kms) -> None:
    await kms.lease(ONE, KEY)
    kms.uses.refused[KEY] = ErrorReason.ERROR_REASON_KEY_DISABLED
    await kms.lease(ONE, KEY)
    task = await begun(kms.leases.revoke(KEY))
    assert not task.done()
    kms.leases.confirm(ONE, kms.announcer.announced)
    await asyncio.wait_for(task, 1)


async def test_epochs_change_with_every_revocation_of_the_key_and_of_all(kms: Kms) -> None:
    ((key, _), (other, _)) = await kms.lease(ONE, KEY, OTHER)
    kms.clock.advance(LEASE_S)
    await kms.leases.revoke(KEY)
    ((key_2, _), (other_2, _)) = await kms.lease(ONE, KEY, OTHER)
    assert key_2 != key
    assert other_2 == other
    kms.clock.advance(LEASE_S)
    await kms.leases.revoke_all()
    ((key_3, _), (other_3, _)) = await kms.lease(ONE, KEY, OTHER)
    assert key_3 not in (key, key_2)
    assert other_3 != other


async def test_more_epochs_than_are_remembered_change_all_of_them(
    kms: Kms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_leases, "_MAX_EPOCHS", 3)
    ((first, _),) = await kms.lease(ONE, OTHER)
    kms.clock.advance(LEASE_S)
    seen = {first}
    for number in range(4):
        await kms.leases.revoke(KeyName.parse(f"providers/p/keys/{number}"))
    ((last, _),) = await kms.lease(ONE, OTHER)
    assert last not in seen
    assert len(kms.leases._epochs) == 1


async def test_the_end_of_everything_waits_for_all_holders_under_one_number(kms: Kms) -> None:
    await kms.lease(ONE, KEY)
    await kms.lease(TWO, OTHER)
    task = await begun(kms.leases.revoke_all())
    ((subject, number),) = kms.announcer.announced
    assert subject == EVERYBODY
    kms.leases.confirm(ONE, [(EVERYBODY, number)])
    await settled()
    assert not task.done()
    kms.leases.confirm(TWO, [(EVERYBODY, number)])
    await asyncio.wait_for(task, 1)


async def test_after_a_restart_the_first_revocations_wait_for_leases_of_before() -> None:
    kms = Kms(first_boot=False)
    kms.clock.advance(1)
    task = await begun(kms.leases.revoke(KEY))
    assert kms.announcer.announced, "those of before hear as well, and their word is not enough"
    await passes(kms, task, LEASE_S - 1.01)
    assert not task.done()
    await passes(kms, task, 0.02)
    await asyncio.wait_for(task, 1)
    await asyncio.wait_for(kms.leases.revoke(KEY), 1)


async def test_a_process_of_kms_begins_with_epochs_of_its_own(kms: Kms) -> None:
    randomness = CountingRandomness()
    epochs = set()
    for _ in range(3):
        kms.leases = kms.process(first_boot=False, randomness=randomness)
        ((epoch, _),) = await kms.lease(ONE, KEY)
        epochs.add(epoch)
    assert len(epochs) == 3


async def test_a_workload_names_so_many_processes_and_no_more(kms: Kms) -> None:
    for number in range(MAX_HOLDERS_OF_A_WORKLOAD):
        await kms.lease(Holder(AUDIT, f"{number:032x}"), KEY)
    with pytest.raises(DomainError) as caught:
        await kms.lease(Holder(AUDIT, "f" * 32), KEY)
    assert caught.value.reason_name == "THROTTLED"
    await kms.lease(Holder(AUDIT, f"{0:032x}"), KEY)
    await kms.lease(TWO, KEY)
    kms.clock.advance(2 * LEASE_S)
    await kms.lease(Holder(AUDIT, "f" * 32), KEY)


async def test_what_has_ended_is_forgotten(kms: Kms) -> None:
    await kms.lease(ONE, KEY, OTHER)
    kms.clock.advance(2 * LEASE_S)
    await kms.lease(TWO, OTHER)
    assert set(kms.leases._holders) == {OTHER}
    assert set(kms.leases._instances) == {AUTH}


async def test_whoever_waited_and_was_cancelled_leaves_nothing_behind(kms: Kms) -> None:
    await kms.lease(ONE, KEY)
    task = await begun(kms.leases.revoke(KEY))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kms.leases._waiters == {}


async def test_a_kms_that_can_say_nothing_refuses_nothing(kms: Kms) -> None:
    kms.uses.refused[KEY] = ErrorReason.ERROR_REASON_SEALED
    with pytest.raises(DomainError) as caught:
        await kms.lease(ONE, KEY)
    assert caught.value.reason_name == "SEALED"
    await asyncio.wait_for(kms.leases.revoke(KEY), 1)
