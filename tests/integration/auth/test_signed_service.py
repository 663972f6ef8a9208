"""What a taken edge can make of signatures that pass through it: nothing beyond the service signed for."""

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest
from craton.auth.v1 import session_service_pb2, user_service_pb2

from services.auth.config import AuthConfig
from services.chassis.errors import DomainError
from services.chassis.server import Server
from tests.fakes.auth_client import Client, Credential, bearer, reason
from tests.fakes.workloads import Workloads
from tests.integration.auth.test_auth import make_user
from tests.integration.auth.test_enforcement import EnforcementPoint, enforcement_point


@pytest.fixture
def config(config: AuthConfig) -> AuthConfig:
    """Signatures of several services, as an installation has them."""
    return dataclasses.replace(config, signing_names=("bedrock", "iam", "sts"))


@pytest.fixture
async def point(auth: Server, workloads: Workloads) -> AsyncIterator[EnforcementPoint]:
    async with enforcement_point(auth.port, workloads) as made:
        yield made


def create_user(edge: Client, token: str) -> Any:
    return edge.users.CreateUser(
        user_service_pb2.CreateUserRequest(user_name="mallory"), metadata=bearer(token)
    )


async def test_the_signature_of_an_inference_administers_nobody(edge: Client, admin: Credential) -> None:
    taken = (await edge.authenticate(admin, "auth", service="bedrock")).token
    assert await reason(create_user(edge, taken)) == "ACCESS_DENIED"
    meant = (await edge.authenticate(admin, "auth", service="iam")).token
    assert (await create_user(edge, meant)).user.user_name == "mallory"


async def test_nor_does_it_give_credentials_that_outlive_the_theft(
    operator: Client, edge: Client, admin: Credential
) -> None:
    """GetSessionToken needs no permission, and what it gives lives for hours."""
    alice = await make_user(operator, admin, "alice")
    request = session_service_pb2.GetSessionTokenRequest()
    for service in ("bedrock", "iam"):
        taken = (await edge.authenticate(alice, "auth", service=service)).token
        assert await reason(edge.sessions.GetSessionToken(request, metadata=bearer(taken))) == "ACCESS_DENIED"
    meant = (await edge.authenticate(alice, "auth", service="sts")).token
    given = await edge.sessions.GetSessionToken(request, metadata=bearer(meant))
    assert given.credentials.access_key_id.startswith("ASIA")


async def test_every_enforcement_point_looks(
    point: EnforcementPoint, edge: Client, admin: Credential
) -> None:
    await point.invoke((await edge.authenticate(admin)).token)
    with pytest.raises(DomainError, match="not authorized"):
        await point.invoke((await edge.authenticate(admin, service="iam")).token)
