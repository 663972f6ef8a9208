"""What AWS's two signers make is verified; and every change of what they signed is refused.

botocore on random requests is in tests/unit/chassis/test_sigv4.py and in the campaign sigv4.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from unittest.mock import patch

import pytest
from awscrt.auth import (
    AwsCredentialsProvider,
    AwsSignatureType,
    AwsSignedBodyHeaderType,
    AwsSignedBodyValue,
    AwsSigningAlgorithm,
    AwsSigningConfig,
    aws_sign_request,
)
from awscrt.http import HttpHeaders, HttpRequest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from services.chassis import sigv4
from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.edge.domain.admission import admit, signed_fields, string_to_sign

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
HOST = "localhost:8443"
REGIONS = frozenset({"us-east-1"})
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BODY = b'{"inputText":"hi"}'
HEADERS = {
    "Host": HOST,
    "Content-Type": "application/json",
    "X-Amzn-Bedrock-Trace": "ENABLED",
    "User-Agent": "test",
}


@dataclass(frozen=True)
class Signed:
    """A request on the wire."""

    method: bytes
    path: bytes
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: bytes) -> bytes:
        return next(value for each, value in self.headers if each == name)

    def with_header(self, name: bytes, value: bytes | None) -> "Signed":
        kept = tuple(pair for pair in self.headers if pair[0] != name)
        return replace(self, headers=kept if value is None else (*kept, (name, value)))


def accepted(request: Signed) -> bool:
    """Do what the edge does before an operation, with auth's derivation of the key."""
    fields = sigv4.header_fields(request.headers)
    try:
        sigv4.refuse_other_forms(request.query, fields)
        admitted = admit(fields, REGIONS, NOW)
        scope = admitted.authorization.credential
        if scope.access_key_id != KEY_ID:
            return False
        key = sigv4.derive_signing_key(SecretBytes(SECRET.encode()), scope.date, scope.region, scope.service)
        payload = sha256(request.body).hexdigest().encode()
        to_sign = string_to_sign(
            admitted, request.method.decode("latin-1"), request.path, request.query, fields, payload
        )
        sigv4.verify(key, to_sign, admitted.signature)
    except DomainError:
        return False
    assert set(signed_fields(admitted, fields)) == set(admitted.authorization.signed_headers)
    return True


def _wire(method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Signed:
    path, _, query = target.partition("?")
    pairs = tuple((name.lower().encode(), value.encode()) for name, value in headers)
    return Signed(method.encode(), path.encode(), query.encode(), pairs, body)


def by_botocore(method: str, target: str, body: bytes) -> Signed:
    request = AWSRequest(method=method, url=f"https://{HOST}{target}", data=body, headers=dict(HEADERS))
    with patch("botocore.auth.get_current_datetime", lambda: NOW):
        SigV4Auth(Credentials(KEY_ID, SECRET), "bedrock", "us-east-1").add_auth(request)
    return _wire(method, target, list(request.headers.items()), body)


def by_awscrt(
    method: str,
    target: str,
    body: bytes,
    signed_body: str | None = None,
    kind: AwsSignatureType = AwsSignatureType.HTTP_REQUEST_HEADERS,
    header: AwsSignedBodyHeaderType = AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
) -> Signed:
    request = HttpRequest(method, target, HttpHeaders(list(HEADERS.items())), io.BytesIO(body))
    config = AwsSigningConfig(
        algorithm=AwsSigningAlgorithm.V4,
        signature_type=kind,
        credentials_provider=AwsCredentialsProvider.new_static(KEY_ID, SECRET),
        region="us-east-1",
        service="bedrock",
        date=NOW,
        signed_body_value=signed_body,
        signed_body_header_type=header,
    )
    aws_sign_request(request, config).result(10)
    return _wire(method, request.path, list(request.headers), body)


SIGNERS = [by_botocore, by_awscrt]
TARGETS = [
    ("POST", "/model/craton.tiny-text-v1/invoke", BODY),
    ("POST", "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Fx.y/invoke", BODY),
    ("GET", "/foundation-models", b""),
    ("GET", "/foundation-models?byProvider=a%20b&byOutputModality=TEXT&z=%C3%A9~", b""),
]
Signer = Callable[[str, str, bytes], Signed]


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize(("method", "target", "body"), TARGETS)
def test_both_signers_are_verified(signer: Signer, method: str, target: str, body: bytes) -> None:
    assert accepted(signer(method, target, body))


def test_awscrt_without_a_header_of_the_bodys_hash() -> None:
    assert accepted(by_awscrt(*TARGETS[0], header=AwsSignedBodyHeaderType.NONE))


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize(("method", "target", "body"), TARGETS)
def test_every_byte_of_the_request_line_counts(signer: Signer, method: str, target: str, body: bytes) -> None:
    request = signer(method, target, body)
    for part in ("method", "path", "query"):
        text: bytes = getattr(request, part)
        for at in range(len(text)):
            changed = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
            assert not accepted(replace(request, **{part: changed})), (part, at)
            shorter = text[:at] + text[at + 1 :]
            # An & at the end, or one that doubles, separates nothing.
            assert not accepted(replace(request, **{part: shorter})), (part, at)


@pytest.mark.parametrize("signer", SIGNERS)
def test_every_byte_of_every_signed_header_and_of_the_body_counts(signer: Signer) -> None:
    request = signer(*TARGETS[0])
    authorization, _ = sigv4.parse_authorization(request.header(b"authorization"))
    assert {b"host", b"x-amz-date", b"x-amzn-bedrock-trace"} <= set(authorization.signed_headers)
    for name in (*authorization.signed_headers, b"authorization"):
        value = request.header(name)
        for at in range(len(value)):
            changed = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
            assert not accepted(request.with_header(name, changed)), (name, at)
        assert not accepted(request.with_header(name, None)), name
        assert not accepted(replace(request, headers=(*request.headers, (name, value)))), name
    for at in range(len(BODY)):
        assert not accepted(replace(request, body=BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]))
    assert not accepted(replace(request, body=b""))
    assert not accepted(replace(request, body=BODY + b" "))


