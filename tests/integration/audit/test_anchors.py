"""The port EpochAnchor, held against the real audit service over mTLS and against the fake."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from craton.audit.v1 import anchor_service_pb2 as pb
from craton.audit.v1 import anchor_service_pb2_grpc

from services.audit.wiring import build
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.errors import DomainError
from services.chassis.rich_status import from_rpc_error
from services.chassis.server import Server
from services.chassis.settings import UpstreamSettings
from services.kms.adapters.audit_anchor import AuditAnchor
from services.kms.adapters.log_witnesses import LogWitnesses
from services.kms.ports import Anchored, StoreAlteredError
from tests.fakes.anchor import MemoryAnchor
from tests.fakes.serving import until_serving
from tests.fakes.workloads import TRUST_DOMAIN, Workloads
from tests.integration.audit.conftest import NOBODY, audit_config

STORE = str(uuid.UUID(int=7))


@pytest.fixture
async def alone(tmp_path: Path, workloads: Workloads) -> AsyncIterator[Server]:
    """Audit without kms and without auth: as it is when everything starts at once."""
    server = build(audit_config(tmp_path, workloads, 1, NOBODY), SystemClock())
    await server.start()
    await until_serving(server)
    yield server
    await server.stop()


@pytest.fixture(params=["memory", "audit"])
async def anchor(request: pytest.FixtureRequest, workloads: Workloads, alone: Server) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryAnchor()
        return
    upstream = UpstreamSettings(f"127.0.0.1:{alone.port}", "audit")
    channel = Channel(upstream, workloads.tls("service/kms"), TRUST_DOMAIN, SystemClock())
    yield AuditAnchor(channel, LogWitnesses((), ""))
    await channel.close()


async def test_the_newest_state_is_remembered(anchor: Any) -> None:
    assert await anchor.newest(STORE) is None
    for epoch in (1, 2, 9):
        await anchor.append(STORE, Anchored(epoch, bytes([epoch]) * 32))
        assert await anchor.newest(STORE) == Anchored(epoch, bytes([epoch]) * 32)
    await anchor.append(STORE, Anchored(9, b"\x09" * 32))
    assert await anchor.newest(str(uuid.UUID(int=8))) is None


@pytest.mark.parametrize("state", [Anchored(4, b"d" * 32), Anchored(5, b"e" * 32)], ids=["older", "fork"])
async def test_older_states_and_forks_are_refused(anchor: Any, state: Anchored) -> None:
    await anchor.append(STORE, Anchored(5, b"d" * 32))
    with pytest.raises(StoreAlteredError):
        await anchor.append(STORE, state)
    assert await anchor.newest(STORE) == Anchored(5, b"d" * 32)


async def test_nobody_answers(workloads: Workloads) -> None:
    channel = Channel(
        UpstreamSettings(NOBODY, "audit"), workloads.tls("service/kms"), TRUST_DOMAIN, SystemClock()
    )
    anchor = AuditAnchor(channel, LogWitnesses((), ""))
    for attempt in (anchor.newest(STORE), anchor.append(STORE, Anchored(1, b"d" * 32))):
        with pytest.raises(DomainError) as refusal:
            await attempt
        assert refusal.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    await channel.close()


@pytest.mark.parametrize(
    "wrong",
    [
        pb.Anchor(store_id="not a uuid", epoch=1, digest=b"d" * 32),
        pb.Anchor(store_id=STORE, epoch=1, digest=b"d" * 31),
        pb.Anchor(store_id=STORE, epoch=2**63, digest=b"d" * 32),
    ],
    ids=["store", "digest", "epoch"],
)
async def test_what_is_no_anchor_is_refused(alone: Server, workloads: Workloads, wrong: pb.Anchor) -> None:
    upstream = UpstreamSettings(f"127.0.0.1:{alone.port}", "audit")
    channel = Channel(upstream, workloads.tls("service/kms"), TRUST_DOMAIN, SystemClock())
    stub: Any = anchor_service_pb2_grpc.AnchorServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.AppendAnchor(pb.AppendAnchorRequest(anchor=wrong))
    assert from_rpc_error(caught.value, "audit").reason_name == "INVALID_FIELD"
    await channel.close()


@pytest.mark.parametrize("workload", ["service/edge", "service/auth", "operator/admin", "pool/craton"])
async def test_only_the_key_service_is_answered(alone: Server, workloads: Workloads, workload: str) -> None:
    upstream = UpstreamSettings(f"127.0.0.1:{alone.port}", "audit")
    channel = Channel(upstream, workloads.tls(workload), TRUST_DOMAIN, SystemClock())
    stub: Any = anchor_service_pb2_grpc.AnchorServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetAnchor(pb.GetAnchorRequest(store_id=STORE))
    assert from_rpc_error(caught.value, "audit").reason_name == "CALLER_NOT_LISTED"
    await channel.close()
