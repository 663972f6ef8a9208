"""A pool as a whole: launcher, agent, sandbox, Triton, echo models; reached as the runtime reaches it."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from triton_wire import inference_pb2

from services.chassis import triton
from services.chassis.sealing.session import UNKNOWN_SESSION
from tests.fakes import pool_home
from tests.fakes.another_user import as_user
from tests.fakes.echo_models import echo_manifest
from tests.fakes.pool_home import PoolHome, ask, echo_request

INFERENCE = "/inference.GRPCInferenceService"
# Every method of Triton's service but inference and health.
CONTROL = (
    "ServerMetadata", "ModelMetadata", "ModelConfig", "ModelStatistics", "RepositoryIndex",
    "RepositoryModelLoad", "RepositoryModelUnload", "SystemSharedMemoryStatus", "SystemSharedMemoryRegister",
    "SystemSharedMemoryUnregister", "CudaSharedMemoryStatus", "CudaSharedMemoryRegister",
    "CudaSharedMemoryUnregister", "TraceSetting", "LogSettings",
)  # fmt: skip

STRANGER = """
import sys
from services.chassis.pool_door import receive_directory
from services.pool import handover

def attempt(use, *arguments):
    try:
        use(*arguments)
        print("open")
    except (OSError, handover.HandoverError) as error:
        print(type(error).__name__)

