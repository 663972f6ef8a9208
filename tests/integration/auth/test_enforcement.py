"""An enforcement point against the real auth: leases, revocation, auth going away, start order."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from craton.auth.v1 import (
    access_key_service_pb2,
    authorization_service_pb2,
    resources_pb2,
)
from grpc_health.v1 import health_pb2

from services.auth.wiring import build
from services.chassis import enforcement
from services.chassis.authorization import Authorizer
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.leases import Leases, RemoteLeaseSource
from services.chassis.randomness import SystemRandomness
from services.chassis.settings import UpstreamSettings
from services.chassis.token_keys import RemoteTokenKeys, fetch_over
from services.chassis.tokens import TokenVerifier
from tests.fakes.auth_client import Client, Credential, bearer
from tests.fakes.workloads import TRUST_DOMAIN, Workloads

MODEL = "arn:aws:bedrock:us-east-1::foundation-model/craton.echo-v1"
RUNTIME = WorkloadId(TRUST_DOMAIN, "service", "runtime")


@dataclasses.dataclass
class EnforcementPoint:
    """What runtime has of authorisation."""

    verifier: TokenVerifier
    leases: Leases
    authorizer: Authorizer

    async def invoke(self, token: str) -> None:
        """Admit one call; raises when it is refused."""
        await self.admit(token, "bedrock:InvokeModel", MODEL)

    async def admit(self, token: str, action: str, resource: str) -> None:
        """Admit one call to any action; raises when it is refused."""
        claims = await self.verifier.verify(token)
        call = CallContext(
            method="/m",
            request_id="r",
            call_id="c",
            caller=RUNTIME,
            principal=claims,
            principal_token=token,
        )
        await self.authorizer.authorize(call, action, resource)

    async def refusal(self, token: str, within_s: float) -> tuple[str, float]:
        """Call until it is refused; return the reason and when that was."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with asyncio.timeout(within_s):
            while True:
                try:
                    await self.invoke(token)
                except DomainError as error:
                    return error.reason_name, loop.time() - started
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def enforcement_point(
    port: int, workloads: Workloads, service: str = "runtime"
) -> AsyncIterator[EnforcementPoint]:
    """An enforcement point with a service's certificate."""
    clock = SystemClock()
    upstream = UpstreamSettings(f"127.0.0.1:{port}", "auth")
    channel = Channel(upstream, workloads.tls(f"service/{service}"), TRUST_DOMAIN, clock)
    leases = Leases(RemoteLeaseSource(channel, "0" * 32), clock)
    verifier = TokenVerifier(service, RemoteTokenKeys(fetch_over(channel), clock), clock)
    yield EnforcementPoint(verifier, leases, Authorizer(leases, clock))
    await channel.close()


class _Tasks:
    """The part of a server that an enforcement point needs."""

    def __init__(self) -> None:
        self.running: list[asyncio.Task[None]] = []

    def add_task(self, _name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.running.append(asyncio.create_task(run()))


@contextlib.asynccontextmanager
async def listening_point(
    port: int, workloads: Workloads, redis: Callable[[str], Any]
) -> AsyncIterator[EnforcementPoint]:
    """As `enforcement_point`, but one that hears of revocations and confirms them, as every service does."""
    clock, tasks, subscribed = SystemClock(), _Tasks(), asyncio.Event()
    upstream = UpstreamSettings(f"127.0.0.1:{port}", "auth")
    channel = Channel(upstream, workloads.tls("service/runtime"), TRUST_DOMAIN, clock)
    made = enforcement.EnforcementPoint(channel, redis("runtime"), clock, SystemRandomness())
    revoke_all = made.leases.revoke_all

    def let_in() -> None:
        revoke_all()
        subscribed.set()

    made._ear._listener._on_subscribed = let_in
    made.attach(tasks)  # type: ignore[arg-type]
    verifier = TokenVerifier("runtime", RemoteTokenKeys(fetch_over(channel), clock), clock)
    async with asyncio.timeout(10):
        await subscribed.wait()
    yield EnforcementPoint(verifier, made.leases, made.authorizer)
    for task in tasks.running:
        task.cancel()
    await channel.close()


@pytest.fixture
async def point(auth, workloads: Workloads) -> AsyncIterator[EnforcementPoint]:
    async with enforcement_point(auth.port, workloads) as made:
        yield made


async def serve(config: Any, connect: Callable[[Any, str], Client]) -> tuple[Any, Client, Client]:
    """Start an auth that the test stops itself; return it with clients of an operator and of edge."""
    server = build(config, SystemClock())
    await server.start()
    operator, edge = connect(server, "operator/admin"), connect(server, "service/edge")
    async with asyncio.timeout(10):
        while (await operator.health.Check(health_pb2.HealthCheckRequest())).status != 1:
            await asyncio.sleep(0.02)
    return server, operator, edge


async def bootstrapped(operator: Client) -> Credential:
    created = await operator.bootstrap()
    return Credential(created.access_key.access_key_id, created.secret_access_key)


async def deactivate(operator: Client, credential: Credential) -> None:
    request = access_key_service_pb2.UpdateAccessKeyRequest(
        user_name="admin",
        access_key_id=credential.access_key_id,
        status=resources_pb2.ACCESS_KEY_STATUS_INACTIVE,
    )
    metadata = bearer(await operator.token(credential))
    # It is acknowledged when the leases that others hold have ended.
    await operator.keys.UpdateAccessKey(request, metadata=metadata, timeout=20)


async def test_without_redis_a_revocation_is_noticed_when_the_lease_ends(
    point: EnforcementPoint, operator: Client, edge: Client, admin: Credential
) -> None:
    token = (await edge.authenticate(admin)).token
    await point.invoke(token)
    changing = asyncio.create_task(deactivate(operator, admin))
    reason, after = await point.refusal(token, within_s=7)
    assert reason == "INVALID_TOKEN"
    assert after <= 5.2
    await changing


async def test_permits_last_as_long_as_the_lease_when_auth_is_down(
    config, connect, workloads: Workloads
) -> None:
    server, operator, edge = await serve(config, connect)
    token = (await edge.authenticate(await bootstrapped(operator))).token
    async with enforcement_point(server.port, workloads) as point:
        await point.invoke(token)
        await server.stop()
        await point.invoke(token)
        reason, after = await point.refusal(token, within_s=9)
    assert reason == "DEPENDENCY_UNAVAILABLE"
    # The last question to auth may take its whole time-out.
    assert 2 < after <= 5.2 + 2.0


async def test_auth_waits_for_kms_and_a_restart_keeps_tokens_valid(config, connect) -> None:
    nowhere = dataclasses.replace(config, kms=UpstreamSettings("127.0.0.1:1", "kms"))
    server = build(nowhere, SystemClock())
    await server.start()
    client = connect(server, "operator/admin")
    await asyncio.sleep(0.6)
    status = (await client.health.Check(health_pb2.HealthCheckRequest())).status
    assert status == health_pb2.HealthCheckResponse.NOT_SERVING
    await server.stop()

    server, operator, edge = await serve(config, connect)
    admin = await bootstrapped(operator)
    token = (await edge.authenticate(admin)).token
    await server.stop()
    server, operator, edge = await serve(config, connect)
    answer = await connect(server, "service/runtime").authorization.GetAuthorizationLease(
        authorization_service_pb2.GetAuthorizationLeaseRequest(instance_id="0" * 32), metadata=bearer(token)
    )
    assert answer.digest
    assert (await edge.authenticate(admin)).token
    await server.stop()
