"""A whole pool in a folder of its own: certificates, catalogue, configuration and a running launcher."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from craton.pool.v1 import model_exchange_pb2, pool_service_pb2, pool_service_pb2_grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from triton_wire import inference_pb2

from deploy.pki.authority import Authority, LeafRequest
from services.chassis import catalog, manifest, triton
from services.chassis.config import load
from services.chassis.manifest import ModelManifest
from services.chassis.pool_door import receive_directory
from services.chassis.randomness import SystemRandomness
from services.chassis.sealing.session import ClientSession
from services.chassis.settings import TlsSettings
from services.chassis.tls import channel_credentials
from services.pool.config import PoolConfig
from tests.fakes.ports import free_port
from tests.fakes.workloads import Workloads

ROOT = Path(__file__).resolve().parents[2]
NAME = "bench"
# Not those of an installation: a test may run beside one.
AGENT_UID, SANDBOX_UID = 29011, 29021

_TEMPLATE = """
provider = "{name}"
run_dir = "{home}/run/pool-{name}"
catalog = "{home}/catalog"
objects = "file://{home}/objects"

[server]
name = "{name}"
kind = "pool"
listen = "127.0.0.1:{port}"
metrics_listen = ""
drain_s = 0.2

[tls]
{tls}

[kms]
target = "{kms}"
name = "kms"

[audit]
spool_dir = "{home}/state/pool-{name}/audit-spool"
service = {{ target = "127.0.0.1:9", name = "audit" }}

[users]
agent = {agent}
sandbox = {sandbox}
runtime = {runtime}

[sandbox]
environment = "{root}/.venv/models"
code = [
  "{root}/services/__init__.py", "{root}/services/chassis", "{root}/services/pool",
  "{root}/protos/gen/python",
]
python_path = ["{root}", "{root}/protos/gen/python"]
isolation = "{isolation}"

[triton]
binary = "{root}/.venv/triton/pytriton/tritonserver/bin/tritonserver"
backends = "{root}/.venv/triton/pytriton/tritonserver/backends"
folders = ["{root}/.venv/triton"]
server_name = "triton-{name}.craton.internal"
[triton.tls]
{triton_tls}

