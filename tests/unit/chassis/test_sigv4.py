"""SigV4: equal to botocore's signer on random requests, and strict about everything else."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from craton.common.v1.error_reason_pb2 import ErrorReason
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis import sigv4
from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import (
    SigningCredentials,
    sign_headers,
    sign_token_request,
    token_request_string,
)

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = datetime.now(UTC).replace(microsecond=0)

_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=12)
_HEADER_VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
_SEGMENT = st.text(st.sampled_from("abzAZ09-._~%:@!$&'()*+,;= é/"), min_size=1, max_size=12)


def _encode(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="-._~")


def _verify(method: str, path: bytes, query: bytes, headers: dict[str, str], body: bytes, key: bytes) -> None:
    fields = sigv4.header_fields([(name.lower().encode(), value.encode()) for name, value in headers.items()])
    authorization, signature = sigv4.parse_authorization(fields[b"authorization"])
    payload = sha256(body).hexdigest().encode()
    canonical = sigv4.canonical_request(method.encode(), path, query, fields, authorization, payload)
    to_sign = sigv4.string_to_sign(fields[b"x-amz-date"], authorization.scope, canonical)
    sigv4.verify(key, to_sign, signature)


def _key(date: str, region: str = "eu-west-1") -> bytes:
    return sigv4.derive_signing_key(SecretBytes(SECRET.encode()), date, region, "bedrock")


@settings(deadline=None, max_examples=300)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    segments=st.lists(_SEGMENT.filter(lambda s: s not in (".", "..")), max_size=4),
    query=st.dictionaries(_TEXT.filter(bool), _TEXT, max_size=4),
    extra=st.dictionaries(st.sampled_from(["X-One", "x-two", "Content-Type", "Accept"]), _HEADER_VALUE),
    body=st.binary(max_size=64),
)
def test_verifies_what_botocore_signs(
    method: str, segments: list[str], query: dict[str, str], extra: dict[str, str], body: bytes
) -> None:
    path = "/" + "/".join(_encode(segment) for segment in segments)
    raw_query = "&".join(f"{_encode(name)}={_encode(value)}" for name, value in query.items())
    url = f"https://localhost:8443{path}" + (f"?{raw_query}" if raw_query else "")
    request = AWSRequest(method=method, url=url, data=body, headers=extra)
    SigV4Auth(Credentials(KEY_ID, SECRET), "bedrock", "eu-west-1").add_auth(request)
    headers = dict(request.headers.items()) | {"host": "localhost:8443"}
    date = headers["X-Amz-Date"][:8]
    _verify(method, path.encode(), raw_query.encode(), headers, body, _key(date))
    with pytest.raises(DomainError):
        _verify(method, path.encode(), raw_query.encode(), headers, body + b"x", _key(date))
    with pytest.raises(DomainError):
        _verify(method, path.encode() + b"x", raw_query.encode(), headers, body, _key(date))
    with pytest.raises(DomainError):
        _verify(method, path.encode(), raw_query.encode(), headers, body, _key(date, "eu-west-2"))


def test_own_signer_is_verified() -> None:
    credentials = SigningCredentials(KEY_ID, SecretBytes(SECRET.encode()), "eu-west-1")
    headers = sign_headers(credentials, "POST", b"/a%3Ab", b"x=1", {"host": "h"}, b"body", NOW)
    _verify("POST", b"/a%3Ab", b"x=1", headers, b"body", _key(headers["x-amz-date"][:8]))
    assert SECRET not in repr(credentials)


def test_token_request_can_be_rebuilt_by_the_verifier() -> None:
    credentials = SigningCredentials(KEY_ID, SecretBytes(SECRET.encode()), "eu-west-1")
    signed = sign_token_request(credentials, "localhost:9443", "runtime", NOW)
    assert token_request_string(signed.credential, "localhost:9443", "runtime", NOW) == signed.string_to_sign
    assert token_request_string(signed.credential, "localhost:9443", "auth", NOW) != signed.string_to_sign
    said = sigv4.parse_string_to_sign(signed.string_to_sign.decode())
    assert (said.signed_at, said.scope) == (NOW, signed.credential.scope)
    sigv4.verify(_key(signed.credential.date), signed.string_to_sign, signed.signature)


_GOOD = (
    f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20260102/us-east-1/bedrock/aws4_request, "
    f"SignedHeaders=host;x-amz-date, Signature={'a' * 64}"
)


def test_parses_parameters_in_any_order_and_spacing() -> None:
    shuffled = (
        f"AWS4-HMAC-SHA256 Signature={'a' * 64},SignedHeaders=host;x-amz-date,"
        f"  Credential={KEY_ID}/20260102/us-east-1/bedrock/aws4_request"
    )
    expected = sigv4.parse_authorization(_GOOD.encode())
    assert sigv4.parse_authorization(shuffled.encode()) == expected
    assert expected[0].credential == sigv4.Credential(KEY_ID, "20260102", "us-east-1", "bedrock")
    assert expected[1] == bytes.fromhex("a" * 64)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("Bearer abc", ErrorReason.ERROR_REASON_MISSING_CREDENTIALS),
        ("AWS4-HMAC-SHA256", ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE),
        (_GOOD.replace("a" * 64, "a" * 63), ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE),
        (_GOOD.replace("a" * 64, "A" * 64), ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE),
        (_GOOD.replace("/bedrock", ""), ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE),
        (_GOOD.replace("SignedHeaders=host;", "SignedHeaders="), ErrorReason.ERROR_REASON_SIGNATURE_MISMATCH),
        (_GOOD.replace("host;x-amz-date", "x-amz-date;host"), ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE),
        (_GOOD.replace("host;", "host;host;"), ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE),
        (_GOOD.replace("SignedHeaders=host;x-amz-date, ", ""), ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE),
        (_GOOD.replace("Signature", "Other=1, Signature"), ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE),
        (_GOOD.replace(", Signature", " Signature"), ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE),
        (_GOOD.replace(", Signature", "Signature"), ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE),
        (_GOOD + "," * 5000, ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE),
    ],
)
def test_refuses_malformed_headers(value: str, reason: int) -> None:
    with pytest.raises(DomainError) as caught:
        sigv4.parse_authorization(value.encode())
    assert caught.value.reason == reason
    assert "a" * 60 not in caught.value.message


@pytest.mark.parametrize("path", [b"//", b"/a//b", b"/a/./b", b"/a/..", b"/..", b"a"])
def test_refuses_paths_that_clients_normalise(path: bytes) -> None:
    with pytest.raises(DomainError):
        sigv4.canonical_path(path)


def test_path_is_encoded_once_more() -> None:
    assert sigv4.canonical_path(b"/model/a%3Ab/x") == b"/model/a%253Ab/x"
    assert sigv4.canonical_path(b"/model/a:b/.x") == b"/model/a%3Ab/.x"


@pytest.mark.parametrize(
    ("offset", "refused"), [(-301, True), (-300, False), (0, False), (300, False), (301, True)]
)
def test_skew(offset: int, refused: bool) -> None:
    now = datetime(2026, 1, 2, 12, tzinfo=UTC)
    signed_at = now + timedelta(seconds=offset)
    if refused:
        with pytest.raises(DomainError) as caught:
            sigv4.check_date(signed_at, "20260102", now)
        assert caught.value.reason == ErrorReason.ERROR_REASON_SIGNATURE_EXPIRED
    else:
        sigv4.check_date(signed_at, "20260102", now)


def test_scope_day_must_be_the_signature_day() -> None:
    now = datetime(2026, 1, 2, 12, tzinfo=UTC)
    with pytest.raises(DomainError) as caught:
        sigv4.check_date(now, "20260101", now)
    assert caught.value.reason == ErrorReason.ERROR_REASON_SIGNATURE_MISMATCH


@pytest.mark.parametrize("text", ["20260102T030405", "20260199T030405Z", "2026-01-02T03:04:05Z", ""])
def test_refuses_malformed_dates(text: str) -> None:
    with pytest.raises(DomainError):
        sigv4.parse_date(text.encode())


def test_signed_header_that_is_absent_is_a_mismatch() -> None:
    authorization, _ = sigv4.parse_authorization(_GOOD.encode())
    with pytest.raises(DomainError):
        sigv4.canonical_request(b"GET", b"/", b"", {b"host": b"h"}, authorization, sigv4.EMPTY_SHA256)


def test_repeated_headers_are_joined_and_blanks_collapse() -> None:
    fields = sigv4.header_fields([(b"a", b" 1  2 "), (b"a", b"3"), (b"b", b"x")])
    assert fields == {b"a": b"1 2,3", b"b": b"x"}


_VALUE = st.binary(max_size=6).map(lambda drawn: bytes(b"ab \t\v\f"[each % 6] for each in drawn))


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), _VALUE), max_size=4))
def test_header_fields_are_those_of_the_rule(headers: list[tuple[bytes, bytes]]) -> None:
    expected: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        expected.setdefault(name, []).append(b" ".join(value.split()))
    assert sigv4.header_fields(headers) == {name: b",".join(values) for name, values in expected.items()}


@pytest.mark.parametrize("text", ["", "a\nb\nc\nd", "AWS4-HMAC-SHA256\n20260102T030405Z\nscope\nshort"])
def test_refuses_malformed_strings_to_sign(text: str) -> None:
    with pytest.raises(DomainError):
        sigv4.parse_string_to_sign(text)
