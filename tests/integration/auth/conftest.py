"""A whole auth with a real kms and a real Redis beside it, all over TLS."""

import asyncio
import dataclasses
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from grpc_health.v1 import health_pb2

from deploy.local import redis as local_redis
from deploy.local.stack import DEFINITION, Definition, Stack
from deploy.pki.authority import LeafRequest
from services.auth.config import AuthConfig, ExchangeSettings
from services.auth.wiring import build
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.config import load
from services.chassis.server import Server
from services.chassis.settings import AuditSettings, RedisSettings, ServerSettings, UpstreamSettings
from services.kms.adapters.first_boot import mark_first_boot
from services.kms.config import CustodySettings, KmsConfig
from services.kms.wiring import build as build_kms
from tests.fakes.audit_server import FakeAudit
from tests.fakes.auth_client import BOOTSTRAP_TOKEN, Client, Credential
from tests.fakes.echo_manifest import SignedCatalog
from tests.fakes.ports import free_port, until_listening
from tests.fakes.serving import until_serving
from tests.fakes.workloads import TRUST_DOMAIN, Workloads

UNUSED_PORT = "127.0.0.1:1"
"""Nobody listens on port 1: a service that is down."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("state", "secrets", "custody", "run/redis"):
        (tmp_path / name).mkdir(parents=True, mode=0o700)
    return tmp_path


@pytest.fixture
def workloads(home: Path) -> Workloads:
    return Workloads(home / "pki")


@pytest.fixture
def catalog(home: Path) -> SignedCatalog:
    return SignedCatalog(home / "catalog")


@pytest.fixture
def redis(home: Path, workloads: Workloads) -> Iterator[Callable[[str], RedisSettings]]:
    """A Redis configured as the local stack's; the value gives the settings of one of its accounts."""
    folder = home / "pki" / "redis"
    folder.mkdir(parents=True)
    request = LeafRequest(
        "redis.craton.internal", ["redis.craton.internal"], timedelta(hours=1), client=False
    )
    issued = workloads.authority.issue(request, datetime.now(UTC))
    (folder / "tls.crt").write_bytes(issued.certificate)
    (folder / "tls.key").write_bytes(issued.private_key)
    (folder / "ca.crt").write_bytes(workloads.authority.certificate)
    definition = load(DEFINITION, Definition)
    ports = dataclasses.replace(definition.ports, redis=free_port())
    stack = Stack(dataclasses.replace(definition, ports=ports), home, home, "127.0.0.1", False)
    configuration = local_redis.configure(stack)
    process = subprocess.Popen(
        ["/usr/bin/redis-server", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until_listening(process, ports.redis)
    yield lambda account: RedisSettings(
        "127.0.0.1",
        ports.redis,
        account,
        local_redis.password_file(stack, account),
        workloads.tls("service/auth").ca,
    )
    process.terminate()
    process.wait(10)


@pytest.fixture
async def kms(home: Path, workloads: Workloads) -> AsyncIterator[Server]:
    audit = FakeAudit(home, workloads)
    await audit.server.start()
    config = KmsConfig(
        server=ServerSettings("kms", "127.0.0.1:0", "", drain_s=0.2),
        tls=workloads.tls("service/kms"),
        audit=AuditSettings(home / "state" / "kms-spool", UpstreamSettings(audit.target, "audit")),
        auth=UpstreamSettings(UNUSED_PORT, "auth"),
        database_url=f"sqlite:///{home}/state/kms.sqlite",
        custody=CustodySettings(home / "custody" / "kms-root.key"),
    )
    mark_first_boot(config.custody.file)
    server = build_kms(config, SystemClock())
    await server.start()
    await until_serving(server)
    yield server
    await server.stop()
    await audit.server.stop()


@pytest.fixture
def config(
    home: Path,
    workloads: Workloads,
    catalog: SignedCatalog,
    redis: Callable[[str], RedisSettings],
    kms: Server,
) -> AuthConfig:
    token_file = home / "secrets" / "bootstrap-token"
    token_file.write_text(BOOTSTRAP_TOKEN + "\n")
    token_file.chmod(0o600)
    return AuthConfig(
        server=ServerSettings("auth", "127.0.0.1:0", "", drain_s=0.2),
        tls=workloads.tls("service/auth"),
        audit=AuditSettings(home / "state" / "auth-spool", UpstreamSettings(UNUSED_PORT, "audit")),
        kms=UpstreamSettings(f"127.0.0.1:{kms.port}", "kms"),
        redis=redis("auth"),
        training=UpstreamSettings(UNUSED_PORT, "training"),
        database_url=f"sqlite:///{home}/state/auth.sqlite",
        catalog=catalog.folder,
        bootstrap_token_file=token_file,
        regions=("us-east-1", "eu-central-1"),
        signing_names=("bedrock",),
        token_hosts=("auth.craton.internal",),
        audiences=("auth", "kms", "runtime"),
        exchanges=(ExchangeSettings("runtime", "kms"),),
    )


async def wait_until_serving(client: Client) -> None:
    """Return when the server says that it is ready."""
    async with asyncio.timeout(10):
        while True:
            response = await client.health.Check(health_pb2.HealthCheckRequest())
            if response.status == health_pb2.HealthCheckResponse.SERVING:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
async def auth(config: AuthConfig, connect: Callable[[Server, str], Client]) -> AsyncIterator[Server]:
    server = build(config, SystemClock())
    await server.start()
    await wait_until_serving(connect(server, "operator/admin"))
    yield server
    await server.stop()


@pytest.fixture
async def connect(workloads: Workloads) -> AsyncIterator[Callable[[Server, str], Client]]:
    channels: list[Channel] = []

    def open_client(server: Server, workload: str) -> Client:
        upstream = UpstreamSettings(f"127.0.0.1:{server.port}", "auth")
        channel = Channel(upstream, workloads.tls(workload), TRUST_DOMAIN, SystemClock())
        channels.append(channel)
        # A change waits for enforcement points that hold leases, and a test's may not confirm anything.
        with patch("services.chassis.channels.DEFAULT_TIMEOUT_S", 20.0):
            return Client(channel)

    yield open_client
    for channel in channels:
        await channel.close()


@pytest.fixture
def operator(auth: Server, connect: Callable[[Server, str], Client]) -> Client:
    return connect(auth, "operator/admin")


@pytest.fixture
def edge(auth: Server, connect: Callable[[Server, str], Client]) -> Client:
    return connect(auth, "service/edge")


@pytest.fixture
async def admin(operator: Client) -> Credential:
    """The administrator of a bootstrapped installation."""
    created = await operator.bootstrap()
    return Credential(created.access_key.access_key_id, created.secret_access_key)