[watchdog]
period_s = 0.5
key_period_s = 0.5
key_grace_s = {key_grace_s}
"""


class PoolHome:
    """The files of one pool, and its launcher."""

    def __init__(
        self,
        home: Path,
        *,
        name: str = NAME,
        kms: str = "127.0.0.1:9",
        isolation: str = "full",
        key_grace_s: float = 25.0,
    ) -> None:
        self.home = home
        self.name = name
        self.workloads = Workloads(home / "pki")
        self.provider_key = Ed25519PrivateKey.generate()
        self.triton_ca = Authority.create("CA of a pool", datetime.now(UTC), timedelta(hours=1))
        self.triton_tls = self.triton_leaf("triton", f"triton-{self.name}.craton.internal")
        self.runtime_tls = self.triton_leaf("triton-runtime", "runtime.craton.internal")
        self.file = home / "pool.toml"
        self.port = free_port()
        agent_tls = self.workloads.tls(f"pool/{self.name}")
        self.file.write_text(
            _TEMPLATE.format(
                name=name,
                home=home,
                root=ROOT,
                port=self.port,
                kms=kms,
                tls=_table(agent_tls),
                triton_tls=_table(self.triton_tls),
                agent=AGENT_UID,
                sandbox=SANDBOX_UID,
                runtime=os.geteuid(),
                isolation=isolation,
                key_grace_s=key_grace_s,
            )
        )
        self.config = load(self.file, PoolConfig)
        catalog.register_provider(self.config.catalog, name, self.provider_key.public_key())
        (home / "objects").mkdir()
        for path in (home, *home.rglob("*")):
            if os.geteuid() == 0 and "pki" in path.parts:
                os.chown(path, AGENT_UID, AGENT_UID)
            if path.is_dir():
                path.chmod(0o755)
        self.process: subprocess.Popen[bytes] | None = None

    def triton_leaf(self, folder: str, dns_name: str) -> TlsSettings:
        """Issue a leaf of the pool's own CA."""
        where = self.home / "pki" / folder
        where.mkdir(parents=True)
        issued = self.triton_ca.issue(
            LeafRequest(dns_name, [dns_name], timedelta(hours=1)), datetime.now(UTC)
        )
        settings = TlsSettings(where / "tls.crt", where / "tls.key", where / "ca.crt")
        settings.certificate.write_bytes(issued.certificate)
        settings.private_key.write_bytes(issued.private_key)
        settings.ca.write_bytes(self.triton_ca.certificate)
        return settings

    def publish(self, *manifests: ModelManifest) -> None:
        """Sign and put into the catalogue."""
        for each in manifests:
            catalog.write_manifest(self.config.catalog, each, manifest.sign(each, self.provider_key))
        self.open_to_readers()

    def open_to_readers(self) -> None:
        """Let the agent read the catalogue and the ciphertext, as publishing does."""
        for folder in (self.config.catalog, self.home / "objects"):
            for path in folder.rglob("*"):
                path.chmod(0o755 if path.is_dir() else 0o644)

    def start(self, wrapper: Sequence[str] = ()) -> None:
        """Start the launcher."""
        command = [*wrapper, sys.executable, "-m", "services.pool.launcher", "--config", str(self.file)]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=log, stdout=log, start_new_session=True)

    def stop(self) -> int | None:
        """Stop the launcher politely and return its status."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process = None

    @property
    def log(self) -> str:
        """Everything the pool has said."""
        return (self.home / "log").read_text()

    def processes(self) -> dict[int, str]:
        """Return pid and command line of every process of this pool."""
        found = {}
        for path in Path("/proc").iterdir():
            if not path.name.isdigit():
                continue
            try:
                line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                status = (path / "status").read_text()
            except OSError:
                continue
            if str(self.home) in line and "\nState:\tZ" not in status:
                found[int(path.name)] = line
        return found

    def pid_of(self, what: str) -> int:
        """Return the pid of the one process whose command line holds `what`."""
        pids = [pid for pid, line in self.processes().items() if what in line]
        assert len(pids) == 1, f"{what}: {self.processes()}"
        return pids[0]

    @contextlib.asynccontextmanager
    async def agent(self) -> AsyncIterator[Any]:
        """Yield a stub of the agent, as the runtime calls it."""
        async with grpc.aio.secure_channel(
            f"127.0.0.1:{self.port}",
            channel_credentials(self.workloads.tls("service/runtime")),
            options=[
                ("grpc.ssl_target_name_override", f"pool-{self.name}.craton.internal"),
                ("grpc.use_local_subchannel_pool", 1),
            ],
        ) as channel:
            yield pool_service_pb2_grpc.PoolServiceStub(channel)

    async def instances(self) -> pool_service_pb2.ListModelInstancesResponse | None:
        """Ask once what runs; None when nobody answers."""
        async with self.agent() as stub:
            try:
                return await stub.ListModelInstances(
                    pool_service_pb2.ListModelInstancesRequest(), timeout=2.0
                )
            except grpc.aio.AioRpcError:
                return None

    async def until_ready(
        self, *model_ids: str, timeout_s: float = 60.0, other_than: Sequence[str] = ()
    ) -> dict[str, pool_service_pb2.ModelInstance]:
        """Wait until every model is ready as an instance that is none of `other_than`."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            answer = await self.instances()
            ready = {
                each.model_id: each
                for each in (answer.instances if answer else ())
                if each.ready and each.instance_id not in other_than
            }
            if set(model_ids) <= set(ready):
                return ready
            assert self.process is None or self.process.poll() is None, self.log
            await asyncio.sleep(0.1)
        raise AssertionError(f"not ready within {timeout_s} s: {self.log}")

    @contextlib.asynccontextmanager
    async def model_server(self, tls: TlsSettings | None = None) -> AsyncIterator[grpc.aio.Channel]:
        """Yield a channel to the model server through the door."""
        directory = await asyncio.to_thread(receive_directory, str(self.config.door_socket))
        try:
            async with grpc.aio.secure_channel(
                f"unix:/proc/self/fd/{directory}/{triton.SOCKET_NAME}",
                channel_credentials(tls or self.runtime_tls),
                options=[
                    ("grpc.ssl_target_name_override", f"triton-{self.name}.craton.internal"),
                    ("grpc.use_local_subchannel_pool", 1),
                ],
            ) as channel:
                yield channel
        finally:
            os.close(directory)


async def ask(
    channel: grpc.aio.Channel,
    instance: Any,
    request: model_exchange_pb2.ModelRequest,
    timeout_s: float = 20.0,
) -> list[model_exchange_pb2.ModelResponse]:
    """Make one sealed call, as the runtime does."""
    session = ClientSession(instance.public_key, instance.model_id, instance.instance_id, SystemRandomness())
    frame, exchange = session.request(request.SerializeToString())
    sealed = triton.sealed_request(instance.server_model_name, session.encapsulated, frame)
    responses = []
    call: Any = channel.unary_stream(triton.MODEL_STREAM_INFER, None, None)(sealed, timeout=timeout_s)
    async for raw in call:
        answer = inference_pb2.ModelStreamInferResponse.FromString(raw)
        assert not answer.error_message, answer.error_message
        for content in answer.infer_response.raw_output_contents:
            responses.append(model_exchange_pb2.ModelResponse.FromString(exchange.open(content)))
    assert exchange.complete
    return responses


def echo_request(text: str, pieces: int = 1) -> model_exchange_pb2.ModelRequest:
    """Return a request that the echo model answers with `text` in `pieces`."""
    return model_exchange_pb2.ModelRequest(
        generate=model_exchange_pb2.GenerateRequest(prompt=text, max_tokens=pieces)
    )


@contextlib.contextmanager
def folder() -> Any:
    """Yield a folder that other uids may enter, which pytest's own folders forbid."""
    path = Path(tempfile.mkdtemp(prefix="craton-pool-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def _table(tls: TlsSettings) -> str:
    return f'certificate = "{tls.certificate}"\nprivate_key = "{tls.private_key}"\nca = "{tls.ca}"'
