"""A process that holds data keys stands still, dies, or loses Redis: a key's end is in force all the same."""

import asyncio
import contextlib
import dataclasses
import json
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.leasing_kms import ACCOUNTS, DataKeyHolder, LeasingKms
from tests.fakes.redis_server import RedisServer
from tests.fakes.workloads import Workloads

ROOT = Path(__file__).parents[3]
WITHIN_S = 5.2
"""Five seconds are promised, and a fifth of one for what the change itself takes."""
ROUNDS = 2


def now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Holder:
    """The process, and what it has said."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.opened: list[tuple[float, float, bool]] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            began, ended, ok = json.loads(line)
            self.opened.append((began, ended, ok))

    async def until(self, ok: bool, since: float) -> None:
        """Wait until an opening that began after `since` ended like this."""
        async with asyncio.timeout(30):
            while not any(began > since and got is ok for began, _, got in self.opened):
                assert self.process.returncode is None
                await asyncio.sleep(0.01)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await self._reading


class Stage:
    """kms, Redis and one holder."""

    def __init__(self, kms: LeasingKms, redis: RedisServer, holder: Holder) -> None:
        self.kms, self.redis, self.holder = kms, redis, holder

    async def confirming(self) -> None:
        """Wait until the holder hears and confirms."""
        async with asyncio.timeout(60):
            while await self.kms.disable("audit") > 2:
                await self.enabled()
        await self.enabled()

    async def enabled(self) -> None:
        await self.kms.enable("audit")
        await self.holder.until(True, now())

    async def disabled(self) -> float:
        """Disable the key, and hold that nothing was opened that began afterwards."""
        took = await self.kms.disable("audit")
        acknowledged = now()
        self.holder.go_on()
        await self.holder.until(False, acknowledged)
        wrong = [each for each in self.holder.opened if each[2] and each[0] > acknowledged]
        assert wrong == []
        return took


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    workloads = Workloads(tmp_path / "pki")
    redis = RedisServer(tmp_path, workloads, others=ACCOUNTS)
    redis.start()
    kms = LeasingKms(tmp_path, workloads, redis.settings_of("kms"))
    await kms.start(first_boot=True)
    maker = DataKeyHolder("audit", kms.target, workloads, None)
    ciphertext = (await maker.keys.cache.make({})).ciphertext
    await maker.close()
    told = {
        "target": kms.target,
        "ciphertext": ciphertext.hex(),
        "tls": {name: str(path) for name, path in dataclasses.asdict(workloads.tls("service/audit")).items()},
        "redis": {
            name: str(value) if isinstance(value, Path) else value
            for name, value in dataclasses.asdict(redis.settings_of("audit")).items()
        },
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.key_holder", stdin=PIPE, stdout=PIPE, cwd=ROOT
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(told).encode())
    process.stdin.close()
    holder = Holder(process)
    await holder.until(True, 0)
    yield Stage(kms, redis, holder)
    await holder.end()
    await kms.stop()
    redis.kill()


@pytest.mark.timeout(180)
async def test_a_holder_that_stands_still_is_waited_for_and_finds_its_keys_gone(stage: Stage) -> None:
    took = []
    for _ in range(ROUNDS):
        await stage.confirming()
        stage.holder.stop()
        took.append(await stage.disabled())
        await stage.enabled()
    print(f"a stopped holder: acknowledged after {max(took):.2f} s at most")
    assert max(took) <= WITHIN_S
    assert min(took) > 1, "it was waited for"


@pytest.mark.timeout(180)
async def test_a_holder_that_was_killed_is_waited_for_no_longer_than_its_lease(stage: Stage) -> None:
    await stage.confirming()
    await stage.holder.until(True, now())
    await stage.holder.end()
    took = await stage.kms.disable("audit")
    print(f"a killed holder: acknowledged after {took:.2f} s")
    assert took <= WITHIN_S
    await stage.kms.enable("audit")
    assert await stage.kms.disable("audit") < 1


@pytest.mark.timeout(180)
@pytest.mark.parametrize("how", ["killed", "hangs"])
async def test_without_redis_a_key_ends_with_its_leases(stage: Stage, how: str) -> None:
    took = []
    for _ in range(ROUNDS):
        await stage.confirming()
        if how == "killed":
            stage.redis.kill()
        else:
            stage.redis.hang()
        took.append(await stage.disabled())
        await stage.enabled()
        if how == "killed":
            stage.redis.start()
        else:
            stage.redis.recover()
    print(f"Redis {how}: acknowledged after {max(took):.2f} s at most")
    assert max(took) <= WITHIN_S