@pytest.mark.parametrize("signer", SIGNERS)
def test_the_set_of_signed_headers_is_fixed(signer: Signer) -> None:
    request = signer(*TARGETS[0])
    header = request.header(b"authorization")
    authorization, _ = sigv4.parse_authorization(header)
    names = authorization.signed_headers
    for name in names:
        fewer = b";".join(each for each in names if each != name)
        changed = header.replace(authorization.signed_headers_line, fewer)
        assert not accepted(request.with_header(b"authorization", changed)), name
    more = b";".join(sorted((*names, b"x-extra")))
    changed = header.replace(authorization.signed_headers_line, more)
    assert not accepted(request.with_header(b"authorization", changed).with_header(b"x-extra", b"1"))


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize(
    "name", [b"x-amz-target", b"x-amz-security-token", b"x-amz-x", b"x-amzn-bedrock-guardrailidentifier"]
)
def test_a_header_that_must_be_signed_cannot_be_added(signer: Signer, name: bytes) -> None:
    request = signer(*TARGETS[0])
    assert not accepted(request.with_header(name, b"1"))
    assert accepted(request.with_header(b"x-other", b"1")), "what nobody reads may be added"


@pytest.mark.parametrize(
    "value",
    [
        AwsSignedBodyValue.UNSIGNED_PAYLOAD,
        AwsSignedBodyValue.STREAMING_AWS4_HMAC_SHA256_PAYLOAD,
        AwsSignedBodyValue.STREAMING_AWS4_HMAC_SHA256_EVENTS,
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    ],
)
def test_payloads_that_the_signature_does_not_cover_are_refused_in_words(value: str) -> None:
    request = by_awscrt(*TARGETS[0], signed_body=value)
    with pytest.raises(DomainError, match="chunked uploads") as caught:
        sigv4.refuse_other_forms(request.query, sigv4.header_fields(request.headers))
    assert caught.value.reason_name == "INCOMPLETE_SIGNATURE"


@pytest.mark.parametrize("value", [b"aws-chunked", b"AWS-Chunked", b"gzip,aws-chunked"])
def test_chunked_encoding_is_refused(value: bytes) -> None:
    with pytest.raises(DomainError, match="aws-chunked"):
        sigv4.refuse_other_forms(b"", {b"content-encoding": value})


def _presigned_by_botocore() -> Signed:
    request = AWSRequest(method="GET", url=f"https://{HOST}/foundation-models", headers={})
    SigV4QueryAuth(Credentials(KEY_ID, SECRET, "token"), "bedrock", "us-east-1", expires=60).add_auth(request)
    assert request.url is not None
    return _wire("GET", request.url.removeprefix(f"https://{HOST}"), [("host", HOST)], b"")


def _presigned_by_awscrt() -> Signed:
    kind = AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS
    return by_awscrt("GET", "/foundation-models", b"", kind=kind, header=AwsSignedBodyHeaderType.NONE)


@pytest.mark.parametrize("presign", [_presigned_by_botocore, _presigned_by_awscrt])
def test_presigned_requests_are_refused_in_words(presign: Callable[[], Signed]) -> None:
    request = presign()
    assert b"X-Amz-Signature=" in request.query
    with pytest.raises(DomainError, match="Presigned requests") as caught:
        sigv4.refuse_other_forms(request.query, sigv4.header_fields(request.headers))
    assert caught.value.reason_name == "INCOMPLETE_SIGNATURE"


@pytest.mark.parametrize(
    "query",
    [
        b"X-Amz-Security-Token=x",
        b"a=b&x-amz-signature=1",
        b"X%2DAmz%2dCredential=1",
        b"%58-Amz-Algorithm",
        b"X-Amz-Expires=1&a=b",
    ],
)
def test_credentials_in_the_query_are_found_however_they_are_written(query: bytes) -> None:
    with pytest.raises(DomainError, match="query string"):
        sigv4.refuse_other_forms(query, {})
    sigv4.refuse_other_forms(b"byProvider=X-Amz-Signature&X-Amz=1", {})
