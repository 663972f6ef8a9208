"""Proofs of the audit log by unmodified boto3, over an edge whose audit says what a test tells it."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from craton.audit.v1 import log_service_pb2 as pb
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.kms.v1.receipt_key_service_pb2 import GetReceiptAuthorityResponse

from services.chassis.errors import DomainError
from services.chassis.sigv4_signer import SigningCredentials
from tests.fakes.edge_upstreams import API_KEY
from tests.fakes.raw_client import RawClient

EVENT = "0f6c2f6e-1d2a-4b7e-9c3d-5a6b7c8d9e0f"
PATH = f"/craton/log/events/{EVENT}/proof"
PROOF = pb.GetEventProofResponse(entry=b"entry", event=b"event", salt=b"salt", proof="— proof\n".encode())


def asked(stack: Any) -> Any:
    """What audit was asked last, by a token for it."""
    request, metadata = stack.audit.requests[-1]
    assert metadata["authorization"].startswith("Bearer token-audit-")
    return request


def refused(error: ClientError) -> tuple[str, int]:
    return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]


def signing(raw: RawClient, service: str) -> SigningCredentials:
    """The client's key, to sign for a service."""
    return replace(raw.credentials, service=service)


async def test_an_event_is_proved(stack: Any) -> None:
    client = stack.client("craton-audit")
    stack.audit.answers["GetEventProof"] = PROOF
    answer = await stack.call(client, "get_event_proof", eventId=EVENT.upper())
    assert (answer["entry"], answer["event"], answer["salt"]) == (b"entry", b"event", b"salt")
    assert answer["proof"] == "— proof\n"
    assert asked(stack).event_id == EVENT
    assert stack.recorder.events[-1] == ("outcome", "GetEventProof", "OK", "")
    assert stack.recorder.calls[-1].resources == [f"events/{EVENT}"]


async def test_the_answers_body_is_a_file_that_is_verified(stack: Any, raw: Any) -> None:
    stack.audit.answers["GetEventProof"] = PROOF
    answer = await raw.request("GET", PATH, credentials=signing(raw, "cloudtrail"))
    members = json.loads(answer.body)
    assert set(members) == {"entry", "event", "salt", "proof"}
    assert base64.b64decode(members["salt"]) == b"salt"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, ("ResourceNotFoundException", 404)),
        (ErrorReason.ERROR_REASON_RESOURCE_STATE, ("ConflictException", 400)),
        (ErrorReason.ERROR_REASON_ACCESS_DENIED, ("AccessDeniedException", 403)),
        (ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, ("ServiceUnavailableException", 503)),
        (ErrorReason.ERROR_REASON_INTERNAL, ("InternalServerException", 500)),
    ],
)
async def test_refusals(stack: Any, reason: Any, expected: tuple[str, int]) -> None:
    stack.audit.answers["GetEventProof"] = DomainError(reason, "why")
    with pytest.raises(ClientError) as caught:
        await stack.call(stack.client("craton-audit"), "get_event_proof", eventId=EVENT)
    assert refused(caught.value) == expected


async def test_checkpoint_and_growth(stack: Any) -> None:
    client = stack.client("craton-audit")
    stack.audit.answers["GetCheckpoint"] = pb.GetCheckpointResponse(
        verifier_key="log", checkpoint="— note\n".encode(), witness_keys=["one", "two"]
    )
    found = await stack.call(client, "get_checkpoint")
    assert (found["checkpoint"], found["verifierKey"]) == ("— note\n", "log")
    assert found["witnessKeys"] == ["one", "two"]
    stack.audit.answers["GetConsistencyProof"] = pb.GetConsistencyProofResponse(hashes=[b"a" * 32, b"b" * 32])
    proved = await stack.call(client, "get_consistency_proof", firstSize=3, secondSize=2**40)
    assert proved["hashes"] == [b"a" * 32, b"b" * 32]
    assert (asked(stack).first_size, asked(stack).second_size) == (3, 2**40)
    stack.audit.answers["GetConsistencyProof"] = DomainError(
        ErrorReason.ERROR_REASON_INVALID_FIELD, "second_size: it is at most the log's"
    )
    with pytest.raises(ClientError) as caught:
        await stack.call(client, "get_consistency_proof", firstSize=3, secondSize=2)
    assert refused(caught.value) == ("ValidationException", 400)


async def test_what_is_no_event_is_not_asked_for(stack: Any, raw: Any) -> None:
    for path in ("/craton/log/events/1/proof", f"/craton/log/events/{EVENT}x/proof"):
        assert (await raw.request("GET", path, credentials=signing(raw, "cloudtrail"))).status == 400
    for path in ("/craton/log/events", "/craton/log/files/checkpoint", f"{PATH}/"):
        answer = await raw.request("GET", path, credentials=signing(raw, "cloudtrail"))
        assert (answer.status, answer.code) == (404, "UnknownOperationException")
    assert not stack.audit.requests


async def test_only_what_is_signed_for_cloudtrail_counts(stack: Any, raw: Any) -> None:
    """What shows records is signed so. API keys are for bedrock, and here no credentials at all."""
    stack.audit.answers["GetEventProof"] = PROOF
    for service in ("bedrock", "kms"):
        answer = await raw.request("GET", PATH, credentials=signing(raw, service))
        assert answer.status == 403
    head = f"GET {PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {API_KEY}\r\n\r\n"
    answer = await raw.send(head.encode())
    assert (answer.status, answer.code) == (403, "MissingAuthenticationTokenException")
    assert not stack.audit.requests


async def test_the_authority_of_receipts(stack: Any) -> None:
    stack.kms.answers["GetReceiptAuthority"] = GetReceiptAuthorityResponse(verifier_key="authority")
    found = await stack.call(stack.client("craton-runtime"), "get_receipt_authority")
    assert found["verifierKey"] == "authority"
    [(_, metadata)] = stack.kms.requests
    assert metadata["authorization"].startswith("Bearer token-kms-")
