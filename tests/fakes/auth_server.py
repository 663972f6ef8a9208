"""A small auth service over real mTLS: publishes token keys and leases the policies a test gives it.

For tests of services that enforce policies. It mints what it is asked to; the real service does not.
"""

import json
from pathlib import Path
from typing import Any

from craton.auth.v1 import (
    authorization_service_pb2,
    authorization_service_pb2_grpc,
    resource_policy_service_pb2,
    resource_policy_service_pb2_grpc,
    token_service_pb2,
    token_service_pb2_grpc,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.clock import SystemClock
from services.chassis.context import current_call
from services.chassis.principal import ClientContext, PrincipalClaims
from services.chassis.randomness import SystemRandomness, random_uuid
from services.chassis.server import Server
from services.chassis.settings import ServerSettings, TelemetrySettings
from services.chassis.tokens import SigningKey, TokenVerifier, mint
from tests.fakes.workloads import Workloads

_METHODS = (
    "/craton.auth.v1.TokenService/GetToken",
    "/craton.auth.v1.TokenService/ExchangeToken",
    "/craton.auth.v1.TokenService/GetTokenKeys",
    "/craton.auth.v1.AuthorizationService/GetAuthorizationLease",
    "/craton.auth.v1.AuthorizationService/ConfirmRevocations",
    "/craton.auth.v1.ResourcePolicyService/GetResourceLease",
    "/craton.auth.v1.ResourcePolicyService/BindPrincipals",
    "/craton.auth.v1.ResourcePolicyService/TellPrincipals",
)
ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class UnrecordedCalls:
    """An AuditRecorder that keeps nothing: the calls of a fake are nobody's evidence."""

    async def intent(self, call: Any, method: Any) -> None:
        """Keep nothing."""

    async def outcome(self, call: Any, method: Any, status: str, reason: str) -> None:
        """Keep nothing."""

    def summarise(self, call: Any, method: Any, status: str, reason: str) -> None:
        """Keep nothing."""


def user_id(user: str) -> str:
    """Return the stable id of a user: whoever has the name has the id here."""
    return f"AIDA{user.upper():0>17}"


class FakeAuth(
    token_service_pb2_grpc.TokenServiceServicer,
    authorization_service_pb2_grpc.AuthorizationServiceServicer,
    resource_policy_service_pb2_grpc.ResourcePolicyServiceServicer,
):
    """Principals are created by naming them in `token`; policies are set in `policies` by ARN."""

    def __init__(self, folder: Path, workloads: Workloads, callers: list[str]) -> None:
        self.policies: dict[str, list[dict[str, Any]]] = {}
        self.leases = 0
        self.controls: dict[str, list[list[str]]] = {}
        """Resource control policies by account, level by level, canonical."""
        self._named: dict[str, str] = {}
        self._key = SigningKey("test-key", Ed25519PrivateKey.generate())
        self._clock = SystemClock()
        file = folder / "auth-callers.toml"
        listed = dict.fromkeys((*_METHODS, "/grpc.health.v1.Health/Check"), callers)
        file.write_text("".join(f"{json.dumps(name)} = {json.dumps(to)}\n" for name, to in listed.items()))
        self.server = Server(
            ServerSettings("auth", "127.0.0.1:0", "", drain_s=0.2),
            workloads.tls("service/auth"),
            callers=file,
            events={method: AuditedMethod("fake", method, Recording.READ) for method in _METHODS},
            clock=self._clock,
            randomness=SystemRandomness(),
            recorder=UnrecordedCalls(),
            tokens=TokenVerifier(None, self, self._clock),
            telemetry=TelemetrySettings(),
        )
        self.server.add(token_service_pb2_grpc.add_TokenServiceServicer_to_server, self)
        self.server.add(authorization_service_pb2_grpc.add_AuthorizationServiceServicer_to_server, self)
        self.server.add(resource_policy_service_pb2_grpc.add_ResourcePolicyServiceServicer_to_server, self)

    async def find(self, key_id: str) -> Any:
        """Be the token key source of this very server."""
        return self._key.private_key.public_key() if key_id == self._key.key_id else None

    def token(
        self, user: str, account: str = "123456789012", region: str = "us-east-1", **changes: Any
    ) -> str:
        """Mint a token for a user, for one audience; `changes` replace claims."""
        now = int(self._clock.now().timestamp())
        claims = {
            "account_id": account,
            "account_incarnation": f"incarnation-of-{account}",
            "arn": f"arn:aws:iam::{account}:user/{user}",
            "principal_id": user_id(user),
            "access_key_id": f"AKIA{user.upper()}",
            "root": False,
            "policy_epoch": 1,
            "region": region,
            "audience": "kms",
            "token_id": random_uuid(SystemRandomness()),
            "issued_at": now,
            "expires_at": now + 60,
            "client": ClientContext("192.0.2.1", "test", "TLSv1.3", "TLS_AES_256_GCM_SHA384", "localhost"),
        }
        return mint(PrincipalClaims(**{**claims, **changes}), self._key)

    async def GetTokenKeys(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Publish the one key."""
        key = token_service_pb2.TokenKey(
            key_id=self._key.key_id, public_key=self._key.private_key.public_key().public_bytes_raw()
        )
        return token_service_pb2.GetTokenKeysResponse(keys=[key])

    async def ConfirmRevocations(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Nothing is ever revoked here."""
        return authorization_service_pb2.ConfirmRevocationsResponse()

    async def GetAuthorizationLease(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Lease what `policies` says about the token's principal."""
        self.leases += 1
        principal = current_call().principal
        documents = [json.dumps(document) for document in self.policies.get(principal.arn, [])]
        response = authorization_service_pb2.GetAuthorizationLeaseResponse(
            identity_policies=documents, epoch=1, digest=f"{self.leases}"
        )
        response.lease.FromMilliseconds(5_000)
        return response

    async def GetResourceLease(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Lease what `controls` says about the account."""
        self.leases += 1
        response = resource_policy_service_pb2.GetResourceLeaseResponse(
            account_incarnation=f"incarnation-of-{request.account_id}", epoch=1, digest=f"{self.leases}"
        )
        for documents in self.controls.get(request.account_id, []):
            response.resource_control_levels.add(documents=documents)
        response.lease.FromMilliseconds(5_000)
        return response

    async def BindPrincipals(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Bind users by their names; there are all but "nobody"."""
        return resource_policy_service_pb2.BindPrincipalsResponse(bound=map(self._bound, request.names))

    def _bound(self, name: str) -> str:
        _, found, user = name.partition(":user/")
        if not found:
            return name
        if user == "nobody":
            return ""
        self._named[user_id(user)] = name
        return user_id(user)

    async def TellPrincipals(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Tell who was bound before."""
        return resource_policy_service_pb2.TellPrincipalsResponse(
            principals=[
                resource_policy_service_pb2.NamedPrincipal(unique_id=each, arn=self._named[each])
                for each in request.unique_ids
                if each in self._named
            ]
        )
