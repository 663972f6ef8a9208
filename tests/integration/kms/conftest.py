"""A whole kms on a loopback port, with a small auth service beside it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from craton.kms.v1 import (
    crypto_service_pb2_grpc,
    digest_key_service_pb2_grpc,
    key_admin_service_pb2_grpc,
    log_key_service_pb2_grpc,
    model_key_service_pb2_grpc,
    receipt_key_service_pb2_grpc,
    service_key_service_pb2_grpc,
)

from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.server import Server
from services.chassis.settings import AuditSettings, ServerSettings, UpstreamSettings
from services.kms.adapters.first_boot import mark_first_boot
from services.kms.config import CustodySettings, KmsConfig
from services.kms.wiring import build
from tests.fakes.audit_server import FakeAudit
from tests.fakes.auth_server import FakeAuth
from tests.fakes.serving import until_serving
from tests.fakes.workloads import TRUST_DOMAIN, Workloads

UNUSED_PORT = "127.0.0.1:1"
"""Nobody listens on port 1: a service that is down."""


def kms_config(
    home: Path, workloads: Workloads, auth_target: str, audit_target: str = UNUSED_PORT
) -> KmsConfig:
    (home / "state").mkdir(exist_ok=True)
    return KmsConfig(
        server=ServerSettings("kms", "127.0.0.1:0", "", drain_s=0.5),
        tls=workloads.tls("service/kms"),
        audit=AuditSettings(home / "state" / "audit-spool", UpstreamSettings(audit_target, "audit")),
        auth=UpstreamSettings(auth_target, "auth"),
        database_url=f"sqlite:///{home}/state/kms.sqlite",
        custody=CustodySettings(home / "custody" / "kms-root.key"),
    )


@dataclass
class Clients:
    """Stubs of one workload."""

    service_keys: Any
    log_keys: Any
    digest_keys: Any
    receipt_keys: Any
    model_keys: Any
    crypto: Any
    admin: Any


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def workloads(home: Path) -> Workloads:
    return Workloads(home / "pki")


@pytest.fixture
async def auth(home: Path, workloads: Workloads) -> AsyncIterator[FakeAuth]:
    fake = FakeAuth(home, workloads, ["service/kms"])
    await fake.server.start()
    yield fake
    await fake.server.stop()


@pytest.fixture
async def audit(home: Path, workloads: Workloads) -> AsyncIterator[FakeAudit]:
    fake = FakeAudit(home, workloads)
    await fake.server.start()
    yield fake
    await fake.server.stop()


@pytest.fixture
async def kms(home: Path, workloads: Workloads, auth: FakeAuth, audit: FakeAudit) -> AsyncIterator[Server]:
    config = kms_config(home, workloads, f"127.0.0.1:{auth.server.port}", audit.target)
    mark_first_boot(config.custody.file)
    server = build(config, SystemClock())
    await server.start()
    await until_serving(server)
    yield server
    await server.stop()


@pytest.fixture
async def clients(workloads: Workloads) -> AsyncIterator[Callable[[Server, str], Clients]]:
    channels: list[Channel] = []

    def connect(server: Server, workload: str) -> Clients:
        upstream = UpstreamSettings(f"127.0.0.1:{server.port}", "kms")
        channel = Channel(upstream, workloads.tls(workload), TRUST_DOMAIN, SystemClock())
        channels.append(channel)
        return Clients(
            service_key_service_pb2_grpc.ServiceKeyServiceStub(channel),
            log_key_service_pb2_grpc.LogKeyServiceStub(channel),
            digest_key_service_pb2_grpc.DigestKeyServiceStub(channel),
            receipt_key_service_pb2_grpc.ReceiptKeyServiceStub(channel),
            model_key_service_pb2_grpc.ModelKeyServiceStub(channel),
            crypto_service_pb2_grpc.CryptoServiceStub(channel),
            key_admin_service_pb2_grpc.KeyAdminServiceStub(channel),
        )

    yield connect
    for channel in channels:
        await channel.close()
