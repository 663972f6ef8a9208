"""Data keys in memory: single flight, limits of time and uses, and the end of leases."""

import asyncio
import gc
import logging

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.data_keys.cache import MAX_LIFE_S, MAX_USES, DataKeyCache
from services.chassis.data_keys.leases import KeyLeases
from services.chassis.errors import DomainError
from tests.fakes.clock import ManualClock
from tests.unit.chassis.data_keys.kms import KEY, USE, Kms, settled

CONTEXT = {"purpose": "test", "account": "1"}
DISABLED = ErrorReason.ERROR_REASON_KEY_DISABLED


def test_the_bounds_are_those_that_are_promised(kms: Kms, leases: KeyLeases, clock: ManualClock) -> None:
    assert MAX_LIFE_S == 60.0
    assert MAX_USES == 65_536
    for bounds in ({"life_s": 60.1}, {"uses": MAX_USES + 1}, {"uses": 0}, {"life_s": 0}, {"size": 0}):
        with pytest.raises(ValueError, match="at most 60 s"):
            DataKeyCache(kms, leases, clock, **bounds)  # type: ignore[arg-type]


async def test_a_minute_from_before_it_was_asked_for(
    cache: DataKeyCache, leases: KeyLeases, kms: Kms, clock: ManualClock
) -> None:
    kms.takes_s = 1
    assert (await cache.open(b"c", CONTEXT)).reveal() == b"plain 1 of c"
    kms.takes_s = 0
    # One second for opening it, one for the lease.
    for _ in range(57):
        clock.advance(1)
        await leases.renew()
        await cache.open(b"c", CONTEXT)
    assert kms.opened == 1
    clock.advance(1)
    await cache.open(b"c", CONTEXT)
    assert kms.opened == 2


async def test_a_wall_clock_that_is_turned_lengthens_nothing(
    cache: DataKeyCache, kms: Kms, clock: ManualClock
) -> None:
    await cache.open(b"c", CONTEXT)
    clock.set_wall(-3600)
    clock.advance(61)
    await cache.open(b"c", CONTEXT)
    assert kms.opened == 2


async def test_so_many_uses_and_no_more(kms: Kms, leases: KeyLeases, clock: ManualClock) -> None:
    cache = DataKeyCache(kms, leases, clock, uses=3)
    handed_out = [(await cache.get(CONTEXT)).ciphertext for _ in range(7)]
    assert handed_out == 3 * [b"sealed 1"] + 3 * [b"sealed 2"] + [b"sealed 3"]


async def test_so_many_uses_also_when_all_come_at_once(
    kms: Kms, leases: KeyLeases, clock: ManualClock
) -> None:
    cache = DataKeyCache(kms, leases, clock, uses=3)
    keys = await asyncio.gather(*(cache.get(CONTEXT) for _ in range(40)))
    given = [each.ciphertext for each in keys]
    assert max(given.count(each) for each in given) == 3
    assert kms.generated == 14


async def test_contexts_keys_and_directions_are_kept_apart(cache: DataKeyCache, kms: Kms) -> None:
    first = await cache.get({"a": "1", "b": "2"})
    assert await cache.get({"b": "2", "a": "1"}) is first
    assert await cache.get({"a": "1"}) is not first
    assert await cache.get({"a": "1", "b": "2"}, "providers/p/keys/k") is not first
    await cache.open(first.ciphertext, {"a": "1", "b": "2"})
    await cache.open(first.ciphertext, {"a": "1"})
    assert (kms.generated, kms.opened) == (3, 2)


async def test_many_who_ask_at_once_cause_one_call_and_one_who_goes_away_takes_nothing_along(
    cache: DataKeyCache, kms: Kms
) -> None:
    kms.gate = asyncio.Event()
    tasks = [asyncio.create_task(cache.open(b"c", CONTEXT)) for _ in range(32)]
    await settled()
    for task in tasks[:5]:
        task.cancel()
    await settled()
    kms.gate.set()
    opened = await asyncio.gather(*tasks[5:])
    assert {each.reveal() for each in opened} == {b"plain 1 of c"}
    assert all(task.cancelled() for task in tasks[:5])
    assert kms.opened == 1
    assert kms.leased == [[USE]]


async def test_when_all_have_gone_what_was_asked_for_is_kept(cache: DataKeyCache, kms: Kms) -> None:
    kms.gate = asyncio.Event()
    task = asyncio.create_task(cache.open(b"c", CONTEXT))
    await settled()
    task.cancel()
    await settled()
    kms.gate.set()
    await settled()
    await cache.open(b"c", CONTEXT)
    assert kms.opened == 1


async def test_a_failure_is_everybodys_who_waits_and_nobodys_afterwards(
    cache: DataKeyCache, kms: Kms, caplog: pytest.LogCaptureFixture
) -> None:
    kms.gate, kms.down = asyncio.Event(), True
    tasks = [asyncio.create_task(cache.open(b"c", CONTEXT)) for _ in range(3)]
    gone = asyncio.create_task(cache.open(b"other", CONTEXT))
    await settled()
    gone.cancel()
    kms.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, DomainError) for each in results)
    assert kms.opened == 2
    kms.down = False
    await cache.open(b"c", CONTEXT)
    with caplog.at_level(logging.ERROR):
        gc.collect()
        await settled()
    assert not caplog.records, "an exception that nobody waited for is not reported as lost"


