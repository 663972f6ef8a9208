"""What callers of auth do: the command line, edge, enforcement points."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from craton.auth.v1 import (
    access_key_service_pb2_grpc,
    account_purge_service_pb2_grpc,
    account_service_pb2_grpc,
    authentication_service_pb2,
    authentication_service_pb2_grpc,
    authorization_service_pb2_grpc,
    bootstrap_service_pb2,
    bootstrap_service_pb2_grpc,
    group_service_pb2_grpc,
    managed_policy_service_pb2_grpc,
    model_access_service_pb2_grpc,
    organization_policy_service_pb2_grpc,
    organization_service_pb2_grpc,
    passed_role_service_pb2_grpc,
    policy_service_pb2_grpc,
    resources_pb2,
    role_service_pb2_grpc,
    session_service_pb2_grpc,
    token_service_pb2,
    token_service_pb2_grpc,
    user_service_pb2_grpc,
)
from craton.common.v1 import principal_pb2
from grpc_health.v1 import health_pb2_grpc

from services.chassis.channels import Channel
from services.chassis.rich_status import from_rpc_error
from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SignedString, SigningCredentials, sign_token_request

ACCOUNT = "123456789012"
BOOTSTRAP_TOKEN = "b" * 43


@dataclass(frozen=True)
class Credential:
    """An access key as its owner holds it."""

    access_key_id: str
    secret: str

    def signer(self, region: str = "us-east-1", service: str = "bedrock") -> SigningCredentials:
        return SigningCredentials(self.access_key_id, SecretBytes(self.secret.encode()), region, service)


class Client:
    """Stubs of one workload, and what edge and the command line do with them."""

    def __init__(self, channel: Channel) -> None:
        self.authentication = authentication_service_pb2_grpc.AuthenticationServiceStub(channel)
        self.authorization = authorization_service_pb2_grpc.AuthorizationServiceStub(channel)
        self.tokens = token_service_pb2_grpc.TokenServiceStub(channel)
        self.bootstraps = bootstrap_service_pb2_grpc.BootstrapServiceStub(channel)
        self.accounts = account_service_pb2_grpc.AccountServiceStub(channel)
        self.purges = account_purge_service_pb2_grpc.AccountPurgeServiceStub(channel)
        self.users = user_service_pb2_grpc.UserServiceStub(channel)
        self.keys = access_key_service_pb2_grpc.AccessKeyServiceStub(channel)
        self.policies = policy_service_pb2_grpc.PolicyServiceStub(channel)
        self.organization = organization_service_pb2_grpc.OrganizationServiceStub(channel)
        self.controls = organization_policy_service_pb2_grpc.OrganizationPolicyServiceStub(channel)
        self.groups = group_service_pb2_grpc.GroupServiceStub(channel)
        self.managed = managed_policy_service_pb2_grpc.ManagedPolicyServiceStub(channel)
        self.roles = role_service_pb2_grpc.RoleServiceStub(channel)
        self.sessions = session_service_pb2_grpc.SessionServiceStub(channel)
        self.passed = passed_role_service_pb2_grpc.PassedRoleServiceStub(channel)
        self.health = health_pb2_grpc.HealthStub(channel)
        self.models = model_access_service_pb2_grpc.ModelAccessServiceStub(channel)

    async def bootstrap(self, token: str = BOOTSTRAP_TOKEN, user: str = "admin") -> Any:
        return await self.bootstraps.Bootstrap(
            bootstrap_service_pb2.BootstrapRequest(
                bootstrap_token=token, account_id=ACCOUNT, display_name="first", user_name=user
            )
        )

    async def token(self, credential: Credential, audience: str = "auth") -> str:
        """Get a token as the command line does."""
        try:
            return await self._token(credential, audience)
        except grpc.aio.AioRpcError as error:
            # Equal requests of one second carry one signature, and on a slow machine the second may come too
            # late for it.
            if from_rpc_error(error, "auth").reason_name != "SIGNATURE_REPLAYED":
                raise
            return await self._token(credential, audience)

    async def _token(self, credential: Credential, audience: str) -> str:
        signed = sign_token_request(credential.signer(), "auth.craton.internal", audience, datetime.now(UTC))
        response = await self.tokens.GetToken(
            token_service_pb2.GetTokenRequest(signed_request=signed_request(signed), audience=audience)
        )
        return str(response.token)

    async def authenticate(
        self,
        credential: Credential,
        audience: str = "runtime",
        *,
        region: str = "us-east-1",
        service: str = "bedrock",
        at: datetime | None = None,
        signature: bytes | None = None,
        instance_id: str = "",
    ) -> Any:
        """Authenticate a signed request as edge does; with its `instance_id`, as one that takes leases."""
        signed = sign_token_request(
            credential.signer(region, service), "localhost:8443", "body", at or datetime.now(UTC)
        )
        request = signed_request(signed)
        if signature is not None:
            request.signature = signature
        return await self.authentication.AuthenticateSignature(
            authentication_service_pb2.AuthenticateSignatureRequest(
                signed_request=request,
                audience=audience,
                instance_id=instance_id,
                audit_context=principal_pb2.AuditContext(
                    source_ip="192.0.2.7", user_agent="test", tls_version="TLSv1.3", region=region
                ),
            )
        )


def signed_request(signed: SignedString) -> resources_pb2.SignedRequest:
    credential = signed.credential
    return resources_pb2.SignedRequest(
        access_key_id=credential.access_key_id,
        scope=resources_pb2.CredentialScope(
            date=credential.date, region=credential.region, service=credential.service
        ),
        string_to_sign=signed.string_to_sign.decode(),
        signature=signed.signature,
    )


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


async def refusal(call: Awaitable[Any]) -> Any:
    """Return the error with which a call was refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value, "auth")


async def reason(call: Awaitable[Any]) -> str:
    """Return the reason with which a call was refused."""
    return str((await refusal(call)).reason_name)
