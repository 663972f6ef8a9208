"""CloudTrail's records: in the places that readers of CloudTrail look at, and every event comes back."""

import json
from typing import Any

import pytest
from craton.audit.v1 import resources_pb2 as pb
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from services.audit.domain.cloudtrail import emit, parse
from services.chassis.audit.parameters import canonical

HOSTILE = [
    *(
        "",
        "\0",
        "\x1b[31m",
        "\u2028",
        "\ufeff",
        "😀" * 300,
        "é" * 2048,
        "</script>",
        "' OR 1=1 --",
        '"',
        "\\",
    ),
    *(
        "{}",
        "[1]",
        "null",
        "true",
        "NaN",
        "1e999",
        '{"a":NaN}',
        '{"a":1e999}',
        '{"a":' + "9" * 5000 + "}",
        '{"a": 1}',
        '{"b":1,"a":2}',
        '{"a":1,"a":1}',
        '{"a":"\\ud800"}',
        '{"a":"\\u00e9"}',
        '{"a":' * 65 + "1" + "}" * 65,
        '{"a":' * 990 + "1" + "}" * 990,
        '{"a":' * 10_000,
        '{"\U0001f600":["\\u0000",null,true,0.5,-1]}',
        "${jndi:ldap://x}",
        "..%2f..",
        "a\r\nb",
        "\u202egnp.exe",
        "%s%n",
    ),
    *(
        "AccessDenied",
        "ACCESS_DENIED",
        "ACCESS__DENIED",
        "_",
        "A_",
        "access_denied",
        "Ａ",
        "ß",
        "ACCESS_DENIED\n",
    ),
    *(
        "arn:",
        "arn:aws:iam::1:user/",
        "arn:aws:sts::1:assumed-role",
        "arn:aws:sts::1:assumed-role/a",
        ":root",
        "user",
    ),
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=40),
    st.dictionaries(st.text(max_size=8), _JSON, max_size=3).map(canonical),
)


def again(event: pb.Event) -> pb.Event:
    """What comes back after the record was written as JSON."""
    return parse(json.loads(json.dumps(emit(event))))


def alice(**changes: Any) -> pb.Event:
    values = {
        "event_id": "0f6c2f6e-1d2a-4b7e-9c3d-5a6b7c8d9e0f",
        "call_id": "call",
        "request_id": "request",
        "phase": "EVENT_PHASE_OUTCOME",
        "event_time": "2026-03-01T12:00:00.25Z",
        "recorder": "runtime",
        "event_source": "bedrock.amazonaws.com",
        "event_name": "InvokeModel",
        "principal": {
            "account_id": "123456789012",
            "account_incarnation": "inc",
            "arn": "arn:aws:iam::123456789012:user/team/alice",
            "principal_id": "AIDAALICE",
            "access_key_id": "AKIAALICE",
        },
        "caller": "spiffe://craton.local/service/edge",
        "audit_context": {
            "source_ip": "192.0.2.7",
            "user_agent": "boto3",
            "tls_version": "TLSv1.3",
            "tls_cipher": "TLS_AES_128_GCM_SHA256",
            "endpoint": "localhost",
            "region": "us-east-1",
        },
        "resources": [
            "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1",
            "accounts/123456789012",
        ],
        "status_code": "OK",
        "count": 1,
        "account_id": "123456789012",
        "duration_us": 1234,
        "usage": {"input_tokens": 3, "output_tokens": 5},
    }
    return json_format.ParseDict(values | changes, pb.Event())


def test_a_call_of_a_user() -> None:
    event = alice()
    record = emit(event)
    assert record == {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAALICE",
            "arn": "arn:aws:iam::123456789012:user/team/alice",
            "accountId": "123456789012",
            "accessKeyId": "AKIAALICE",
            "userName": "alice",
            "accountIncarnation": "inc",
        },
        "eventTime": "2026-03-01T12:00:00Z",
        "eventSource": "bedrock.amazonaws.com",
        "eventName": "InvokeModel",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "boto3",
        "requestParameters": None,
        "responseElements": None,
        "additionalEventData": {
            "callId": "call",
            "phase": "OUTCOME",
            "recordedBy": "runtime",
            "count": 1,
            "durationMicroseconds": 1234,
            "inputTokens": 3,
            "outputTokens": 5,
            "workload": "spiffe://craton.local/service/edge",
            "status": "OK",
            "nanoseconds": 250_000_000,
        },
        "requestID": "request",
        "eventID": "0f6c2f6e-1d2a-4b7e-9c3d-5a6b7c8d9e0f",
        "readOnly": False,
        "resources": [
            {
                "ARN": "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1",
                "type": "AWS::Bedrock::FoundationModel",
            },
            {"name": "accounts/123456789012"},
        ],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "123456789012",
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": "localhost",
        },
    }
    assert again(event) == event


