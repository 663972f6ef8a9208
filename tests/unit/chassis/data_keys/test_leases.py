"""Leases on keys: their life, their renewal, and what ends them."""

import asyncio

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.data_keys import leases as module
from services.chassis.data_keys.leases import BATCH, KEEP_IDLE_S, KeyLeases, KeyUse
from services.chassis.errors import DomainError
from tests.fakes.clock import ManualClock
from tests.unit.chassis.data_keys.kms import KEY, USE, Kms, settled

OTHER = KeyUse("providers/p/keys/other", "Decrypt", (("a", "b"),))
DISABLED = ErrorReason.ERROR_REASON_KEY_DISABLED


@pytest.fixture
def ended(leases: KeyLeases) -> list[str]:
    names: list[str] = []
    leases.on_end(names.append)
    return names


async def test_a_live_lease_asks_nobody(leases: KeyLeases, kms: Kms, clock: ManualClock) -> None:
    assert leases.term(USE) is None
    term = await leases.take(USE)
    clock.advance(4.7)
    assert await leases.take(USE) == leases.term(USE) == term
    assert kms.leased == [[USE]]
    clock.advance(0.1)
    assert leases.term(USE) is None


async def test_a_lease_counts_from_before_it_was_asked_for(
    leases: KeyLeases, kms: Kms, clock: ManualClock
) -> None:
    kms.takes_s = 3
    await leases.take(USE)
    clock.advance(1.7)
    assert leases.term(USE) is not None
    clock.advance(0.1)
    assert leases.term(USE) is None


async def test_an_answer_that_took_longer_than_its_lease_leases_nothing(leases: KeyLeases, kms: Kms) -> None:
    kms.takes_s = 4.75
    with pytest.raises(DomainError) as caught:
        await leases.take(USE)
    assert caught.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    assert len(kms.leased) == 3


async def test_no_answer_makes_a_lease_longer_than_five_seconds(
    leases: KeyLeases, kms: Kms, clock: ManualClock
) -> None:
    kms.life_s = 3600
    await leases.take(USE)
    clock.advance(4.9)
    assert leases.term(USE) is not None
    clock.advance(0.1)
    assert leases.term(USE) is None


async def test_a_wall_clock_that_is_turned_changes_nothing_and_sleep_of_the_machine_ends_leases(
    leases: KeyLeases, clock: ManualClock
) -> None:
    term = await leases.take(USE)
    clock.set_wall(-86_400)
    assert leases.term(USE) == term
    clock.set_wall(2 * 86_400)
    assert leases.term(USE) == term
    clock.advance(8 * 3600)
    assert leases.term(USE) is None


async def test_many_who_ask_at_once_ask_once_and_one_who_goes_away_takes_nothing_along(
    leases: KeyLeases, kms: Kms
) -> None:
    kms.lease_gate = asyncio.Event()
    tasks = [asyncio.create_task(leases.take(USE)) for _ in range(20)]
    await settled()
    tasks[0].cancel()
    await settled()
    kms.lease_gate.set()
    assert len(set(await asyncio.gather(*tasks[1:]))) == 1
    assert tasks[0].cancelled()
    assert kms.leased == [[USE]]


async def test_all_that_is_in_use_is_renewed_by_one_call_and_goes_on(
    leases: KeyLeases, kms: Kms, clock: ManualClock, ended: list[str]
) -> None:
    terms = [await leases.take(USE), await leases.take(OTHER)]
    for _ in range(30):
        clock.advance(1.5)
        assert [leases.term(USE), leases.term(OTHER)] == terms
        await leases.renew()
    assert kms.leased[2:] == 30 * [[USE, OTHER]]
    assert ended == []


async def test_more_than_one_call_holds_is_renewed_by_several(leases: KeyLeases, kms: Kms) -> None:
    uses = [KeyUse(f"providers/p/keys/{number}", "Decrypt") for number in range(BATCH + 1)]
    for use in uses:
        await leases.take(use)
    kms.leased.clear()
    await leases.renew()
    assert [len(each) for each in kms.leased] == [BATCH, 1]


