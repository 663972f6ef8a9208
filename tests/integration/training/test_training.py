"""training over real mTLS, with a small auth service beside it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from craton.training.v1 import customization_job_service_pb2, customization_job_service_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.database import open_engine
from services.chassis.rich_status import from_rpc_error
from services.chassis.server import Server
from services.chassis.settings import AuditSettings, ServerSettings, UpstreamSettings
from services.training.adapters.tables import JOBS
from services.training.config import TrainingConfig
from services.training.wiring import build
from tests.fakes.auth_server import ALLOW_ALL, FakeAuth
from tests.fakes.workloads import TRUST_DOMAIN, Workloads

ALICE = "arn:aws:iam::123456789012:user/alice"


@pytest.fixture
def workloads(tmp_path: Path) -> Workloads:
    return Workloads(tmp_path / "pki")


@pytest.fixture
async def auth(tmp_path: Path, workloads: Workloads) -> AsyncIterator[FakeAuth]:
    fake = FakeAuth(tmp_path, workloads, ["service/training"])
    await fake.server.start()
    yield fake
    await fake.server.stop()


@pytest.fixture
async def training(tmp_path: Path, workloads: Workloads, auth: FakeAuth) -> AsyncIterator[Server]:
    config = TrainingConfig(
        server=ServerSettings("training", "127.0.0.1:0", "", drain_s=0.5),
        tls=workloads.tls("service/training"),
        audit=AuditSettings(tmp_path / "audit-spool", UpstreamSettings("127.0.0.1:1", "audit")),
        auth=UpstreamSettings(f"127.0.0.1:{auth.server.port}", "auth"),
        database_url=f"sqlite:///{tmp_path}/training.sqlite",
    )
    server = build(config, SystemClock())
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def channels(workloads: Workloads, training: Server) -> AsyncIterator[Any]:
    opened: list[Channel] = []

    def connect(workload: str) -> Channel:
        upstream = UpstreamSettings(f"127.0.0.1:{training.port}", "training")
        opened.append(Channel(upstream, workloads.tls(workload), TRUST_DOMAIN, SystemClock()))
        return opened[-1]

    yield connect
    for channel in opened:
        await channel.close()


def listing(channel: Channel, token: str, **fields: Any) -> Awaitable[Any]:
    stub = customization_job_service_pb2_grpc.CustomizationJobServiceStub(channel)
    return stub.ListModelCustomizationJobs(
        customization_job_service_pb2.ListModelCustomizationJobsRequest(**fields),
        metadata=(("authorization", f"Bearer {token}"),) if token else (),
    )


async def reason(call: Awaitable[Any]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value, "training").reason_name


async def test_a_new_installation_has_no_jobs(channels, auth) -> None:
    auth.policies[ALICE] = [ALLOW_ALL]
    response = await listing(channels("service/edge"), auth.token("alice", audience="training"))
    assert (len(response.jobs), response.next_page_token) == (0, "")


async def test_jobs_by_page_and_filter(channels, auth, tmp_path: Path) -> None:
    auth.policies[ALICE] = [ALLOW_ALL]
    engine = open_engine(f"sqlite:///{tmp_path}/training.sqlite")
    with engine.begin() as connection:
        for number in range(5):
            connection.execute(
                sa.insert(JOBS).values(
                    account_id="123456789012",
                    incarnation="incarnation-of-123456789012",
                    region="us-east-1",
                    job_id=f"craton.tiny-text-v1/{number:012d}",
                    job_name=f"job-{number}",
                    status="Completed" if number % 2 else "Failed",
                    base_model_id="craton.tiny-text-v1",
                    created_us=1_700_000_000_000_000 + number,
                )
            )
    engine.dispose()
    edge, token = channels("service/edge"), auth.token("alice", audience="training")
    first = await listing(edge, token, page_size=3)
    second = await listing(edge, token, page_size=3, page_token=first.next_page_token)
    assert [job.job_name for job in [*first.jobs, *second.jobs]] == [f"job-{n}" for n in (4, 3, 2, 1, 0)]
    assert second.next_page_token == ""
    job = second.jobs[-1]
    assert job.name == (
        "accounts/123456789012/regions/us-east-1/modelCustomizationJobs/craton.tiny-text-v1/000000000000"
    )
    assert job.create_time.ToMicroseconds() == 1_700_000_000_000_000
    failed = await listing(edge, token, status_equals="Failed")
    assert [job.job_name for job in failed.jobs] == ["job-4", "job-2", "job-0"]
    for refused in ({"status_equals": "Done"}, {"page_token": "%"}, {"page_size": 1001}):
        assert await reason(listing(edge, token, **refused)) == "INVALID_FIELD"
    elsewhere = await listing(edge, auth.token("alice", region="eu-west-1", audience="training"))
    assert not elsewhere.jobs


async def test_who_may_list(channels, auth) -> None:
    edge, token = channels("service/edge"), auth.token("alice", audience="training")
    assert await reason(listing(edge, token)) == "ACCESS_DENIED"
    assert await reason(listing(edge, "")) == "MISSING_CREDENTIALS"
    assert await reason(listing(edge, auth.token("alice", audience="kms"))) == "INVALID_TOKEN"
    assert await reason(listing(channels("pool/craton"), token)) == "CALLER_NOT_LISTED"


async def test_health_is_for_operators(channels, training) -> None:
    stub = health_pb2_grpc.HealthStub(channels("operator/admin"))
    for _ in range(50):
        answer = await stub.Check(health_pb2.HealthCheckRequest())
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            break
        await asyncio.sleep(0.05)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