attempt(receive_directory, sys.argv[1])
attempt(handover.obtain, sys.argv[2], "bench_echo-v1")
"""


@pytest.fixture(scope="module")
def pool() -> Iterator[PoolHome]:
    with pool_home.folder() as folder:
        home = PoolHome(folder)
        home.publish(echo_manifest("echo-v1"), echo_manifest("echo-v2"))
        home.start()
        try:
            yield home
        finally:
            home.stop()
            assert home.processes() == {}


@pytest.fixture
async def server(pool: PoolHome) -> AsyncIterator[grpc.aio.Channel]:
    await pool.until_ready("bench.echo-v1", "bench.echo-v2")
    async with pool.model_server() as channel:
        yield channel


async def status_of(channel: grpc.aio.Channel, method: str, metadata: Any = (), request: bytes = b"") -> str:
    """Call an arbitrary method; return the status and what it says."""
    call = channel.unary_unary(f"{INFERENCE}/{method}", None, None)
    try:
        await call(request, timeout=10, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        return f"{error.code().name}: {error.details()}"
    return "OK"


async def test_models_answer_through_the_door(pool: PoolHome) -> None:
    began = time.monotonic()
    instances = await pool.until_ready("bench.echo-v1", "bench.echo-v2")
    print(f"ready after {time.monotonic() - began:.1f} s")
    async with pool.model_server() as channel:
        for instance in instances.values():
            responses = await ask(channel, instance, echo_request("hello escrow", pieces=3))
            assert "".join(each.generate.text for each in responses) == "hello escrow"
            assert len(responses) == 3
            assert responses[-1].final


@pytest.mark.parametrize("method", CONTROL)
@pytest.mark.parametrize("metadata", [(), (("triton-grpc-protocol-x-admin", "*" * 64),)])
async def test_control_calls_are_refused_to_the_runtime(
    server: grpc.aio.Channel, method: str, metadata: Any
) -> None:
    request = inference_pb2.RepositoryModelUnloadRequest(model_name="bench_echo-v1").SerializeToString()
    status = await status_of(server, method, metadata, request if method.endswith("load") else b"")
    assert status.startswith("UNAVAILABLE: This protocol is restricted"), status


async def test_inference_and_health_are_not_restricted(server: grpc.aio.Channel) -> None:
    for method in ("ServerLive", "ServerReady"):
        assert await status_of(server, method) == "OK"
    ready = inference_pb2.ModelReadyRequest(name="bench_echo-v1").SerializeToString()
    assert await status_of(server, "ModelReady", request=ready) == "OK"


async def test_a_request_that_was_not_sealed_for_the_instance_is_refused(
    pool: PoolHome, server: grpc.aio.Channel
) -> None:
    request = triton.sealed_request("bench_echo-v1", b"\0" * 80, b"\0" * 40)
    call: Any = server.unary_stream(triton.MODEL_STREAM_INFER, None, None)(request, timeout=10)
    errors = [inference_pb2.ModelStreamInferResponse.FromString(raw).error_message async for raw in call]
    assert errors[0].endswith(UNKNOWN_SESSION)


async def test_a_certificate_of_another_authority_is_refused(pool: PoolHome) -> None:
    await pool.until_ready("bench.echo-v1")
    async with pool.model_server(pool.workloads.tls("service/runtime")) as channel:
        assert (await status_of(channel, "ServerReady")).startswith("UNAVAILABLE")


async def test_no_secret_shows_in_any_command_line(pool: PoolHome) -> None:
    await pool.until_ready("bench.echo-v1")
    lines = "\n".join(pool.processes().values())
    assert "x-admin=" + "*" * 64 in lines
    assert not re.search("[0-9a-f]{64}", lines)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second uid")
async def test_the_door_and_the_handover_stay_closed_for_other_users(pool: PoolHome) -> None:
    await pool.until_ready("bench.echo-v1")
    arguments = [str(pool.config.door_socket), str(pool.config.handover_socket)]
    # The uid of the sandbox itself: outside it, nobody of that uid gets anything either.
    for uid in (12345, pool_home.SANDBOX_UID):
        done = subprocess.run(
            [*as_user(uid), sys.executable, "-c", STRANGER, *arguments], capture_output=True, text=True
        )
        assert done.stdout.split() == ["ConnectionRefusedError", "HandoverError"], done.stderr


async def test_the_status_says_how_tightly_the_pool_is_closed(pool: PoolHome) -> None:
    await pool.until_ready("bench.echo-v1")
    root = os.geteuid() == 0
    assert json.loads(pool.config.status_file.read_text()) == {
        "pool": "bench",
        "isolation": "full",
        "separate_users": root,
        "memory_and_process_caps": root,
    }


async def test_a_model_that_is_published_later_is_loaded_and_one_withdrawn_is_unloaded(
    pool: PoolHome,
) -> None:
    await pool.until_ready("bench.echo-v1")
    late = echo_manifest("late-v1")
    pool.publish(late)
    await pool.until_ready("bench.late-v1", timeout_s=30)
    (pool.config.catalog / "bench" / late.model_id / "manifest.dsse.json").unlink()
    deadline = time.monotonic() + 30
    while late.model_id in await pool.until_ready("bench.echo-v1"):
        assert time.monotonic() < deadline
    while "bench_late-v1" in " ".join(pool.processes().values()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


async def test_a_manifest_that_nobody_registered_signed_is_not_loaded(pool: PoolHome) -> None:
    await pool.until_ready("bench.echo-v1")
    path = pool.config.catalog / "bench" / "bench.echo-v1" / "manifest.dsse.json"
    forged = pool.config.catalog / "bench" / "bench.forged-v1" / path.name
    forged.parent.mkdir()
    forged.write_bytes(path.read_bytes().replace(b"a", b"b"))
    forged.parent.chmod(0o755)
    forged.chmod(0o644)
    deadline = time.monotonic() + 20
    while "manifest_refused" not in pool.log:
        assert time.monotonic() < deadline
        assert "bench.forged-v1" not in await pool.until_ready("bench.echo-v1")


async def test_a_new_certificate_of_the_model_server_comes_into_use(pool: PoolHome) -> None:
    before = await pool.until_ready("bench.echo-v1")
    owner = pool.triton_tls.private_key.stat().st_uid
    fresh = pool.triton_leaf("fresh", f"triton-{pool_home.NAME}.craton.internal")
    for source, target in (
        (fresh.private_key, pool.triton_tls.private_key),
        (fresh.certificate, pool.triton_tls.certificate),
    ):
        os.chown(source, owner, owner)
        source.replace(target)
    await pool.until_ready("bench.echo-v1", other_than=[before["bench.echo-v1"].instance_id])
    assert "sandbox_turnover" in pool.log


async def test_an_unconfined_pool_works_and_says_so() -> None:
    with pool_home.folder() as folder:
        home = PoolHome(folder, isolation="none")
        home.publish(echo_manifest("echo-v1"))
        home.start()
        try:
            instances = await home.until_ready("bench.echo-v1")
            assert json.loads(home.config.status_file.read_text())["isolation"] == "none"
            async with home.model_server() as channel:
                await ask(channel, instances["bench.echo-v1"], echo_request("in the open"))
        finally:
            home.stop()
            assert home.processes() == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="runs as another uid")
async def test_the_same_recipe_runs_without_root() -> None:
    uid = 29031
    with pool_home.folder() as folder:
        home = PoolHome(folder)
        home.publish(echo_manifest("echo-v1"))
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, uid)
        home.start(as_user(uid))
        try:
            await home.until_ready("bench.echo-v1")
            status = json.loads(home.config.status_file.read_text())
            assert status["isolation"] == "full"
            assert not status["separate_users"]
            found = home.pid_of("python_backend_stub")
            text = Path("/proc", str(found), "status").read_text()
            assert "Seccomp:\t2" in text
            assert "NoNewPrivs:\t1" in text
        finally:
            home.stop()
            assert home.processes() == {}


@pytest.mark.parametrize(("key", "value"), [("isolation", "off"), ("unknown", "x")])
def test_a_configuration_with_a_mistake_starts_nothing(key: str, value: str) -> None:
    with pool_home.folder() as folder:
        home = PoolHome(folder)
        text = home.file.read_text()
        line = 'isolation = "full"\n'
        home.file.write_text(text.replace(line, f'{key} = "{value}"\n'))
        home.start()
        assert home.process is not None
        assert home.process.wait(20) == os.EX_CONFIG
        assert key in home.log