async def test_what_nobody_uses_is_not_renewed_for_ever(
    leases: KeyLeases, kms: Kms, clock: ManualClock
) -> None:
    await leases.take(USE)
    clock.advance(KEEP_IDLE_S)
    await leases.renew()
    clock.advance(0.1)
    await leases.renew()
    assert kms.leased == [[USE], [USE]]


async def test_a_lease_that_ran_out_goes_on_in_its_term_unless_something_was_revoked(
    leases: KeyLeases, kms: Kms, clock: ManualClock, ended: list[str]
) -> None:
    term = await leases.take(USE)
    kms.down = True
    clock.advance(10)
    await leases.renew()
    assert leases.term(USE) is None
    with pytest.raises(DomainError):
        await leases.take(USE)
    kms.down = False
    assert await leases.take(USE) == term
    clock.advance(10)
    kms.epoch += 1
    assert await leases.take(USE) != term
    assert ended == [KEY]


async def test_a_renewal_that_is_refused_ends_the_lease_at_once(
    leases: KeyLeases, kms: Kms, ended: list[str]
) -> None:
    await leases.take(USE)
    kms.refusal = DISABLED
    await leases.renew()
    assert leases.term(USE) is None
    assert ended == [KEY]
    with pytest.raises(DomainError) as caught:
        await leases.take(USE)
    assert caught.value.reason == DISABLED


async def test_a_renewal_of_another_epoch_begins_another_term(
    leases: KeyLeases, kms: Kms, ended: list[str]
) -> None:
    term = await leases.take(USE)
    kms.epoch -= 1
    await leases.renew()
    assert leases.term(USE) not in (None, term)
    assert ended == [KEY]


@pytest.mark.parametrize("everything", [False, True])
async def test_a_revocation_ends_leases_and_distrusts_what_was_asked_before(
    leases: KeyLeases, kms: Kms, ended: list[str], everything: bool
) -> None:
    await leases.take(USE)
    await leases.take(OTHER)
    kms.lease_gate = asyncio.Event()
    renewal = asyncio.create_task(leases.renew())
    taking = asyncio.create_task(leases.take(KeyUse(KEY, "GenerateDataKey")))
    await settled()
    if everything:
        leases.revoke_all()
    else:
        leases.revoke(KEY, 8)
    assert leases.term(USE) is None
    assert (leases.term(OTHER) is None) is everything
    assert ended == ["" if everything else KEY]
    kms.refusal = DISABLED
    kms.lease_gate.set()
    await renewal
    assert leases.term(USE) is None, "what was asked for before the revocation was answered with yes"
    with pytest.raises(DomainError) as caught:
        await taking
    assert caught.value.reason == DISABLED


async def test_keys_that_are_revoked_all_the_time_are_an_error_and_no_lease(
    leases: KeyLeases, kms: Kms
) -> None:
    async def revoked(uses: object) -> object:
        leases.revoke(KEY, 1)
        return await Kms.fetch(kms, [USE])

    kms.fetch = revoked  # type: ignore[assignment,method-assign]
    with pytest.raises(DomainError) as caught:
        await leases.take(USE)
    assert caught.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    assert leases.term(USE) is None


async def test_more_revocations_than_are_remembered_count_for_every_key(
    leases: KeyLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_REVOKED", 3)
    heard = leases.heard
    for number in range(3):
        leases.revoke(f"providers/p/keys/{number}", 1)
    assert not leases.revoked_since(KEY, heard)
    leases.revoke("providers/p/keys/3", 1)
    assert leases.revoked_since(KEY, heard)
    assert not leases.revoked_since(KEY, leases.heard)


async def test_leases_are_bounded(leases: KeyLeases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_HELD", 2)
    for number in range(3):
        await leases.take(KeyUse(f"providers/p/keys/{number}", "Decrypt"))
    assert len(leases._held) == 2
    assert leases.term(KeyUse("providers/p/keys/0", "Decrypt")) is None


async def test_the_task_renews_until_it_is_cancelled(
    leases: KeyLeases, kms: Kms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEW_S", 0.001)
    await leases.take(USE)
    kms.down = True
    task = asyncio.create_task(leases.run())
    async with asyncio.timeout(5):
        while len(kms.leased) < 4:
            await asyncio.sleep(0.001)
    assert not task.done(), "a kms that is away ends nothing"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
