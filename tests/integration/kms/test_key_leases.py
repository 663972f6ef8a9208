"""A key's end is acknowledged when nobody uses what was opened under it: real servers, real Redis."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.leasing_kms import ACCOUNTS, DataKeyHolder, LeasingKms
from tests.fakes.redis_server import RedisServer
from tests.fakes.workloads import Workloads

LEASE_S = 5.0
SLACK_S = 0.2
"""What an acknowledgement may take beyond the life of a lease."""
SOON_S = 20.0


@pytest.fixture
def redis(tmp_path: Path, workloads: Workloads) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path, workloads, others=ACCOUNTS)
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def leasing(tmp_path: Path, workloads: Workloads, redis: RedisServer) -> AsyncIterator[LeasingKms]:
    kms = LeasingKms(tmp_path, workloads, redis.settings_of("kms"))
    await kms.start(first_boot=True)
    yield kms
    await kms.stop()


@pytest.fixture
async def holder(
    leasing: LeasingKms, workloads: Workloads, redis: RedisServer
) -> AsyncIterator[Callable[[str], DataKeyHolder]]:
    holders: list[DataKeyHolder] = []

    def make(service: str) -> DataKeyHolder:
        made = DataKeyHolder(service, leasing.target, workloads, redis.settings_of(service))
        holders.append(made)
        return made

    yield make
    for each in holders:
        await each.close()


async def sealed_by(holder: DataKeyHolder) -> bytes:
    """Have a data key made, and open it, so that it lies in memory."""
    key = await holder.keys.cache.make({})
    assert await holder.opens(key.ciphertext)
    return key.ciphertext


async def hears(leasing: LeasingKms, service: str, *opens: tuple[DataKeyHolder, bytes]) -> None:
    """Wait until holders confirm what they are told: those that do not yet listen are waited for."""
    async with asyncio.timeout(SOON_S):
        while await leasing.disable(service) > LEASE_S / 2:
            await leasing.enable(service)
            for each, ciphertext in opens:
                assert await each.opens(ciphertext)
    await leasing.enable(service)


@pytest.mark.timeout(120)
async def test_nothing_is_opened_that_was_asked_for_after_the_acknowledgement(
    leasing: LeasingKms, holder: Callable[[str], DataKeyHolder]
) -> None:
    one, two = holder("audit"), holder("audit")
    ciphertext = await sealed_by(one)
    assert await two.opens(ciphertext)
    await hears(leasing, "audit", (one, ciphertext), (two, ciphertext))
    opened: list[tuple[float, float, bool]] = []
    stop = asyncio.Event()

    async def load(each: DataKeyHolder) -> None:
        while not stop.is_set():
            began = time.monotonic()
            ok = await each.opens(ciphertext)
            opened.append((began, time.monotonic(), ok))
            await asyncio.sleep(0.002)

    loads = [asyncio.create_task(load(each)) for each in (one, two) for _ in range(16)]
    took: list[float] = []
    periods: list[tuple[float, float]] = []
    for _ in range(10):
        await asyncio.sleep(0.1)
        took.append(await leasing.disable("audit"))
        closed = time.monotonic()
        await asyncio.sleep(0.1)
        periods.append((closed, time.monotonic()))
        await leasing.enable("audit")
    stop.set()
    await asyncio.gather(*loads)
    # What had not ended when the key was enabled again may have been opened then.
    tried = [ok for began, ended, ok in opened for start, end in periods if start <= began and ended < end]
    assert sum(ok for *_, ok in opened) > 100
    assert len(tried) > 50, "the load went on while the key was disabled"
    assert not any(tried)
    print(f"{len(took)} acknowledged, median {statistics.median(took) * 1000:.0f} ms; {len(tried)} refused")
    assert max(took) < 2.0


@pytest.mark.timeout(120)
async def test_the_end_of_one_services_key_is_nothing_to_another(
    leasing: LeasingKms, holder: Callable[[str], DataKeyHolder]
) -> None:
    audit, auth = holder("audit"), holder("auth")
    ciphertexts = await sealed_by(audit), await sealed_by(auth)
    await hears(leasing, "audit", (audit, ciphertexts[0]))
    size = len(auth.keys.cache)
    assert size == 1
    await leasing.disable("audit")
    assert len(auth.keys.cache) == size
    assert not await audit.opens(ciphertexts[0])
    assert await auth.opens(ciphertexts[1])


@pytest.mark.timeout(120)
async def test_a_holder_that_hears_nothing_is_waited_for_until_its_leases_end(
    leasing: LeasingKms, holder: Callable[[str], DataKeyHolder]
) -> None:
    deaf, well = holder("audit"), holder("audit")
    ciphertext = await sealed_by(deaf)
    assert await well.opens(ciphertext)
    await hears(leasing, "audit", (deaf, ciphertext), (well, ciphertext))
    assert await deaf.opens(ciphertext)
    await deaf.freeze()
    disabling = asyncio.create_task(leasing.disable("audit"))
    while not disabling.done():
        await asyncio.sleep(0.01)
    took = await disabling
    assert not await deaf.opens(ciphertext), "its lease has ended"
    assert LEASE_S - 1 < took < LEASE_S + SLACK_S
    print(f"a deaf holder: acknowledged after {took:.2f} s")


@pytest.mark.timeout(120)
async def test_without_redis_leases_just_end_and_with_it_again_they_are_revoked(
    leasing: LeasingKms, holder: Callable[[str], DataKeyHolder], redis: RedisServer
) -> None:
    audit = holder("audit")
    ciphertext = await sealed_by(audit)
    await hears(leasing, "audit", (audit, ciphertext))
    assert await audit.opens(ciphertext)
    redis.kill()
    took = await leasing.disable("audit")
    assert not await audit.opens(ciphertext)
    assert took < LEASE_S + SLACK_S
    await leasing.enable("audit")
    redis.start()
    async with asyncio.timeout(SOON_S):
        while not await audit.opens(ciphertext):
            await asyncio.sleep(0.1)
    await hears(leasing, "audit", (audit, ciphertext))
    print(f"Redis killed: acknowledged after {took:.2f} s")


@pytest.mark.timeout(120)
async def test_after_a_restart_of_kms_its_holders_of_before_are_waited_for(
    leasing: LeasingKms, holder: Callable[[str], DataKeyHolder]
) -> None:
    audit = holder("audit")
    ciphertext = await sealed_by(audit)
    await hears(leasing, "audit", (audit, ciphertext))
    assert await audit.opens(ciphertext)
    await audit.freeze()
    await leasing.stop()
    began = time.monotonic()
    await leasing.start(first_boot=False)
    # The process of kms that begins knows of no holder, and of this one's lease there are some seconds left.
    assert await audit.opens(ciphertext)
    took = await leasing.disable("audit")
    assert not await audit.opens(ciphertext)
    assert LEASE_S - 1 < time.monotonic() - began < LEASE_S + SLACK_S + 1
    print(f"after a restart: acknowledged after {took:.2f} s")
