"""Admission: what headers alone decide."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis import sigv4
from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials, sign_headers
from services.edge.domain.admission import admit, signed_fields, string_to_sign
from services.edge.domain.model import JSON_SERVICES, OWN_SERVICES, QUERY_SERVICES, SERVICES, ServiceModel
from services.edge.events import EVENTS, SERVED, audited_method, method_name, unknown_method

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
REGIONS = frozenset({"us-east-1"})
SECRET = SecretBytes(b"secret")
R = ErrorReason


def fields(
    region: str = "us-east-1", service: str = "bedrock", now: datetime = NOW, **extra: str
) -> dict[bytes, bytes]:
    credentials = SigningCredentials("AKIAIOSFODNN7EXAMPLE", SECRET, region, service)
    headers = {"host": "h", **{name.replace("_", "-"): value for name, value in extra.items()}}
    signed = sign_headers(credentials, "POST", b"/p", b"", headers, b"body", now)
    return {name.encode(): value.encode() for name, value in signed.items()}


def reason_of(headers: dict[bytes, bytes]) -> int:
    with pytest.raises(DomainError) as caught:
        admit(headers, REGIONS, NOW)
    return caught.value.reason


def test_a_good_request() -> None:
    headers = fields(x_amzn_bedrock_trace="ENABLED")
    admitted = admit(headers, REGIONS, NOW)
    assert admitted.signed_at == NOW
    to_sign = string_to_sign(admitted, "POST", b"/p", b"", headers, sha256(b"body").hexdigest().encode())
    key = sigv4.derive_signing_key(SECRET, "20260102", "us-east-1", "bedrock")
    sigv4.verify(key, to_sign, admitted.signature)
    headers[b"accept"] = b"text/evil"
    readable = signed_fields(admitted, headers)
    assert readable[b"x-amzn-bedrock-trace"] == b"ENABLED"
    assert b"accept" not in readable


def test_a_session_token_is_kept_and_not_shown() -> None:
    admitted = admit(fields(x_amz_security_token="S3cret"), REGIONS, NOW)
    assert admitted.session_token == "S3cret"
    assert "S3cret" not in repr(admitted)
    assert admit(fields(), REGIONS, NOW).session_token == ""


def test_refusals() -> None:
    assert reason_of({}) == R.ERROR_REASON_MISSING_CREDENTIALS
    assert reason_of({b"authorization": b"Basic x"}) == R.ERROR_REASON_MISSING_CREDENTIALS
    assert reason_of(fields(region="mars-1")) == R.ERROR_REASON_UNKNOWN_REGION
    assert reason_of(fields(service="s3")) == R.ERROR_REASON_SIGNATURE_MISMATCH
    assert reason_of(fields(now=NOW - timedelta(minutes=6))) == R.ERROR_REASON_SIGNATURE_EXPIRED
    assert reason_of(fields(x_amz_security_token="t" * 4097)) == R.ERROR_REASON_UNKNOWN_ACCESS_KEY
    unsigned = {**fields(), b"x-amz-security-token": b"t"}
    assert reason_of(unsigned) == R.ERROR_REASON_SIGNATURE_MISMATCH
    undated = fields()
    del undated[b"x-amz-date"]
    assert reason_of(undated) == R.ERROR_REASON_INCOMPLETE_SIGNATURE


@pytest.mark.parametrize(
    "name",
    [b"x-amz-target", b"x-amzn-bedrock-guardrailidentifier", b"x-amz-content-sha256", b"x-craton-receipt"],
)
def test_headers_that_mean_something_must_be_signed(name: bytes) -> None:
    assert reason_of({**fields(), name: b"x"}) == R.ERROR_REASON_SIGNATURE_MISMATCH


def test_tracing_headers_may_be_unsigned() -> None:
    admit({**fields(), b"x-amzn-trace-id": b"Root=1"}, REGIONS, NOW)


def test_the_scope_names_the_service_that_is_asked() -> None:
    admit(fields(service="iam"), REGIONS, NOW, ("iam",))
    for asked in (("sts",), ("bedrock",), ()):
        with pytest.raises(DomainError) as caught:
            admit(fields(service="iam"), REGIONS, NOW, asked)
        assert caught.value.reason == R.ERROR_REASON_SIGNATURE_MISMATCH


def test_every_served_operation_is_described() -> None:
    names = (*SERVICES, *OWN_SERVICES, *QUERY_SERVICES, *JSON_SERVICES)
    models = {name: ServiceModel.load(name) for name in names}
    assert {method_name(*key) for key in SERVED} < set(EVENTS)
    for (service, name), served in SERVED.items():
        operation = models[service].operations[name]
        assert audited_method(operation) == served.audited == EVENTS[method_name(service, name)]
        assert served.audited.event_name == name


def test_event_sources() -> None:
    assert {served.audited.event_source for (service, _), served in SERVED.items() if service == "iam"} == {
        "iam.amazonaws.com"
    }
    assert EVENTS["edge:sts.GetCallerIdentity"].event_source == "sts.amazonaws.com"
    assert EVENTS["edge:InvokeModel"].event_source == "bedrock.amazonaws.com"
    assert EVENTS["edge:iam.UnknownOperation"] == unknown_method("iam")
