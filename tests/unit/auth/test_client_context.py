"""Whose word about a client becomes part of a token: the one workload's in front of it, nobody else's."""

from typing import Any

import pytest
from craton.auth.v1 import authentication_service_pb2, token_service_pb2
from craton.common.v1 import principal_pb2

from services.auth.servicer.authentication import AuthenticationServicer, TokenServicer
from services.chassis.context import CallContext, enter_call
from services.chassis.identity import WorkloadId
from services.chassis.principal import ClientContext
from services.chassis.sigv4_signer import SigningCredentials, sign_token_request
from services.chassis.tokens import TokenVerifier
from tests.fakes.auth_client import signed_request

HOST = "auth.craton.internal"
SAID = principal_pb2.AuditContext(
    source_ip="192.0.2.7", user_agent="boto3", tls_version="TLSv1.2", tls_cipher="SUITE", endpoint="said"
)


class _Context:
    """The gRPC context of a client that also tries headers."""

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("user-agent", "grpc-test"), ("x-forwarded-for", "192.0.2.66"))


def _enter(workload: str) -> None:
    kind, name = workload.split("/")
    enter_call(
        CallContext(
            method="/m",
            request_id="r",
            call_id="c",
            caller=WorkloadId("craton.local", kind, name),
            peer="ipv4:198.51.100.1:4711",
        )
    )


def _signed(auth: Any) -> Any:
    credentials = SigningCredentials(auth.key.key.access_key_id, auth.key.secret, "us-east-1")
    return signed_request(sign_token_request(credentials, HOST, "runtime", auth.clock.now()))


async def _claimed(auth: Any, token: str) -> ClientContext:
    class Keys:
        async def find(self, key_id: str) -> Any:
            return auth.keyring.public_keys().get(key_id)

    return (await TokenVerifier("runtime", Keys(), auth.clock).verify(token)).client


class _Points:
    def knows(self, point: object) -> bool:
        return False

    async def register(self, point: object) -> None:
        raise AssertionError("nobody takes a lease here")


async def _get_token(auth: Any, workload: str) -> ClientContext:
    _enter(workload)
    request = token_service_pb2.GetTokenRequest(
        signed_request=_signed(auth), audience="runtime", audit_context=SAID
    )
    servicer = TokenServicer(auth.signatures, auth.issuer, auth.keyring)
    return await _claimed(auth, (await servicer.GetToken(request, _Context())).token)


async def _authenticate(auth: Any, workload: str) -> ClientContext:
    _enter(workload)
    request = authentication_service_pb2.AuthenticateSignatureRequest(
        signed_request=_signed(auth), audience="runtime", audit_context=SAID
    )
    servicer = AuthenticationServicer(auth.signatures, auth.api_keys, auth.issuer, _Points())
    return await _claimed(auth, (await servicer.AuthenticateSignature(request, _Context())).token)


async def test_runtime_is_believed_about_clients_of_its_public_listener(auth: Any) -> None:
    assert await _get_token(auth, "service/runtime") == ClientContext(
        "192.0.2.7", "boto3", "TLSv1.2", "SUITE", HOST
    )


@pytest.mark.parametrize("workload", ["operator/admin", "service/edge", "service/kms", "pool/runtime"])
async def test_nobody_else_is_believed_about_a_token_request(auth: Any, workload: str) -> None:
    assert await _get_token(auth, workload) == ClientContext("198.51.100.1", "grpc-test", "TLSv1.3", "", HOST)


async def test_edge_is_believed_about_clients_of_its_listener(auth: Any) -> None:
    assert await _authenticate(auth, "service/edge") == ClientContext(
        "192.0.2.7", "boto3", "TLSv1.2", "SUITE", "said"
    )


@pytest.mark.parametrize("workload", ["operator/admin", "service/runtime", "pool/edge"])
async def test_nobody_else_is_believed_about_a_signature(auth: Any, workload: str) -> None:
    assert await _authenticate(auth, workload) == ClientContext(
        "198.51.100.1", "grpc-test", "TLSv1.3", "", ""
    )
