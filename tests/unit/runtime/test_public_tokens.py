"""What runtime tells auth about a client of its public listener."""

from typing import Any

import pytest
from craton.auth.v1 import token_service_pb2
from craton.common.v1 import principal_pb2

from services.chassis.context import CallContext, enter_call
from services.runtime.servicer import PublicTokenServicer


class _Channel:
    """Keeps the requests that would go to auth."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def unary_unary(self, method: str, *_arguments: Any, **_keywords: Any) -> Any:
        async def call(request: Any) -> Any:
            self.sent.append(
                (method, token_service_pb2.GetTokenRequest.FromString(request.SerializeToString()))
            )
            return token_service_pb2.GetTokenResponse(token="t")

        return call


class _Context:
    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (
            ("user-agent", "grpc-go/1.80"),
            ("x-forwarded-for", "192.0.2.66"),
            ("forwarded", "for=192.0.2.66"),
        )


@pytest.mark.parametrize(
    "claimed",
    [
        None,
        principal_pb2.AuditContext(
            source_ip="192.0.2.66", tls_cipher="forged", endpoint="forged", region="x"
        ),
    ],
)
async def test_a_client_is_described_by_its_connection_alone(claimed: Any) -> None:
    channel = _Channel()
    enter_call(CallContext("/m", "r", "c", None, peer="ipv6:%5B2001:db8::7%5D:4711"))
    request = token_service_pb2.GetTokenRequest(audience="runtime", audit_context=claimed)
    request.signed_request.access_key_id = "AKIA"
    await PublicTokenServicer(channel).GetToken(request, _Context())
    [(method, sent)] = channel.sent
    assert method == "/craton.auth.v1.TokenService/GetToken"
    assert sent.signed_request.access_key_id == "AKIA"
    assert sent.audience == "runtime"
    assert sent.audit_context == principal_pb2.AuditContext(
        source_ip="2001:db8::7", user_agent="grpc-go/1.80", tls_version="TLSv1.3"
    )
