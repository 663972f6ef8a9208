"""Refusals: AWS's own code, status and text, and what of them is recorded."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials
from tests.fakes.edge_upstreams import KEY_ID, SECRET
from tests.fakes.raw_client import read_response

INVOKE = "/model/craton.tiny-text-v1/invoke"


def _with(
    key_id: str = KEY_ID, secret: str = SECRET, region: str = "us-east-1", service: str = "bedrock"
) -> Any:
    return SigningCredentials(key_id, SecretBytes(secret.encode()), region, service)


@pytest.mark.parametrize(
    ("options", "code", "status", "text"),
    [
        (
            {"credentials": _with(secret="x" * 40)},
            "InvalidSignatureException",
            403,
            "does not match the signature",
        ),
        (
            {"credentials": _with(key_id="AKIAIOSFODNN7EXAMPLE")},
            "UnrecognizedClientException",
            403,
            "The security token included in the request is invalid.",
        ),
        (
            {"credentials": _with(region="mars-north-1")},
            "InvalidSignatureException",
            403,
            "Credential should be scoped to a valid region.",
        ),
        (
            {"credentials": _with(service="s3")},
            "InvalidSignatureException",
            403,
            "Credential should be scoped to correct service: 'bedrock'.",
        ),
        ({"now": datetime(2020, 1, 1, tzinfo=UTC)}, "InvalidSignatureException", 403, "Signature expired"),
        (
            {"now": datetime.now(UTC) + timedelta(hours=1)},
            "InvalidSignatureException",
            403,
            "Signature not yet current",
        ),
        (
            {"headers": {"x-amz-security-token": "t"}},
            "UnrecognizedClientException",
            403,
            "The security token included in the request is invalid.",
        ),
        ({"x_amz_security_token": "t"}, "InvalidSignatureException", 403, "SignedHeader"),
        ({"x_amzn_bedrock_trace": "ENABLED"}, "InvalidSignatureException", 403, "SignedHeader"),
    ],
)
async def test_credentials(raw: Any, stack: Any, options: Any, code: str, status: int, text: str) -> None:
    for _ in range(2):
        response = await raw.request("POST", INVOKE, b"{}", **options)
        assert (response.code, response.status) == (code, status)
        assert text in response.message
        assert response.headers["x-amzn-requestid"]
    assert not stack.runtime.requests
    assert {phase for phase, _, _, _ in stack.recorder.events} == {"summary"}


async def test_without_credentials(raw: Any, stack: Any) -> None:
    head = b"POST " + INVOKE.encode() + b" HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n"
    response = await raw.send(head + b"\r\n")
    assert (response.code, response.status) == ("MissingAuthenticationTokenException", 403)
    response = await raw.send(head + b"authorization: Bearer abc\r\n\r\n")
    assert (response.code, response.status) == ("AccessDeniedException", 403)
    response = await raw.send(head + b"authorization: AWS4-HMAC-SHA256 Credential=x\r\n\r\n")
    assert (response.code, response.status) == ("IncompleteSignatureException", 400)
    assert not stack.auth.requests


async def test_a_changed_body_is_refused(raw: Any, stack: Any) -> None:
    response = await raw.send(raw.signed("POST", INVOKE, b'{"a":1}') + b'{"a":2}')
    assert response.code == "InvalidSignatureException"
    assert not stack.runtime.requests


async def test_a_known_key_is_verified_without_auth(raw: Any, stack: Any) -> None:
    for number in range(5):
        response = await raw.request("POST", INVOKE, b'{"n":%d}' % number)
        assert response.status == 200
    assert len(stack.auth.requests) == 1
    wrong = await raw.request("POST", INVOKE, b"{}", credentials=_with(secret="x" * 40))
    assert wrong.code == "InvalidSignatureException"
    assert len(stack.auth.requests) == 1


async def test_a_revoked_key_ends_with_its_lease(raw: Any, stack: Any) -> None:
    stack.auth.lease_ms = 300
    assert (await raw.request("POST", INVOKE, b"{}")).status == 200
    stack.auth.disabled = True
    await asyncio.sleep(0.4)
    assert (await raw.request("POST", INVOKE, b'{"n":2}')).code == "UnrecognizedClientException"


async def test_tokens_are_bound_to_what_the_client_is(raw: Any, stack: Any) -> None:
    for agent in ("one", "two", "one"):
        await raw.request("POST", INVOKE, b'{"a":"%s"}' % agent.encode(), user_agent=agent)
    assert [request.audit_context.user_agent for request in stack.auth.requests] == ["one", "two"]
    tokens = [metadata["authorization"] for _, metadata in stack.runtime.requests]
    assert tokens[0] == tokens[2] != tokens[1]


async def test_concurrent_first_requests_ask_auth_once(raw: Any, stack: Any) -> None:
    responses = await asyncio.gather(
        *(raw.request("POST", INVOKE, b'{"n":%d}' % number) for number in range(20))
    )
    assert {response.status for response in responses} == {200}
    assert len(stack.auth.requests) == 1


@pytest.mark.parametrize(
    ("path", "code", "status"),
    [
        ("/", "UnknownOperationException", 404),
        ("/nothing/here", "UnknownOperationException", 404),
        ("/model/a%20b/invoke", "ValidationException", 400),
        ("/model/" + "a" * 3000 + "/invoke", "ValidationException", 400),
    ],
)
async def test_paths(raw: Any, path: str, code: str, status: int) -> None:
    response = await raw.request("POST", path, b"{}")
    assert (response.code, response.status) == (code, status)
    assert response.message


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"x-amzn-bedrock-guardrailidentifier": "g"}, "guardrail"),
        ({"x-amzn-bedrock-performanceconfig-latency": "optimized"}, "Latency"),
        ({"x-amzn-bedrock-service-tier": "priority"}, "tier"),
    ],
)
async def test_what_is_not_offered_is_not_ignored(raw: Any, stack: Any, headers: Any, text: str) -> None:
    response = await raw.request("POST", INVOKE, b"{}", headers=headers)
    assert response.code == "ValidationException"
    assert text in response.message
    assert not stack.runtime.requests


async def test_unsigned_accept_is_not_believed(raw: Any, stack: Any) -> None:
    await raw.request("POST", INVOKE, b"{}", accept="text/evil")
    assert stack.runtime.requests[0][0].accept == "application/json"
    await raw.request("POST", INVOKE, b"{}", headers={"accept": "text/plain"})
    assert stack.runtime.requests[1][0].accept == "text/plain"


@pytest.mark.parametrize(
    ("reason", "code", "status"),
    [
        (ErrorReason.ERROR_REASON_ACCESS_DENIED, "AccessDeniedException", 403),
        (ErrorReason.ERROR_REASON_MODEL_ACCESS_DENIED, "AccessDeniedException", 403),
        (ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, "ValidationException", 400),
        (ErrorReason.ERROR_REASON_INVALID_MODEL_BODY, "ValidationException", 400),
        (ErrorReason.ERROR_REASON_THROTTLED, "ThrottlingException", 429),
        (ErrorReason.ERROR_REASON_MODEL_NOT_READY, "ModelNotReadyException", 429),
        (ErrorReason.ERROR_REASON_MODEL_TIMEOUT, "ModelTimeoutException", 408),
        (ErrorReason.ERROR_REASON_MODEL_ERROR, "ModelErrorException", 424),
        (ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "ServiceUnavailableException", 503),
        (ErrorReason.ERROR_REASON_INTERNAL, "InternalServerException", 500),
    ],
)
async def test_refusals_of_runtime(raw: Any, stack: Any, reason: int, code: str, status: int) -> None:
    stack.runtime.fail = DomainError(reason, "runtime says so")
    for operation in ("invoke", "invoke-with-response-stream"):
        response = await raw.request("POST", f"/model/craton.tiny-text-v1/{operation}", b"{}")
        assert (response.code, response.status) == (code, status)
        assert json.loads(response.body)["message"]
        assert stack.recorder.events[-1][0] == "outcome"
        assert stack.recorder.events[-1][3] == ErrorReason.Name(reason).removeprefix("ERROR_REASON_")


@pytest.mark.parametrize("phase", ["intent", "outcome"])
async def test_no_audit_means_no_answer(raw: Any, stack: Any, phase: str) -> None:
    stack.recorder.refuse[phase] = DomainError(ErrorReason.ERROR_REASON_AUDIT_UNAVAILABLE, "spool is full")
    response = await raw.request("POST", INVOKE, b'{"answer":"secret"}')
    assert (response.code, response.status) == ("ServiceUnavailableException", 503)
    assert b"secret" not in response.body
    assert len(stack.runtime.requests) == (0 if phase == "intent" else 1)


async def test_requests_on_one_connection(raw: Any) -> None:
    reader, writer = await raw.connect()
    bodies = [b'{"n":%d}' % number for number in range(4)]
    # Two at once: the second waits for the first.
    writer.write(b"".join(raw.signed("POST", INVOKE, body) + body for body in bodies[:2]))
    for body in bodies[:2]:
        assert (await read_response(reader)).body == body
    for body in bodies[2:]:
        writer.write(raw.signed("POST", INVOKE, body) + body)
        assert (await read_response(reader)).body == body
    writer.close()
