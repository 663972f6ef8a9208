"""Runs the model backends in a real Triton server, unsandboxed, with a small agent that hands over weights.

For tests of the backends and for measuring them alone:

    .venv/services/bin/python -m tests.integration.pool.backend_stack [STREAMS …]
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import services  # noqa: F401 - before gRPC: see services/__init__.py

# isort: split
import grpc
import obstore
from craton.kms.v1.model_key_service_pb2 import ModelContext
from craton.pool.v1.model_exchange_pb2 import GenerateRequest, ModelRequest, ModelResponse
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from obstore.store import MemoryStore
from triton_wire import inference_pb2

from cli.publish import publish
from services.chassis import triton
from services.chassis.manifest import ModelManifest, to_document
from services.chassis.randomness import SystemRandomness
from services.chassis.sealing.session import ClientSession
from services.chassis.secret import SecretBytes
from services.pool import handover
from services.pool.domain import server_files

ROOT = Path(__file__).resolve().parents[3]
CATALOG = ROOT / "deploy" / "catalog"
ECHO_MANIFEST = ROOT / "tests/load/echo/manifest.toml"
SERVER = ROOT / ".venv/triton/pytriton/tritonserver/bin/tritonserver"
BACKENDS = ROOT / ".venv/triton/pytriton/tritonserver/backends"
MODELS = ROOT / ".venv/models"
PACKAGES = ROOT / ".venv/weights/lib/python3.11/site-packages"

# As in the sandbox: freed memory is overwritten.
ALLOCATOR = {"GLIBC_TUNABLES": "glibc.malloc.perturb=255:glibc.malloc.tcache_count=0"}


class ModelFailed(Exception):  # noqa: N818
    """The model server answered with an error."""


@dataclass(frozen=True)
class Loaded:
    """A model as the agent sees it after its announcement."""

    manifest: ModelManifest
    server_model: str
    instance_id: str
    public_key: bytes


class LocalKeys:
    """Data keys without a key service."""

    def __init__(self) -> None:
        self.key = SecretBytes(os.urandom(32))

    def generate(self, key_name: str, context: ModelContext) -> tuple[SecretBytes, bytes]:
        return self.key, b"wrapped"


class Agent:
    """Hands over material and takes announcements, as the pool's agent does, but checks no peer."""

    def __init__(self, path: Path) -> None:
        self.loaded: dict[str, Loaded] = {}
        self._offers: dict[str, tuple[ModelManifest, bytes, MemoryStore]] = {}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(8)
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def offer(self, manifest: ModelManifest, key: bytes, objects: MemoryStore) -> str:
        name = server_files.server_model_name(manifest.model_id)
        self._offers[name] = (manifest, key, objects)
        return name

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in [self._listener, *self._connections]:
            each.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                with contextlib.suppress(handover.HandoverError):
                    self._hand_over(connection)

    def _hand_over(self, connection: socket.socket) -> None:
        name = handover.receive_frame(connection).body["server_model"]
        manifest, key, objects = self._offers[name]
        files = manifest.artifact.files if manifest.artifact else ()
        material = {
            "type": "material",
            "model_id": manifest.model_id,
            "manifest": to_document(manifest),
            "files": [{"path": file.path, "size": file.sealed_size} for file in files],
        }
        handover.send_frame(connection, material, secret=key if files else b"")
        for file in files:
            sealed = obstore.get(objects, file.sealed_path).bytes()
            descriptor = handover.sealed_memory(file.path, [memoryview(sealed)])
            handover.send_frame(connection, {"type": "file", "path": file.path}, descriptor=descriptor)
            os.close(descriptor)
        announced = handover.receive_frame(connection).body
        self.loaded[manifest.model_id] = Loaded(
            manifest, name, announced["instance_id"], bytes.fromhex(announced["public_key"])
        )
        handover.send_frame(connection, {"type": "accepted"})


