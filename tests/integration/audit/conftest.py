"""A whole audit service on a loopback port, with the real kms and a small auth service beside it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from craton.audit.v1 import (
    index_service_pb2_grpc,
    ingest_service_pb2_grpc,
    log_service_pb2_grpc,
    lookup_service_pb2_grpc,
)
from grpc_health.v1 import health_pb2_grpc

from services.audit.config import AuditConfig, LogSettings
from services.audit.wiring import build
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.server import Server
from services.chassis.settings import AuditSettings, ServerSettings, UpstreamSettings
from services.kms.adapters.first_boot import mark_first_boot
from services.kms.config import CustodySettings, KmsConfig
from services.kms.wiring import build as build_kms
from services.witness.config import WitnessConfig
from tests.fakes.audit_server import FakeAudit
from tests.fakes.auth_server import FakeAuth
from tests.fakes.serving import until_serving
from tests.fakes.workloads import TRUST_DOMAIN, Workloads

NOBODY = "127.0.0.1:1"
"""Nobody listens on port 1: a service that is down."""


@pytest.fixture
def workloads(tmp_path: Path) -> Workloads:
    return Workloads(tmp_path / "pki")


@pytest.fixture
async def auth(tmp_path: Path, workloads: Workloads) -> AsyncIterator[FakeAuth]:
    fake = FakeAuth(tmp_path, workloads, ["service/audit", "service/kms"])
    await fake.server.start()
    yield fake
    await fake.server.stop()


@pytest.fixture
async def kms(tmp_path: Path, workloads: Workloads, auth: FakeAuth) -> AsyncIterator[Server]:
    # Its store is anchored elsewhere: the audit service of these tests starts after kms.
    anchors = FakeAudit(tmp_path, workloads)
    await anchors.server.start()
    state = tmp_path / "kms-state"
    state.mkdir()
    config = KmsConfig(
        server=ServerSettings("kms", "127.0.0.1:0", "", drain_s=0.5),
        tls=workloads.tls("service/kms"),
        audit=AuditSettings(state / "audit-spool", UpstreamSettings(anchors.target, "audit")),
        auth=UpstreamSettings(f"127.0.0.1:{auth.server.port}", "auth"),
        database_url=f"sqlite:///{state}/kms.sqlite",
        custody=CustodySettings(tmp_path / "custody" / "kms-root.key"),
    )
    mark_first_boot(config.custody.file)
    server = build_kms(config, SystemClock())
    await server.start()
    await until_serving(server)
    yield server
    await server.stop()
    await anchors.server.stop()


def audit_config(home: Path, workloads: Workloads, auth_port: int, kms_target: str) -> AuditConfig:
    state = home / "audit-state"
    state.mkdir(exist_ok=True)
    return AuditConfig(
        server=ServerSettings("audit", "127.0.0.1:0", "", drain_s=0.5),
        tls=workloads.tls("service/audit"),
        audit=AuditSettings(state / "audit-spool", UpstreamSettings(NOBODY, "audit")),
        auth=UpstreamSettings(f"127.0.0.1:{auth_port}", "auth"),
        kms=UpstreamSettings(kms_target, "kms"),
        database_url=f"sqlite:///{state}/audit.sqlite",
        log=LogSettings("audit.example/log", state / "log"),
    )


def witness_config(home: Path, workloads: Workloads) -> WitnessConfig:
    state = home / "witness-state"
    state.mkdir(exist_ok=True)
    return WitnessConfig(
        server=ServerSettings("one", "127.0.0.1:0", "", kind="witness", drain_s=0.5),
        tls=workloads.tls("witness/one"),
        audit=AuditSettings(state / "audit-spool", UpstreamSettings(NOBODY, "audit")),
        name="witness.example/one",
        key_file=state / "witness.key",
        database_url=f"sqlite:///{state}/witness.sqlite",
    )


@pytest.fixture
async def audit(tmp_path: Path, workloads: Workloads, auth: FakeAuth, kms: Server) -> AsyncIterator[Server]:
    config = audit_config(tmp_path, workloads, auth.server.port, f"127.0.0.1:{kms.port}")
    server = build(config, SystemClock())
    await server.start()
    yield server
    await server.stop()


class Clients:
    """Stubs of one workload."""

    def __init__(self, channel: Channel) -> None:
        self.ingest: Any = ingest_service_pb2_grpc.IngestServiceStub(channel)
        self.lookup: Any = lookup_service_pb2_grpc.LookupServiceStub(channel)
        self.index: Any = index_service_pb2_grpc.IndexServiceStub(channel)
        self.log: Any = log_service_pb2_grpc.LogServiceStub(channel)
        self.health: Any = health_pb2_grpc.HealthStub(channel)


@pytest.fixture
async def clients(workloads: Workloads) -> AsyncIterator[Callable[[Server, str], Clients]]:
    channels: list[Channel] = []

    def connect(server: Server, workload: str) -> Clients:
        upstream = UpstreamSettings(f"127.0.0.1:{server.port}", "audit")
        channels.append(Channel(upstream, workloads.tls(workload), TRUST_DOMAIN, SystemClock()))
        return Clients(channels[-1])

    yield connect
    for channel in channels:
        await channel.close()
