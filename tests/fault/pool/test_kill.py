"""kill -9 of every process of a pool: it heals, or is gone without a trace and starts again."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.chassis import triton
from services.chassis.randomness import SystemRandomness
from services.chassis.sealing.session import ClientSession
from services.pool.launcher.__main__ import _group_name
from tests.fakes import pool_home
from tests.fakes.echo_models import echo_manifest
from tests.fakes.pool_home import PoolHome, ask, echo_request

MODELS = ("bench.echo-v1", "bench.echo-v2")
BACK_S = 20.0
"""A pool is back this soon after anything of it was killed."""


@pytest.fixture
def pool() -> Iterator[PoolHome]:
    with pool_home.folder() as folder:
        home = PoolHome(folder)
        home.publish(*(echo_manifest(name.partition(".")[2]) for name in MODELS))
        home.start()
        try:
            yield home
        finally:
            home.stop()
            assert home.processes() == {}


def ids(instances: dict[str, object]) -> list[str]:
    return [each.instance_id for each in instances.values()]  # type: ignore[attr-defined]


async def answers(pool: PoolHome, instances: dict[str, object]) -> None:
    async with pool.model_server() as channel:
        for instance in instances.values():
            responses = await ask(channel, instance, echo_request("still here"))
            assert responses[-1].generate.text == "still here"


def control_groups(pool: PoolHome) -> list[Path]:
    return list(Path("/sys/fs/cgroup").rglob(f"craton-pool-{_group_name(pool.config)}"))


async def test_a_killed_model_process_is_replaced_and_the_others_serve_on(pool: PoolHome) -> None:
    before = await pool.until_ready(*MODELS)
    os.kill(
        pool.pid_of("python_backend_stub " + str(pool.config.repository / "bench_echo-v1")), signal.SIGKILL
    )
    began = time.monotonic()
    after = await pool.until_ready(MODELS[0], timeout_s=BACK_S, other_than=[before[MODELS[0]].instance_id])
    print(f"model process back after {time.monotonic() - began:.2f} s")
    assert after[MODELS[1]].instance_id == before[MODELS[1]].instance_id
    await answers(pool, after)


async def test_a_stopped_model_process_is_replaced(pool: PoolHome) -> None:
    before = await pool.until_ready(*MODELS)
    os.kill(
        pool.pid_of("python_backend_stub " + str(pool.config.repository / "bench_echo-v1")), signal.SIGSTOP
    )
    began = time.monotonic()
    after = await pool.until_ready(*MODELS, timeout_s=60, other_than=[before[MODELS[0]].instance_id])
    print(f"hanging model process replaced after {time.monotonic() - began:.2f} s")
    await answers(pool, after)


@pytest.mark.parametrize("what", ["tritonserver", "bwrap"])
async def test_a_killed_sandbox_is_started_again(pool: PoolHome, what: str) -> None:
    before = await pool.until_ready(*MODELS)
    start = str(pool.config.triton.binary) if what == "tritonserver" else "bwrap "
    victims = [pid for pid, line in pool.processes().items() if line.startswith(start)]
    assert len(victims) == 1
    inside = [pid for pid, line in pool.processes().items() if "python_backend_stub" in line]
    os.kill(victims[0], signal.SIGKILL)
    began = time.monotonic()
    after = await pool.until_ready(*MODELS, timeout_s=BACK_S, other_than=ids(before))
    print(f"sandbox back after {time.monotonic() - began:.2f} s")
    assert not set(inside) & set(pool.processes())
    await answers(pool, after)


@pytest.mark.parametrize("what", ["-m services.pool.launcher", "-m services.pool "])
async def test_a_killed_launcher_or_agent_takes_everything_along(pool: PoolHome, what: str) -> None:
    before = await pool.until_ready(*MODELS)
    os.kill(pool.pid_of(what), signal.SIGKILL)
    assert pool.process is not None
    status = await asyncio.to_thread(pool.process.wait, 10)
    assert status != 0
    deadline = time.monotonic() + 3
    while pool.processes() and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    assert pool.processes() == {}
    pool.start()
    began = time.monotonic()
    after = await pool.until_ready(*MODELS, timeout_s=BACK_S, other_than=ids(before))
    print(f"pool back after {time.monotonic() - began:.2f} s")
    await answers(pool, after)


async def test_an_orderly_stop_leaves_nothing(pool: PoolHome) -> None:
    await pool.until_ready(*MODELS)
    assert bool(control_groups(pool)) == (os.geteuid() == 0)
    assert await asyncio.to_thread(pool.stop) == 0
    assert pool.processes() == {}
    assert control_groups(pool) == []


async def test_a_model_whose_streams_were_broken_off_is_unloaded_all_the_same(pool: PoolHome) -> None:
    instances = await pool.until_ready(*MODELS)
    instance = instances[MODELS[0]]
    async with pool.model_server() as channel:
        session = ClientSession(
            instance.public_key, instance.model_id, instance.instance_id, SystemRandomness()
        )
        infer = channel.unary_stream(triton.MODEL_STREAM_INFER, None, None)
        for _ in range(20):
            frame, _ = session.request(echo_request("never read to the end", pieces=8).SerializeToString())
            call = infer(triton.sealed_request(instance.server_model_name, session.encapsulated, frame))
            await call.read()
            call.cancel()
    (pool.config.catalog / "bench" / MODELS[0] / "manifest.dsse.json").unlink()
    deadline = time.monotonic() + 20
    while "bench_echo-v1" in " ".join(pool.processes().values()):
        assert time.monotonic() < deadline, pool.log
        await asyncio.sleep(0.1)
    assert (await pool.until_ready(MODELS[1]))[MODELS[1]].instance_id == instances[MODELS[1]].instance_id