class Client:
    """Asks models through sealed sessions, as the runtime does."""

    def __init__(self, target: str, loaded: dict[str, Loaded]) -> None:
        self._channel = grpc.aio.insecure_channel(target)
        self.infer = self._channel.unary_stream(triton.MODEL_STREAM_INFER, None, None)
        self.loaded = loaded
        self._sessions: dict[str, ClientSession] = {}

    def session(self, model_id: str) -> ClientSession:
        if model_id not in self._sessions:
            model = self.loaded[model_id]
            self._sessions[model_id] = ClientSession(
                model.public_key, model_id, model.instance_id, SystemRandomness()
            )
        return self._sessions[model_id]

    async def ask(
        self, model_id: str, request: ModelRequest, timeout_s: float = 60
    ) -> AsyncIterator[ModelResponse]:
        """The responses of one request; raises ModelFailed for an error of the model server."""
        session = self.session(model_id)
        frame, exchange = session.request(request.SerializeToString())
        wire = triton.sealed_request(self.loaded[model_id].server_model, session.encapsulated, frame)
        call = self.infer(wire, timeout=timeout_s)
        try:
            async for raw in call:
                answer = inference_pb2.ModelStreamInferResponse.FromString(raw)
                if answer.error_message:
                    raise ModelFailed(answer.error_message)
                for content in answer.infer_response.raw_output_contents:
                    yield ModelResponse.FromString(exchange.open(content))
        finally:
            call.cancel()
        if not exchange.complete:
            raise ModelFailed("the answer is incomplete")

    async def close(self) -> None:
        await self._channel.close(None)


