"""The sandbox of a pool without launcher and agent, for tests that put model code of their own into it."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
from triton_wire import inference_pb2

from services.chassis import triton
from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.pool.adapters.triton import TritonServer
from services.pool.domain import server_files
from services.pool.launcher.cgroups import Cgroup, Limits
from services.pool.launcher.requirements import require
from services.pool.launcher.sandbox import Running, Sandbox
from services.pool.launcher.seccomp import export_filter
from services.pool.ports import RunningCage
from tests.fakes.pool_home import SANDBOX_UID, PoolHome


@contextlib.contextmanager
def running(
    home: PoolHome, *, system_calls: Callable[[], int] = export_filter
) -> Iterator[tuple[Sandbox, Running]]:
    """Run the sandbox of `home`."""
    root = os.geteuid() == 0
    config = home.config
    require(config)
    config.repository.mkdir(parents=True, exist_ok=True)
    config.handover_dir.mkdir(parents=True, exist_ok=True)
    cgroup = None
    if root:
        limits = Limits(config.sandbox.memory_bytes, config.sandbox.processes)
        mounts, own = (Path("/proc/self", name).read_text() for name in ("mountinfo", "cgroup"))
        cgroup = Cgroup.create(f"test-{os.getpid()}", limits, mounts, own)
    sandbox = Sandbox(
        config,
        uid=SANDBOX_UID if root else os.geteuid(),
        root=root,
        cgroup=cgroup,
        system_calls=system_calls,
    )
    try:
        sandbox.start()
        deadline = time.monotonic() + 30
        while not sandbox.poll():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert sandbox.running is not None
        yield sandbox, sandbox.running
    finally:
        sandbox.stop()
        if cgroup is not None:
            cgroup.remove()


def put_model(home: PoolHome, name: str, code: str, parameters: dict[str, str]) -> None:
    """Write a model of arbitrary code into the repository."""
    version = home.config.repository / name / "1"
    version.mkdir(parents=True, exist_ok=True)
    configuration = server_files.configuration(name, "/none")
    for key, value in parameters.items():
        configuration += f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}\n'
    (version.parent / "config.pbtxt").write_text(configuration)
    (version / "model.py").write_text(code)


def server(home: PoolHome, found: Running) -> TritonServer:
    """Connect as the agent does."""
    cage = RunningCage(found.directory, SecretBytes(found.secret.encode()))
    return TritonServer(cage, home.triton_tls, home.config.triton.server_name, SystemRandomness())


async def until_ready(connected: TritonServer) -> None:
    """Wait for the model server."""
    deadline = time.monotonic() + 20
    while not await connected.ready():
        assert time.monotonic() < deadline


async def raw_call(channel: grpc.aio.Channel, model: str, timeout_s: float = 60.0) -> bytes:
    """Call a model with meaningless tensors and return what it sends first."""
    request = triton.sealed_request(model, b"\0", b"\0")
    call: Any = channel.unary_stream(triton.MODEL_STREAM_INFER, None, None)(request, timeout=timeout_s)
    async for raw in call:
        answer = inference_pb2.ModelStreamInferResponse.FromString(raw)
        assert not answer.error_message, answer.error_message
        for content in answer.infer_response.raw_output_contents:
            return bytes(content)
    raise AssertionError("no answer")
