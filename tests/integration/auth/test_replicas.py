"""Two replicas of the real auth over one PostgreSQL: whatever one has answered, the other knows."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from craton.auth.v1 import (
    access_key_service_pb2,
    authorization_service_pb2,
    policy_service_pb2,
    resources_pb2,
    token_service_pb2,
    user_service_pb2,
)
from grpc_health.v1 import health_pb2

from services.auth.config import AuthConfig
from services.auth.wiring import build
from services.chassis.clock import SystemClock
from services.chassis.server import Server
from services.chassis.sigv4_signer import sign_token_request
from tests.fakes.auth_client import Client, Credential, bearer, reason, signed_request
from tests.fakes.databases import POSTGRESQL, empty_database

pytestmark = pytest.mark.postgresql


@pytest.fixture
async def replicas(home: Path, config: AuthConfig, tmp_path: Path) -> AsyncIterator[tuple[Server, Server]]:
    url = empty_database(POSTGRESQL, tmp_path)
    servers = []
    for number in (1, 2):
        spool = dataclasses.replace(config.audit, spool_dir=home / f"state/auth-spool-{number}")
        made = dataclasses.replace(config, audit=spool, database_url=url)
        servers.append(build(made, SystemClock()))
    for server in servers:
        await server.start()
    yield servers[0], servers[1]
    for server in servers:
        await server.stop()


@pytest.fixture
async def operators(
    replicas: tuple[Server, Server], connect: Callable[[Server, str], Client]
) -> tuple[Client, Client]:
    one, other = (connect(server, "operator/admin") for server in replicas)
    async with asyncio.timeout(10):
        for operator in (one, other):
            while (await operator.health.Check(health_pb2.HealthCheckRequest())).status != 1:
                await asyncio.sleep(0.02)
    return one, other


@pytest.fixture
async def admin(operators: tuple[Client, Client]) -> Credential:
    """The administrator; both replicas were asked to bootstrap at the same time, several times."""
    results = await asyncio.gather(
        *(operators[n % 2].bootstrap(user=f"admin{n}") for n in range(6)), return_exceptions=True
    )
    [created] = [result for result in results if not isinstance(result, BaseException)]
    return Credential(created.access_key.access_key_id, created.secret_access_key)


async def test_a_token_of_one_is_good_at_the_other(
    operators: tuple[Client, Client], admin: Credential
) -> None:
    one, other = operators
    metadata = bearer(await one.token(admin))
    await other.users.CreateUser(user_service_pb2.CreateUserRequest(user_name="bob"), metadata=metadata)
    found = await one.users.GetUser(user_service_pb2.GetUserRequest(user_name="bob"), metadata=metadata)
    assert found.user.user_name == "bob"


async def test_a_change_at_one_is_in_force_at_the_other(
    replicas: tuple[Server, Server],
    connect: Callable[[Server, str], Client],
    operators: tuple[Client, Client],
    admin: Credential,
) -> None:
    runtimes = [connect(server, "service/runtime") for server in replicas]
    edges = [connect(server, "service/edge") for server in replicas]
    metadata = bearer(await operators[0].token(admin))
    user = {"user_name": "bob"}
    await operators[0].users.CreateUser(user_service_pb2.CreateUserRequest(**user), metadata=metadata)
    created = await operators[0].keys.CreateAccessKey(
        access_key_service_pb2.CreateAccessKeyRequest(**user), metadata=metadata
    )
    bob = Credential(created.access_key.access_key_id, created.secret_access_key)
    token = bearer((await edges[1].authenticate(bob)).token)
    request = authorization_service_pb2.GetAuthorizationLeaseRequest(instance_id="0" * 32)

    async def lease(at: int) -> Any:
        return await runtimes[at].authorization.GetAuthorizationLease(request, metadata=token)

    # Each is acknowledged when the lease before it has ended: nobody confirms here.
    for number in range(3):
        document = f'{{"Statement":{{"Effect":"Allow","Action":"bedrock:Get{number}","Resource":"*"}}}}'
        put = policy_service_pb2.PutUserPolicyRequest(**user, policy_name="p", document=document)
        await operators[number % 2].policies.PutUserPolicy(put, metadata=metadata)
        [policy] = (await lease((number + 1) % 2)).identity_policies
        assert f"Get{number}" in policy
    change = access_key_service_pb2.UpdateAccessKeyRequest(
        **user, access_key_id=bob.access_key_id, status=resources_pb2.ACCESS_KEY_STATUS_INACTIVE
    )
    await operators[0].keys.UpdateAccessKey(change, metadata=metadata)
    assert await reason(edges[1].authenticate(bob)) == "UNKNOWN_ACCESS_KEY"
    assert await reason(lease(1)) == "INVALID_TOKEN"


async def test_a_signature_is_not_good_twice_at_different_replicas(
    operators: tuple[Client, Client], admin: Credential
) -> None:
    signed = sign_token_request(admin.signer(), "auth.craton.internal", "auth", datetime.now(UTC))
    request = token_service_pb2.GetTokenRequest(signed_request=signed_request(signed), audience="auth")
    await operators[0].tokens.GetToken(request)
    await asyncio.sleep(2.1)
    assert await reason(operators[1].tokens.GetToken(request)) == "SIGNATURE_REPLAYED"


async def test_both_issue_keys_within_the_users_limit(
    operators: tuple[Client, Client], admin: Credential
) -> None:
    metadata = bearer(await operators[0].token(admin))
    user = {"user_name": "bob"}
    await operators[0].users.CreateUser(user_service_pb2.CreateUserRequest(**user), metadata=metadata)
    results = await asyncio.gather(
        *(
            operators[n % 2].keys.CreateAccessKey(
                access_key_service_pb2.CreateAccessKeyRequest(**user), metadata=metadata
            )
            for n in range(8)
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(result, BaseException) for result in results) == 2
