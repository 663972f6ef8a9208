"""Which protocol a request is answered in: its head alone says so."""

import pytest

from services.edge.domain.dialect import AUDIT_JSON, REST_JSON, ROUTED, Dialects
from services.edge.domain.faults import Fault
from services.edge.domain.model import JSON_SERVICES, QUERY_SERVICES, SERVICES, ServiceModel

DIALECTS = Dialects({name: ServiceModel.load(name) for name in (*SERVICES, *QUERY_SERVICES, *JSON_SERVICES)})


def signed(service: str, key: str = "AKIAIOSFODNN7EXAMPLE") -> dict[bytes, bytes]:
    scope = f"AWS4-HMAC-SHA256 Credential={key}/20260102/us-east-1/{service}/aws4_request, SignedHeaders=host"
    return {b"authorization": scope.encode()}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("service", ["iam", "sts"])
def test_the_scope_says_which_service(method: str, service: str) -> None:
    dialect = DIALECTS.choose(method, b"/", b"", signed(service))
    assert dialect.service == service
    assert dialect.signing_names == (service,)
    body = dialect.encode_fault(Fault("C", 400, "m"), "r").body
    assert f'xmlns="https://{service}.amazonaws.com/doc/{QUERY_SERVICES[service]}/"'.encode() in body


TARGET = {b"x-amz-target": b"TrentService.Encrypt"}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "fields",
    [signed("kms"), {**signed("kms"), b"x-amz-target": b"Other.Do"}, TARGET, {**signed("s3"), **TARGET}],
)
def test_kms_is_asked_by_its_scope_or_by_its_target(method: str, fields: dict[bytes, bytes]) -> None:
    dialect = DIALECTS.choose(method, b"/", b"", {**fields, b"host": b"iam.amazonaws.com"})
    assert (dialect.service, dialect.signing_names) == ("kms", ("kms",))
    response = dialect.encode_fault(Fault("C", 400, "m"), "r")
    assert response.body == b'{"__type":"C","message":"m"}'
    assert dialect.too_large().status == 413


def test_a_host_or_a_foreign_target_asks_nobody() -> None:
    for fields in ({b"host": b"kms.us-east-1.amazonaws.com"}, {b"x-amz-target": b"Trent.Encrypt"}):
        assert DIALECTS.choose("POST", b"/", b"", fields) is REST_JSON
    assert DIALECTS.choose("POST", b"/", b"", {**signed("iam"), **TARGET}).service == "iam"
    assert DIALECTS.choose("POST", b"/x", b"", TARGET) is REST_JSON


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("POST", b"/", {}),
        ("POST", b"/", signed("bedrock")),
        ("POST", b"/", signed("iam-bedrock")),
        ("POST", b"/foundation-models", signed("iam")),
        ("POST", b"//", signed("iam")),
        ("PUT", b"/", signed("iam")),
        ("DELETE", b"/", signed("sts")),
    ],
)
def test_everything_else_is_rest(method: str, path: bytes, fields: dict[bytes, bytes]) -> None:
    assert DIALECTS.choose(method, path, b"", fields) is REST_JSON


@pytest.mark.parametrize("fields", [{}, signed("bedrock"), {b"authorization": b"Bearer x"}])
def test_proofs_are_signed_as_the_event_history_is(fields: dict[bytes, bytes]) -> None:
    for path in (b"/craton/log/checkpoint", b"/craton/log/"):
        assert DIALECTS.choose("GET", path, b"", fields) is AUDIT_JSON
    assert (AUDIT_JSON.signing_names, AUDIT_JSON in ROUTED) == (("cloudtrail",), True)
    for path in (b"/craton/receipts/request-0001", b"/craton/log", b"/%63raton/log/checkpoint"):
        assert DIALECTS.choose("GET", path, b"", fields) is REST_JSON


@pytest.mark.parametrize("fields", [{}, signed("s3"), {b"authorization": b"Bearer x"}])
def test_forms_are_refused_in_xml(fields: dict[bytes, bytes]) -> None:
    form = {**fields, b"content-type": b"application/x-www-form-urlencoded; charset=utf-8"}
    dialect = DIALECTS.choose("POST", b"/", b"", form)
    assert (dialect.service, dialect.signing_names) == ("", ())
    response = dialect.encode_fault(Fault("MissingAuthenticationToken", 403, "m"), "r")
    assert response.body.startswith(b"<ErrorResponse xmlns=")


def test_presigned_requests_are_refused_in_xml() -> None:
    query = b"Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00"
    dialect = DIALECTS.choose("GET", b"/", query, {})
    assert (dialect.service, dialect.signing_names) == ("", ())


def test_limits() -> None:
    assert REST_JSON.max_body_bytes == 25_000_000
    assert DIALECTS.choose("POST", b"/", b"", signed("iam")).max_body_bytes == 1024 * 1024
    assert REST_JSON.too_large().code == "ValidationException"
    assert DIALECTS.choose("POST", b"/", b"", signed("iam")).too_large().status == 413