@dataclass
class Stack:
    """A running model server."""

    target: str
    agent: Agent
    process: subprocess.Popen[bytes]
    log: Path

    def client(self) -> Client:
        return Client(self.target, self.agent.loaded)

    def stubs(self) -> list[int]:
        """Pids of the model processes."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]


@contextlib.contextmanager
def running(
    sources: Sequence[tuple[Path, Path | None]], parameters: dict[str, str] | None = None
) -> Iterator[Stack]:
    """Publish (manifest.toml, directory or None) and serve them; ends the server and removes everything."""
    folder = Path(tempfile.mkdtemp(prefix="backends-"))
    agent = Agent(folder / "agent.sock")
    try:
        names = [
            _prepare(folder, agent, manifest, directory, parameters or {}) for manifest, directory in sources
        ]
        process, log = _start(folder, names)
        try:
            _wait(process, log, agent, len(names))
            yield Stack(f"unix:{folder}/t:1", agent, process, log)
        finally:
            # The stubs are of the same session; a graceful end would take seconds and is not tested here.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for region in Path("/dev/shm").glob(f"{_shared_memory_prefix(folder)}*"):  # noqa: S108
                region.unlink()
    finally:
        agent.close()
        shutil.rmtree(folder)


def _prepare(
    folder: Path, agent: Agent, manifest: Path, directory: Path | None, parameters: dict[str, str]
) -> str:
    objects, keys = MemoryStore(), LocalKeys()
    provider = tomllib.loads(manifest.read_text())["provider"]
    (done,) = publish(
        directory,
        provider,
        [manifest],
        key_name=f"providers/{provider}/keys/test",
        data_keys=keys,
        signing_key=Ed25519PrivateKey.generate(),
        objects=objects,
        catalog=folder / "catalog",
        packages=[PACKAGES],
    )
    name = agent.offer(done.manifest, keys.key.reveal(), objects)
    version = folder / "models" / name / "1"
    version.mkdir(parents=True)
    text = server_files.configuration(name, str(folder / "agent.sock"))
    for key, value in parameters.items():
        text += f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}\n'
    (version.parent / "config.pbtxt").write_text(text)
    python_path = [str(ROOT), str(ROOT / "protos/gen/python")]
    (version / "model.py").write_text(server_files.shim(done.manifest.task, python_path))
    return name


def _start(folder: Path, names: Sequence[str]) -> tuple[subprocess.Popen[bytes], Path]:
    log = folder / "log"
    command = [
        str(SERVER),
        f"--model-repository={folder / 'models'}",
        f"--backend-directory={BACKENDS}",
        "--model-control-mode=explicit",
        *(f"--load-model={name}" for name in names),
        "--disable-auto-complete-config",
        "--allow-http=false",
        "--allow-metrics=false",
        f"--grpc-address=unix:{folder}/t",
        "--grpc-port=1",
        f"--backend-config=python,shm-region-prefix-name={_shared_memory_prefix(folder)}",
    ]
    environment = {
        "PATH": f"{MODELS / 'bin'}:/usr/bin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        **ALLOCATOR,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=output, stderr=output, start_new_session=True
        )
    return process, log


def _shared_memory_prefix(folder: Path) -> str:
    return folder.name


def _wait(process: subprocess.Popen[bytes], log: Path, agent: Agent, count: int) -> None:
    end = time.monotonic() + 120
    while "Started GRPCInferenceService" not in log.read_text(errors="replace") or len(agent.loaded) < count:
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(
                f"the model server did not start:\n{log.read_text(errors='replace')[-4000:]}"
            )
        time.sleep(0.05)


async def measure(client: Client, model_id: str, streams: int, tokens: int) -> tuple[float, float, float]:
    """Tokens a second, median time to the first token and median of its maximum gap (seconds)."""

    async def one(number: int) -> tuple[int, float, float]:
        request = ModelRequest(
            generate=GenerateRequest(prompt="Once upon a time there was a", max_tokens=tokens)
        )
        request.generate.sampling.temperature = 0.8
        request.generate.sampling.top_p = 0.9
        request.generate.sampling.seed = number
        started = last = time.perf_counter()
        first, gap, count = 0.0, 0.0, 0
        async for response in client.ask(model_id, request):
            now = time.perf_counter()
            if not first:
                first = now - started
            else:
                gap = max(gap, now - last)
            last = now
            count += response.generate.token_count
        return count, first, gap

    started = time.perf_counter()
    results = await asyncio.gather(*(one(number) for number in range(streams)))
    elapsed = time.perf_counter() - started
    return (
        sum(count for count, _, _ in results) / elapsed,
        statistics.median(first for _, first, _ in results),
        statistics.median(gap for _, _, gap in results),
    )


async def _bench(stack: Stack, model_id: str, levels: Sequence[int]) -> None:
    client = stack.client()
    await measure(client, model_id, 4, 48)
    for streams in levels:
        cpu = _cpu_seconds(stack)
        runs = [await measure(client, model_id, streams, 48) for _ in range(5)]
        used = _cpu_seconds(stack) - cpu
        rate, first, gap = (statistics.median(values) for values in zip(*runs, strict=True))
        print(
            f"{streams:3} streams x 48 tokens: {rate:6.0f} tokens/s, first {first * 1e3:5.1f} ms, "
            f"longest gap {gap * 1e3:5.1f} ms, {used / (5 * streams * 48) * 1e6:5.0f} µs CPU a token"
        )
    await client.close()


def _cpu_seconds(stack: Stack) -> float:
    ticks = 0
    for pid in [stack.process.pid, *stack.stubs()]:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main(manifest: Path, directory: Path | None, levels: Sequence[int]) -> None:
    """Measure a text generation model directly."""
    started = time.monotonic()
    with running([(manifest, directory)]) as stack:
        print(f"started in {time.monotonic() - started:.1f} s")
        (model_id,) = stack.agent.loaded
        asyncio.run(_bench(stack, model_id, levels))


if __name__ == "__main__":
    wanted = [int(each) for each in sys.argv[1:]] or [1, 8, 32]
    main(CATALOG / "craton/craton.tiny-text-v1/manifest.toml", None, wanted)
