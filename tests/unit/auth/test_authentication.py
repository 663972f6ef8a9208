"""AuthenticationService: who gets a lease, and who is written down for it."""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from craton.auth.v1 import authentication_service_pb2 as pb
from craton.common.v1 import principal_pb2

from services.auth.domain.points import EnforcementPointId
from services.auth.domain.records import KeyStatus
from services.auth.servicer.authentication import AuthenticationServicer
from services.chassis import api_keys
from services.chassis.context import CallContext, enter_call
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials, sign_token_request
from tests.fakes.auth_client import signed_request
from tests.unit.auth.points import Points

INSTANCE = "0" * 32
EDGE = EnforcementPointId("edge", INSTANCE)
SAID = principal_pb2.AuditContext(source_ip="192.0.2.7")


@pytest.fixture
def points() -> Points:
    return Points()


@pytest.fixture
def servicer(auth: Any, points: Points) -> AuthenticationServicer:
    enter_call(
        CallContext(
            method="/m", request_id="r", call_id="c", caller=WorkloadId("craton.local", "service", "edge")
        )
    )
    return AuthenticationServicer(auth.signatures, auth.api_keys, auth.issuer, points)


def request(auth: Any, secret: SecretBytes | None = None, **fields: Any) -> pb.AuthenticateSignatureRequest:
    credentials = SigningCredentials(auth.key.key.access_key_id, secret or auth.key.secret, "us-east-1")
    signed = sign_token_request(credentials, "auth.craton.internal", "runtime", auth.clock.now())
    return pb.AuthenticateSignatureRequest(
        signed_request=signed_request(signed),
        audience="runtime",
        audit_context=SAID,
        **{"instance_id": INSTANCE, **fields},
    )


def bearer_request(auth: Any, secret: SecretBytes | None = None) -> pb.AuthenticateBearerTokenRequest:
    signer = SigningCredentials(auth.key.key.access_key_id, secret or auth.key.secret, "us-east-1")
    key = api_keys.presign(signer, auth.clock.now(), timedelta(hours=1)).reveal().decode()
    return pb.AuthenticateBearerTokenRequest(
        bearer_token=key, region="us-east-1", audience="runtime", audit_context=SAID, instance_id=INSTANCE
    )


async def refused(call: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.reason_name


async def test_only_who_proves_something_is_waited_for(
    auth: Any, servicer: AuthenticationServicer, points: Points
) -> None:
    wrong = SecretBytes(b"w" * 40)
    assert await refused(servicer.AuthenticateSignature(request(auth, wrong), None)) == "SIGNATURE_MISMATCH"
    assert await refused(servicer.AuthenticateBearerToken(bearer_request(auth, wrong), None)) == (
        "INVALID_API_KEY"
    )
    assert points.registered == []
    answer = await servicer.AuthenticateSignature(request(auth), None)
    assert (answer.key_lease.ToMilliseconds(), points.registered) == (4750, [EDGE])
    points.registered.clear()
    answer = await servicer.AuthenticateBearerToken(bearer_request(auth), None)
    assert (answer.lease.ToMilliseconds(), points.registered) == (4750, [EDGE])


async def test_without_an_id_there_is_no_lease(
    auth: Any, servicer: AuthenticationServicer, points: Points
) -> None:
    answer = await servicer.AuthenticateSignature(request(auth, instance_id=""), None)
    assert (answer.key_lease.ToMilliseconds(), points.registered) == (0, [])


async def test_a_signature_that_shall_be_remembered_is_used_up_after_two_seconds(
    auth: Any, servicer: AuthenticationServicer
) -> None:
    ordinary, remembered = request(auth), request(auth, remember_signature=True)
    digest = sha256(remembered.signed_request.signature).digest()
    recall = pb.RecallSignaturesRequest(signature_sha256=[digest, b"n" * 32])
    for _ in range(2):
        await servicer.AuthenticateSignature(ordinary, None)
        auth.clock.advance(3)
    assert not (await servicer.RecallSignatures(recall, None)).seen_sha256
    await servicer.AuthenticateSignature(remembered, None)
    auth.clock.advance(2)
    await servicer.AuthenticateSignature(remembered, None)
    assert not (await servicer.RecallSignatures(recall, None)).seen_sha256
    auth.clock.advance(0.1)
    assert await refused(servicer.AuthenticateSignature(remembered, None)) == "SIGNATURE_REPLAYED"
    assert list((await servicer.RecallSignatures(recall, None)).seen_sha256) == [digest]


async def test_what_does_not_verify_is_not_remembered(auth: Any, servicer: AuthenticationServicer) -> None:
    wrong = request(auth, SecretBytes(b"w" * 40), remember_signature=True)
    assert await refused(servicer.AuthenticateSignature(wrong, None)) == "SIGNATURE_MISMATCH"
    auth.clock.advance(3)
    digest = sha256(wrong.signed_request.signature).digest()
    recall = pb.RecallSignaturesRequest(signature_sha256=[digest])
    assert not (await servicer.RecallSignatures(recall, None)).seen_sha256


@pytest.mark.parametrize("made", [request, bearer_request])
async def test_what_changes_before_the_point_is_written_down_is_in_force(
    auth: Any, servicer: AuthenticationServicer, points: Points, made: Callable[[Any], Any]
) -> None:
    """Nobody waited for this point when the key was deactivated: it must not have a lease of the key."""
    asked = made(auth)
    call = servicer.AuthenticateSignature if made is request else servicer.AuthenticateBearerToken
    key_id = auth.key.key.access_key_id
    points.meanwhile = lambda: auth.directory.set_key_status(
        auth.account.account_id, "alice", key_id, KeyStatus.INACTIVE
    )
    assert await refused(call(asked, None)) in ("UNKNOWN_ACCESS_KEY", "INVALID_API_KEY")
    assert points.registered == [EDGE]
