"""kms needs audit to start, and audit needs kms to take in events: neither waits for the other for ever."""

import asyncio
import dataclasses
from pathlib import Path

import pytest
from craton.kms.v1 import service_key_service_pb2 as pb
from craton.kms.v1 import service_key_service_pb2_grpc

from services.audit.config import AuditConfig
from services.audit.wiring import build as build_audit
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.server import Server
from services.chassis.settings import AuditSettings, ServerSettings, UpstreamSettings
from services.kms.adapters.first_boot import mark_first_boot
from services.kms.config import CustodySettings, KmsConfig
from services.kms.wiring import build as build_kms
from tests.fakes.kms_process import free_target
from tests.fakes.serving import until_serving
from tests.fakes.workloads import TRUST_DOMAIN, Workloads
from tests.integration.audit.conftest import NOBODY, audit_config


@pytest.fixture
def configs(tmp_path: Path, workloads: Workloads) -> tuple[KmsConfig, AuditConfig]:
    kms_target, audit_target = free_target(), free_target()
    state = tmp_path / "kms-state"
    state.mkdir()
    kms = KmsConfig(
        server=ServerSettings("kms", kms_target, "", drain_s=0.5),
        tls=workloads.tls("service/kms"),
        audit=AuditSettings(state / "audit-spool", UpstreamSettings(audit_target, "audit")),
        auth=UpstreamSettings(NOBODY, "auth"),
        database_url=f"sqlite:///{state}/kms.sqlite",
        custody=CustodySettings(tmp_path / "custody" / "kms-root.key"),
        swap="warn",
    )
    mark_first_boot(kms.custody.file)
    audit = audit_config(tmp_path, workloads, 1, kms_target)
    listening = dataclasses.replace(audit.server, listen=audit_target)
    return kms, dataclasses.replace(audit, server=listening)


async def started(server: Server) -> Server:
    await server.start()
    return server


async def make_data_key(config: KmsConfig, workloads: Workloads) -> None:
    upstream = UpstreamSettings(config.server.listen, "kms")
    channel = Channel(upstream, workloads.tls("service/audit"), TRUST_DOMAIN, SystemClock())
    stub = service_key_service_pb2_grpc.ServiceKeyServiceStub(channel)
    await stub.GenerateServiceDataKey(pb.GenerateServiceDataKeyRequest())
    await channel.close()


@pytest.mark.parametrize("first", ["kms", "audit"])
async def test_either_may_start_first(
    configs: tuple[KmsConfig, AuditConfig], workloads: Workloads, first: str
) -> None:
    kms_config, audit_config = configs
    for _ in range(2):
        builds = {
            "kms": lambda: build_kms(kms_config, SystemClock()),
            "audit": lambda: build_audit(audit_config, SystemClock()),
        }
        servers = {first: await started(builds.pop(first)())}
        await asyncio.sleep(0.5)
        servers |= {name: await started(build()) for name, build in builds.items()}
        for server in servers.values():
            await until_serving(server)
        # Whoever makes the service's key first changes the store, which audit must anchor.
        await make_data_key(kms_config, workloads)
        for server in servers.values():
            await server.stop()


async def test_a_store_that_was_anchored_waits_for_its_anchor(
    configs: tuple[KmsConfig, AuditConfig], workloads: Workloads
) -> None:
    kms_config, audit_config = configs
    audit = await started(build_audit(audit_config, SystemClock()))
    kms = await started(build_kms(kms_config, SystemClock()))
    await until_serving(kms)
    await make_data_key(kms_config, workloads)
    await kms.stop()
    await audit.stop()

    kms = await started(build_kms(kms_config, SystemClock()))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(until_serving(kms), 3)
    audit = await started(build_audit(audit_config, SystemClock()))
    await until_serving(kms)
    await make_data_key(kms_config, workloads)
    await kms.stop()
    await audit.stop()
