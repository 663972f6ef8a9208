"""A revocation is acknowledged when it is in force: real auth, Redis and enforcement points."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from craton.auth.v1 import policy_service_pb2

from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.context import CallContext
from services.chassis.enforcement import EnforcementPoint
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.randomness import SystemRandomness
from services.chassis.settings import UpstreamSettings
from services.chassis.token_keys import RemoteTokenKeys, fetch_over
from services.chassis.tokens import TokenVerifier
from tests.fakes.auth_client import Client, Credential, bearer
from tests.fakes.workloads import TRUST_DOMAIN, Workloads

MODEL = "arn:aws:bedrock:us-east-1::foundation-model/craton.echo-v1"
LEASE_S = 5.0
SLACK_S = 0.2
"""What an acknowledgement may take beyond the life of a lease."""


class Point:
    """A service's enforcement point, whose ears can be closed as if its process stood still."""

    def __init__(self, service: str, port: int, workloads: Workloads, redis: Any) -> None:
        clock = SystemClock()
        self.channel = Channel(
            UpstreamSettings(f"127.0.0.1:{port}", "auth"),
            workloads.tls(f"service/{service}"),
            TRUST_DOMAIN,
            clock,
        )
        self.enforcement = EnforcementPoint(self.channel, redis(service), clock, SystemRandomness())
        self._verifier = TokenVerifier(service, RemoteTokenKeys(fetch_over(self.channel), clock), clock)
        self._service = service
        self.tasks: list[asyncio.Task[None]] = []

    def add_task(self, _name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Stand in for the server, of which only this is used."""
        self.tasks.append(asyncio.ensure_future(run()))  # type: ignore[arg-type]

    async def permitted(self, token: str) -> bool:
        """Admit one call."""
        call = CallContext(
            method="/m",
            request_id="r",
            call_id="c",
            caller=WorkloadId(TRUST_DOMAIN, "service", self._service),
            principal=await self._verifier.verify(token),
            principal_token=token,
        )
        try:
            await self.enforcement.authorizer.authorize(call, "bedrock:InvokeModel", MODEL)
        except DomainError as error:
            if error.reason_name != "ACCESS_DENIED":
                raise
            return False
        return True

    async def freeze(self) -> None:
        """Hear nothing from now on."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
async def point(auth: Any, workloads: Workloads, redis: Any) -> AsyncIterator[Callable[[str], Point]]:
    points: list[Point] = []

    def make(service: str) -> Point:
        made = Point(service, auth.port, workloads, redis)
        made.enforcement.attach(made)  # type: ignore[arg-type]
        points.append(made)
        return made

    yield make
    for each in points:
        await each.freeze()
        await each.channel.close()


async def put(operator: Client, metadata: Any, effect: str, name: str = "more") -> float:
    """Change a policy; return how long the acknowledgement took."""
    began = time.monotonic()
    document = f'{{"Statement":{{"Effect":"{effect}","Action":"bedrock:*","Resource":"*"}}}}'
    await operator.policies.PutUserPolicy(
        policy_service_pb2.PutUserPolicyRequest(user_name="admin", policy_name=name, document=document),
        metadata=metadata,
        timeout=20,
    )
    return time.monotonic() - began


async def hears(point: Point, operator: Client, metadata: Any, token: str) -> None:
    """Wait until the point has a lease and hears of changes."""
    async with asyncio.timeout(20):
        while True:
            await put(operator, metadata, "Allow")
            await point.permitted(token)
            if await put(operator, metadata, "Allow") < LEASE_S / 2:
                return


async def test_nothing_is_permitted_that_began_after_the_acknowledgement(
    point: Callable[[str], Point], operator: Client, edge: Client, admin: Credential
) -> None:
    points = [point("runtime"), point("kms")]
    metadata = bearer(await operator.token(admin))
    tokens = {
        each: (await edge.authenticate(admin, audience=name)).token
        for each, name in zip(points, ("runtime", "kms"), strict=True)
    }
    for each in points:
        await hears(each, operator, metadata, tokens[each])
    permits: list[tuple[float, bool]] = []
    stop = asyncio.Event()

    async def load(each: Point) -> None:
        while not stop.is_set():
            began = time.monotonic()
            permits.append((began, await each.permitted(tokens[each])))
            await asyncio.sleep(0.002)

    loads = [asyncio.create_task(load(each)) for each in points for _ in range(4)]
    took: list[float] = []
    periods: list[tuple[float, float]] = []
    for _ in range(10):
        took.append(await put(operator, metadata, "Deny"))
        closed = time.monotonic()
        await asyncio.sleep(0.05)
        periods.append((closed, time.monotonic()))
        took.append(await put(operator, metadata, "Allow"))
        await asyncio.sleep(0.05)
    stop.set()
    await asyncio.gather(*loads)
    assert any(permitted for _, permitted in permits)
    wrong = [
        began for began, permitted in permits for start, end in periods if permitted and start <= began < end
    ]
    assert not wrong
    tried = sum(1 for began, _ in permits for start, end in periods if start <= began < end)
    assert tried > 50, "the load went on while the policy denied"
    print(f"{len(took)} acknowledged, median {statistics.median(took) * 1000:.0f} ms; {tried} calls refused")
    assert max(took) < 2.0


async def test_a_point_that_hears_nothing_is_waited_for_until_its_leases_end(
    point: Callable[[str], Point], operator: Client, edge: Client, admin: Credential
) -> None:
    deaf, well = point("runtime"), point("kms")
    metadata = bearer(await operator.token(admin))
    for each, name in ((deaf, "runtime"), (well, "kms")):
        await hears(each, operator, metadata, (await edge.authenticate(admin, audience=name)).token)
    await deaf.freeze()
    took = await asyncio.gather(*(put(operator, metadata, "Allow", f"p{number}") for number in range(8)))
    assert all(LEASE_S - 0.5 < each < LEASE_S + SLACK_S + 2 for each in took), took
    print(f"a deaf point: acknowledged after {min(took):.2f} to {max(took):.2f} s")


async def test_nobody_waits_where_nobody_holds_a_lease(operator: Client, admin: Credential) -> None:
    metadata = bearer(await operator.token(admin))
    assert await put(operator, metadata, "Allow") < 2.0


async def test_without_redis_changes_wait_for_leases_to_end(
    point: Callable[[str], Point],
    operator: Client,
    edge: Client,
    admin: Credential,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metadata = bearer(await operator.token(admin))
    listening = point("runtime")
    token = (await edge.authenticate(admin, audience="runtime")).token
    await hears(listening, operator, metadata, token)

    async def nothing(*_: Any, **__: Any) -> None:
        raise OSError

    monkeypatch.setattr("redis.asyncio.client.Redis.execute_command", nothing)
    monkeypatch.setattr("redis.asyncio.client.Pipeline.execute", nothing)
    assert await listening.permitted(token)
    took = await put(operator, metadata, "Deny")
    assert took > LEASE_S - 0.5
    assert not await listening.permitted(token)
    with contextlib.suppress(OSError):
        monkeypatch.undo()