def test_a_refusal_has_an_error_code() -> None:
    event = alice(status_code="PERMISSION_DENIED", error_reason="ACCESS_DENIED")
    record = emit(event)
    assert (record["errorCode"], record["errorMessage"]) == ("AccessDenied", "PERMISSION_DENIED")
    assert "exactly" not in record["additionalEventData"]
    assert again(event) == event


def test_what_was_asked_and_answered_stands_where_cloudtrail_has_it() -> None:
    asked = {
        "encryptionContext": {"tenant": "bl\u00fc", "\0": "\U0001f600"},
        "keyId": "alias/a",
        "dryRun": True,
    }
    answered = {"tags": [{"tagKey": "a", "n": [1, 0.5, None]}]}
    event = alice(request_parameters_json=canonical(asked), response_elements_json=canonical(answered))
    record = emit(event)
    assert (record["requestParameters"], record["responseElements"]) == (asked, answered)
    assert "exactly" not in record["additionalEventData"]
    assert again(event) == event


def test_an_error_stands_as_the_client_got_it() -> None:
    event = alice(
        status_code="PERMISSION_DENIED",
        error_reason="ACCESS_DENIED",
        error_code="AccessDeniedException",
        error_message="User: alice is not authorized",
    )
    record = emit(event)
    assert record["errorCode"] == "AccessDeniedException"
    assert record["errorMessage"] == "User: alice is not authorized"
    added = record["additionalEventData"]
    assert (added["reason"], added["status"]) == ("ACCESS_DENIED", "PERMISSION_DENIED")
    assert "exactly" not in added
    assert again(event) == event


@pytest.mark.parametrize("text", ["{}", '{"a":' * 64 + "1" + "}" * 64])
def test_objects_that_are_read(text: str) -> None:
    record = emit(alice(request_parameters_json=text))
    assert record["requestParameters"] == json.loads(text)
    assert "exactly" not in record["additionalEventData"]


@pytest.mark.parametrize("text", [*(each for each in HOSTILE if each.startswith('{"a'))])
def test_what_is_no_canonical_object_is_not_shown_as_one(text: str) -> None:
    event = alice(request_parameters_json=text)
    assert emit(event)["requestParameters"] is None
    assert again(event) == event


@pytest.mark.parametrize(
    ("changes", "kind", "more"),
    [
        ({"arn": "arn:aws:iam::123456789012:root", "principal_id": "123456789012"}, "Root", {}),
        ({"arn": "", "principal_id": "AIDA"}, "AWSAccount", {}),
        (
            {
                "arn": "",
                "type": "WebIdentityUser",
                "user_name": "repo:a/b",
                "identity_provider": "arn:aws:iam::123456789012:oidc-provider/x",
            },
            "WebIdentityUser",
            {"userName": "repo:a/b", "identityProvider": "arn:aws:iam::123456789012:oidc-provider/x"},
        ),
    ],
)
def test_kinds_of_callers(changes: Any, kind: str, more: Any) -> None:
    event = alice()
    json_format.ParseDict(changes, event.principal)
    identity = emit(event)["userIdentity"]
    assert identity["type"] == kind
    assert more.items() <= identity.items()
    assert again(event) == event


def test_a_session_of_a_role() -> None:
    event = alice(session_context={"create_time": "2026-03-01T11:00:00Z", "source_identity": "carol"})
    event.principal.arn = "arn:aws:sts::123456789012:assumed-role/reader/build"
    event.principal.principal_id = "AROAREADER:build"
    record = emit(event)
    assert record["userIdentity"]["type"] == "AssumedRole"
    assert record["userIdentity"]["sessionContext"] == {
        "attributes": {"creationDate": "2026-03-01T11:00:00Z", "mfaAuthenticated": "false"},
        "sessionIssuer": {
            "type": "Role",
            "principalId": "AROAREADER",
            "arn": "arn:aws:iam::123456789012:role/reader",
            "accountId": "123456789012",
            "userName": "reader",
        },
        "sourceIdentity": "carol",
    }
    assert "exactly" not in record["additionalEventData"]
    assert again(event) == event