async def test_nothing_is_handed_out_without_a_lease_and_nothing_is_opened_again_for_it(
    cache: DataKeyCache, leases: KeyLeases, kms: Kms, clock: ManualClock
) -> None:
    await cache.open(b"c", CONTEXT)
    kms.down = True
    clock.advance(4.7)
    await cache.open(b"c", CONTEXT)
    clock.advance(0.1)
    with pytest.raises(DomainError) as caught:
        await cache.open(b"c", CONTEXT)
    assert caught.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    kms.down = False
    await leases.renew()
    opened = kms.opened
    await cache.open(b"c", CONTEXT)
    assert kms.opened == opened, "nothing was revoked meanwhile"


async def test_what_was_revoked_unheard_is_forgotten_with_the_next_lease(
    cache: DataKeyCache, leases: KeyLeases, kms: Kms, clock: ManualClock
) -> None:
    await cache.open(b"c", CONTEXT)
    kms.epoch += 1
    await leases.renew()
    assert len(cache) == 0
    assert (await cache.open(b"c", CONTEXT)).reveal() == b"plain 2 of c"


@pytest.mark.parametrize("everything", [False, True])
async def test_a_revocation_empties_at_once(
    cache: DataKeyCache, leases: KeyLeases, kms: Kms, everything: bool
) -> None:
    await cache.open(b"c", CONTEXT)
    await cache.get(CONTEXT)
    await cache.get(CONTEXT, "providers/p/keys/k")
    kms.refusal = DISABLED
    if everything:
        leases.revoke_all()
    else:
        leases.revoke(KEY, 8)
    assert len(cache) == (0 if everything else 1)
    for call in (cache.open(b"c", CONTEXT), cache.get(CONTEXT)):
        with pytest.raises(DomainError) as caught:
            await call
        assert caught.value.reason == DISABLED
    if not everything:
        await cache.get(CONTEXT, "providers/p/keys/k")


async def test_what_was_opened_before_a_revocation_is_given_to_nobody_after_it(
    cache: DataKeyCache, leases: KeyLeases, kms: Kms
) -> None:
    """The key was read while it was enabled; its answer comes when the revocation was acknowledged."""
    kms.gate = asyncio.Event()
    before = asyncio.create_task(cache.open(b"c", CONTEXT))
    await settled()
    kms.refusal = DISABLED
    leases.revoke(KEY, 8)
    after = asyncio.create_task(cache.open(b"c", CONTEXT))
    await settled()
    kms.gate.set()
    for task in (before, after):
        with pytest.raises(DomainError) as caught:
            await task
        assert caught.value.reason == DISABLED
    assert len(cache) == 0


async def test_what_was_opened_before_a_revocation_that_nobody_told_is_not_leased(
    cache: DataKeyCache, kms: Kms
) -> None:
    """Whoever holds no lease on the key is not waited for: the lease comes after the opening."""
    kms.gate = asyncio.Event()
    task = asyncio.create_task(cache.open(b"c", CONTEXT))
    await settled()
    kms.refusal = DISABLED
    kms.gate.set()
    with pytest.raises(DomainError) as caught:
        await task
    assert caught.value.reason == DISABLED
    assert len(cache) == 0


async def test_what_was_on_its_way_during_a_revocation_is_asked_for_again(
    cache: DataKeyCache, leases: KeyLeases, kms: Kms
) -> None:
    kms.gate = asyncio.Event()
    task = asyncio.create_task(cache.open(b"c", CONTEXT))
    await settled()
    leases.revoke(KEY, 8)
    kms.gate.set()
    assert (await task).reveal() == b"plain 2 of c"


async def test_keys_that_are_revoked_all_the_time_are_an_error(
    cache: DataKeyCache, leases: KeyLeases, kms: Kms
) -> None:
    original = kms.open

    async def revoked(*arguments: object) -> object:
        leases.revoke(KEY, 1)
        return await original(*arguments)  # type: ignore[arg-type]

    kms.open = revoked  # type: ignore[assignment,method-assign]
    with pytest.raises(DomainError) as caught:
        await cache.open(b"c", CONTEXT)
    assert caught.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    assert kms.opened == 3


async def test_a_new_key_is_the_makers_alone_and_opens_from_memory(
    cache: DataKeyCache, leases: KeyLeases, kms: Kms
) -> None:
    one, two = await cache.make(CONTEXT), await cache.make(CONTEXT)
    assert one.ciphertext != two.ciphertext
    assert (await cache.open(one.ciphertext, CONTEXT)).equals(one.plaintext)
    assert (await cache.open(two.ciphertext, CONTEXT)).equals(two.plaintext)
    assert kms.opened == 0
    leases.revoke(KEY, 8)
    await cache.open(one.ciphertext, CONTEXT)
    assert kms.opened == 1


async def test_a_new_key_that_was_revoked_on_its_way_is_not_kept(
    cache: DataKeyCache, leases: KeyLeases, kms: Kms
) -> None:
    kms.gate = asyncio.Event()
    task = asyncio.create_task(cache.make(CONTEXT))
    await settled()
    leases.revoke(KEY, 8)
    kms.gate.set()
    await task
    assert len(cache) == 0
    kms.refusal = DISABLED
    leases.revoke(KEY, 9)
    with pytest.raises(DomainError):
        await cache.make(CONTEXT)


async def test_memory_is_bounded_and_what_has_ended_goes_first(
    kms: Kms, leases: KeyLeases, clock: ManualClock
) -> None:
    cache = DataKeyCache(kms, leases, clock, size=3)
    for number in range(5):
        await cache.open(b"%d" % number, CONTEXT)
    assert len(cache) == 3
    clock.advance(61)
    await cache.open(b"new", CONTEXT)
    assert len(cache) == 1


async def test_nothing_in_memory_shows_in_a_representation(cache: DataKeyCache) -> None:
    key = await cache.get(CONTEXT)
    secret = key.plaintext.reveal().decode()
    assert secret not in repr(key)
    assert secret not in repr(cache._entries)
