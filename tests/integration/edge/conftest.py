"""A whole edge over TLS, with a real Redis, and small services behind it."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.response import StreamingBody

from deploy.pki.authority import LeafRequest
from services.chassis.audit.ports import AuditedMethod
from services.chassis.clock import SystemClock
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.settings import AuditSettings, UpstreamSettings
from services.edge.config import CertificateSettings, EdgeConfig, LimitSettings
from services.edge.server import EdgeServer
from services.edge.wiring import build
from tests.boto_clients import boto_client
from tests.fakes.edge_upstreams import KEY_ID, SECRET, Auth, Runtime, Told, Training, upstream
from tests.fakes.raw_client import RawClient
from tests.fakes.redis_server import RedisServer
from tests.fakes.workloads import Workloads


@dataclass
class Recorder:
    """Keeps what was recorded; `refuse` makes a phase fail."""

    events: list[tuple[str, str, str, str]] = field(default_factory=list)
    """(phase, event name, status, reason)"""
    calls: list[CallContext] = field(default_factory=list)
    refuse: dict[str, DomainError] = field(default_factory=dict)

    async def intent(self, call: CallContext, method: AuditedMethod) -> None:
        self._note("intent", call, method, "", "")

    async def outcome(self, call: CallContext, method: AuditedMethod, status: str, reason: str) -> None:
        self._note("outcome", call, method, status, reason)

    def summarise(self, call: CallContext, method: AuditedMethod, status: str, reason: str) -> None:
        self._note("summary", call, method, status, reason)

    def _note(self, phase: str, call: CallContext, method: AuditedMethod, status: str, reason: str) -> None:
        if phase in self.refuse:
            raise self.refuse[phase]
        self.events.append((phase, method.event_name, status, reason))
        self.calls.append(call)


@dataclass
class Stack:
    """The edge and what a test wants to reach around it."""

    server: EdgeServer
    auth: Auth
    runtime: Runtime
    kms: Told
    audit: Told
    recorder: Recorder
    redis: RedisServer
    ca: Path
    config: EdgeConfig

    @property
    def endpoint(self) -> str:
        return f"https://127.0.0.1:{self.server.port}"

    def client(self, service: str, **overrides: Any) -> Any:
        """Return an unmodified boto3 client without retries."""
        values: dict[str, Any] = {
            "region_name": "us-east-1",
            "endpoint_url": self.endpoint,
            "verify": str(self.ca),
            "config": Config(retries={"total_max_attempts": 1}, max_pool_connections=64),
            "aws_access_key_id": KEY_ID,
            "aws_secret_access_key": SECRET,
        }
        return boto_client(service, **(values | overrides))

    async def call(self, client: Any, operation: str, **arguments: Any) -> Any:
        """Run a blocking boto3 call beside the event loop.

        The body of a whole answer is read: one that is not holds a connection, of which the collector of
        garbage complains in whichever test comes then.
        """
        answer = await asyncio.to_thread(getattr(client, operation), **arguments)
        if isinstance(answer, dict) and isinstance(answer.get("body"), StreamingBody):
            answer["body"] = io.BytesIO(await asyncio.to_thread(answer["body"].read))
        return answer


@pytest.fixture(scope="session")
def workloads(tmp_path_factory: pytest.TempPathFactory) -> Workloads:
    return Workloads(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def public(tmp_path_factory: pytest.TempPathFactory, workloads: Workloads) -> CertificateSettings:
    folder = tmp_path_factory.mktemp("public")
    settings = CertificateSettings(folder / "tls.crt", folder / "tls.key")
    issue_public(workloads, settings)
    return settings


def issue_public(workloads: Workloads, settings: CertificateSettings) -> bytes:
    request = LeafRequest(
        "localhost", ["localhost"], timedelta(hours=1), ip_addresses=["127.0.0.1"], client=False
    )
    issued = workloads.authority.issue(request, datetime.now(UTC))
    settings.private_key.write_bytes(issued.private_key)
    settings.certificate.write_bytes(issued.certificate)
    return issued.certificate


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory, workloads: Workloads) -> Iterator[RedisServer]:
    """One store for all tests but those that lose it, which have their own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), workloads)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def limits() -> LimitSettings:
    """Replaced by modules that test limits."""
    return LimitSettings(drain_s=1.0)


@pytest.fixture
async def stack(
    tmp_path: Path,
    workloads: Workloads,
    public: CertificateSettings,
    redis: RedisServer,
    limits: LimitSettings,
) -> AsyncIterator[Stack]:
    auth, runtime, training, kms, audit = Auth(), Runtime(), Training(), Told(), Told()
    servers = [
        upstream(name, servicer, tmp_path, workloads)
        for name, servicer in (
            ("auth", auth),
            ("runtime", runtime),
            ("training", training),
            ("kms", kms),
            ("audit", audit),
        )
    ]
    for server in servers:
        await server.start()
    config = EdgeConfig(
        listen="127.0.0.1:0",
        metrics_listen="127.0.0.1:0",
        public=public,
        tls=workloads.tls("service/edge"),
        auth=UpstreamSettings(f"127.0.0.1:{servers[0].port}", "auth"),
        runtime=UpstreamSettings(f"127.0.0.1:{servers[1].port}", "runtime"),
        training=UpstreamSettings(f"127.0.0.1:{servers[2].port}", "training"),
        kms=UpstreamSettings(f"127.0.0.1:{servers[3].port}", "kms"),
        redis=redis.settings,
        audit=AuditSettings(tmp_path / "spool", UpstreamSettings(f"127.0.0.1:{servers[4].port}", "audit")),
        regions=("us-east-1", "eu-west-1"),
        limits=limits,
    )
    recorder = Recorder()
    edge = build(config, SystemClock(), recorder=recorder)
    await edge.start()
    async with asyncio.timeout(20):
        await edge.ready.wait()
    yield Stack(edge, auth, runtime, kms, audit, recorder, redis, workloads.tls("service/edge").ca, config)
    await edge.stop()
    for server in servers:
        await server.stop()


@pytest.fixture
async def raw(stack: Stack) -> AsyncIterator[RawClient]:
    """A client with the credentials of the stack's user."""
    client = RawClient(stack.server.port, stack.ca, KEY_ID, SECRET)
    yield client
    await client.aclose()