def test_a_service_on_its_own_behalf() -> None:
    event = alice()
    event.ClearField("principal")
    event.ClearField("audit_context")
    record = emit(event)
    assert record["userIdentity"] == {"type": "AWSService", "invokedBy": "spiffe://craton.local/service/edge"}
    assert record["eventType"] == "AwsServiceEvent"
    assert "exactly" not in record["additionalEventData"]
    assert again(event) == event


def test_what_was_given_out_and_whose_copy_it_is() -> None:
    event = alice(
        issued_credentials={
            "access_key_id": "ASIA",
            "principal_arn": "arn",
            "expire_time": "2026-03-01T13:00:00Z",
        },
        shared_event_id="shared",
        call_with_bearer_token=True,
        omitted_resources=3,
    )
    event.statement_sha256 = bytes(range(32))
    record = emit(event)
    assert record["additionalEventData"]["statementSha256"] == bytes(range(32)).hex()
    assert record["sharedEventID"] == "shared"
    assert record["additionalEventData"]["issuedCredentials"]["accessKeyId"] == "ASIA"
    assert record["additionalEventData"]["callWithBearerToken"] is True
    assert "exactly" not in record["additionalEventData"]
    assert again(event) == event


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_strings_come_back(text: str) -> None:
    names = [field.name for field in pb.Event.DESCRIPTOR.fields if field.type == field.TYPE_STRING]
    for name in names:
        event = alice()
        if name == "resources":
            event.resources.append(text)
        else:
            setattr(event, name, text)
        assert again(event) == event
    for part in ("principal", "audit_context", "session_context", "issued_credentials"):
        message = getattr(alice(), part)
        for field in message.DESCRIPTOR.fields:
            if field.type == field.TYPE_STRING:
                event = alice()
                setattr(getattr(event, part), field.name, text)
                assert again(event) == event


def messages(descriptor: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Values for some of a message's fields."""

    def values(field: Any) -> st.SearchStrategy[Any]:
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
            return st.builds(dict, seconds=st.integers(-(2**62), 2**62), nanos=st.integers(-5, 2**31 - 1))
        if field.message_type is not None:
            return messages(field.message_type)
        by_type = {
            field.TYPE_STRING: TEXT,
            field.TYPE_BYTES: st.binary(max_size=40),
            field.TYPE_BOOL: st.booleans(),
            field.TYPE_ENUM: st.integers(0, 9),
            field.TYPE_UINT32: st.integers(0, 2**32 - 1),
            field.TYPE_UINT64: st.integers(0, 2**64 - 1),
        }
        one = by_type[field.type]
        return st.lists(one, max_size=3) if field.is_repeated else one

    return st.fixed_dictionaries({}, optional={field.name: values(field) for field in descriptor.fields})


@given(messages(pb.Event.DESCRIPTOR))
def test_every_event_comes_back(values: dict[str, Any]) -> None:
    event = pb.Event(**values)
    assert again(event) == event


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"additionalEventData": None},
        {"additionalEventData": {"exactly": "?"}},
        {"additionalEventData": {"exactly": "/////w=="}},
        emit(alice()) | {"eventTime": "yesterday"},
        emit(alice()) | {"userIdentity": {}},
        emit(alice()) | {"resources": [7]},
        emit(alice()) | {"eventID": 7},
    ],
)
def test_what_is_no_record(record: Any) -> None:
    with pytest.raises(ValueError):
        parse(record)


def test_resources_name_their_account() -> None:
    names = [
        "arn:aws:kms:us-east-1:123456789012:key/k",
        "arn:aws:bedrock:us-east-1::foundation-model/m",
        "arn:",
    ]
    emitted = emit(pb.Event(resources=names))
    assert [each.get("accountId") for each in emitted["resources"]] == ["123456789012", None, None]
    assert list(parse(emitted).resources) == names
