"""The codec of AWS JSON 1.1 against botocore's own serializer and parser, over every operation of kms."""

import base64
import json
import random
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from services.edge.domain.aws_json import (
    MEDIA_TYPE,
    decode_input,
    encode_exception,
    encode_output,
    find_target,
)
from services.edge.domain.faults import Fault
from services.edge.domain.json_faults import JSON_STATUS_OF
from services.edge.domain.model import JSON_SERVICES, Operation, ServiceModel
from tests.campaigns.boto_models import boto_model
from tests.campaigns.shape_values import WRONG_TEXT, Impossible, Values, places, wrong

KMS = ServiceModel.load("kms")
BOTO = boto_model("kms", JSON_SERVICES["kms"])
OPERATIONS = list(KMS.operations.values())
JSON = {b"content-type": MEDIA_TYPE}
SEEDS = 12


def _drawn(shape: str, seed: int) -> Any:
    drawing = random.Random(seed)
    for _ in range(200):
        with suppress(Impossible):
            return Values(KMS, drawing).value(shape)
    raise AssertionError(f"no values of {shape}")


def _decode(name: str, body: bytes | dict[str, Any], fields: dict[bytes, bytes] = JSON) -> dict[str, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode_input(KMS, KMS.operations[name], fields, raw)


def _refusal(name: str, body: bytes | dict[str, Any], fields: dict[bytes, bytes] = JSON) -> tuple[str, str]:
    with pytest.raises(Fault) as caught:
        _decode(name, body, fields)
    assert caught.value.status == JSON_STATUS_OF[caught.value.code]
    return caught.value.code, caught.value.message


def _parse(response: Any, name: str | None) -> dict[str, Any]:
    headers = {key.decode(): value.decode() for key, value in response.headers}
    answer = {"status_code": response.status, "headers": headers, "body": response.body}
    shape = None if name is None else BOTO.operation_model(name).output_shape
    parsed: dict[str, Any] = create_parser("json").parse(answer, shape)
    return parsed


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.name)
def test_inputs_of_botocore_are_decoded(op: Operation) -> None:
    serializer = create_serializer("json", include_validation=False)
    for seed in range(SEEDS):
        values = _drawn(op.input.shape, seed)
        request = serializer.serialize_to_request(values, BOTO.operation_model(op.name))
        fields = {name.lower().encode(): value.encode() for name, value in request["headers"].items()}
        assert find_target(KMS, fields) is op
        assert decode_input(KMS, op, fields, request["body"]) == values, seed


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.name)
def test_outputs_are_parsed_by_botocore(op: Operation) -> None:
    for seed in range(SEEDS):
        values = _drawn(op.output.shape, seed)
        response = encode_output(KMS, op, values)
        assert (response.status, dict(response.headers)) == (200, {b"content-type": MEDIA_TYPE})
        parsed = _parse(response, op.name)
        parsed.pop("ResponseMetadata")
        assert parsed == values, seed


def test_an_operation_without_output_answers_nothing() -> None:
    assert encode_output(KMS, KMS.operations["EnableKey"], {}).body == b""
    with pytest.raises(KeyError):
        encode_output(KMS, KMS.operations["EnableKey"], {"Nope": 1})
    # What has an output has an object, also when there is nothing in it.
    assert encode_output(KMS, KMS.operations["DeleteCustomKeyStore"], {}).body == b"{}"


def test_values_are_written_as_aws_writes_them() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_900, UTC)
    output = {"KeyId": "k", "ImportToken": b"\xff\x00", "PublicKey": b"p", "ParametersValidTo": moment}
    body = json.loads(encode_output(KMS, KMS.operations["GetParametersForImport"], output).body)
    assert body == {
        "KeyId": "k",
        "ImportToken": "/wA=",
        "PublicKey": "cA==",
        "ParametersValidTo": 1767323045.679,
    }


def test_exceptions() -> None:
    response = encode_exception(Fault("NotFoundException", 400, "Key 'é' does not exist"))
    assert response.status == 400
    assert dict(response.headers) == {b"content-type": MEDIA_TYPE, b"x-amzn-errortype": b"NotFoundException"}
    assert json.loads(response.body) == {"__type": "NotFoundException", "message": "Key 'é' does not exist"}
    error = _parse(response, "DescribeKey")["Error"]
    assert error == {"Code": "NotFoundException", "Message": "Key 'é' does not exist"}


@pytest.mark.parametrize(
    "target",
    [b"", b"Encrypt", b"TrentService", b"TrentService.", b"TrentService.encrypt", b"TrentService.Encrypt ",
     b"TrentService.Encrypt.Encrypt", b"trentservice.Encrypt", b"Other.Encrypt", b"TrentService.\xff"],
)  # fmt: skip
def test_targets_that_name_nothing(target: bytes) -> None:
    assert find_target(KMS, {b"x-amz-target": target}) is None


@pytest.mark.parametrize("media_type", [b"", b"application/json", b"application/x-amz-json-1.0", b"text/xml"])
def test_other_media_types_are_no_operations(media_type: bytes) -> None:
    assert _refusal("ListKeys", {}, {b"content-type": media_type})[0] == "UnknownOperationException"
    assert _decode("ListKeys", {}, {b"content-type": b"Application/X-Amz-JSON-1.1 ; charset=utf-8"}) == {}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "The body must be a JSON object."),
        (b"null", "The body must be a JSON object."),
        (b"{", "The body is not valid JSON."),
        (b'{"Limit": NaN}', "The body is not valid JSON."),
        (b'{"Marker": "\\ud800"}', "The body is not valid JSON."),
        (b"\xff", "The body is not valid JSON."),
        ('{"Limit": 1}'.encode("utf-16"), "The body is not valid JSON."),
        ('{"Limit": 1}'.encode("utf-32-le"), "The body is not valid JSON."),
        (b'\xef\xbb\xbf{"Limit": 1}', "The body is not valid JSON."),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "The body is not valid JSON."),
        (b'{"Limit": "5"}', "STRING_VALUE can not be converted to a Integer"),
        (b'{"Limit": true}', "TRUE_VALUE can not be converted to a Integer"),
        (b'{"Marker": 5}', "NUMBER_VALUE can not be converted to a String"),
    ],
)
def test_bodies_that_cannot_be_read(body: bytes, message: str) -> None:
    assert _refusal("ListKeys", body) == ("SerializationException", message)


@pytest.mark.parametrize("text", ["*", "YQ", "YQ==YQ==", "YQ=", "Y Q=="])
def test_base64_is_strict(text: str) -> None:
    code, message = _refusal("Encrypt", {"KeyId": "k", "Plaintext": text})
    assert (code, message) == ("SerializationException", "STRING_VALUE can not be converted to a Blob")


def test_an_empty_body_is_an_empty_input() -> None:
    assert _decode("ListKeys", b"") == {}
    assert _decode("ListKeys", {"Marker": None}) == {}


@pytest.mark.parametrize(
    ("name", "body", "problem"),
    [
        ("Encrypt", {}, "2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: "
         "Member must not be null; Value null at 'plaintext' failed to satisfy constraint: "
         "Member must not be null"),
        ("Encrypt", {"KeyId": "k", "Plaintext": base64.b64encode(b"x" * 4097).decode()},
         "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
         "Member must have length less than or equal to 4096"),
        ("GenerateRandom", {"NumberOfBytes": 1025},
         "1 validation error detected: Value at 'numberOfBytes' failed to satisfy constraint: "
         "Member must have value less than or equal to 1024"),
        ("VerifyMac", {"KeyId": "k", "Message": "YQ==", "Mac": "YQ==", "MacAlgorithm": "INVALID"},
         "1 validation error detected: Value at 'macAlgorithm' failed to satisfy constraint: Member must "
         "satisfy enum value set: [HMAC_SHA_224, HMAC_SHA_256, HMAC_SHA_384, HMAC_SHA_512]"),
        ("CreateAlias", {"AliasName": "a b", "TargetKeyId": "k"},
         "1 validation error detected: Value at 'aliasName' failed to satisfy constraint: Member must "
         "satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"),
        ("TagResource", {"KeyId": "k", "Tags": [{"TagKey": "", "TagValue": "v"}, {"TagKey": "k"}]},
         "2 validation errors detected: Value at 'tags.1.member.tagKey' failed to satisfy constraint: Member "
         "must have length greater than or equal to 1; Value null at 'tags.2.member.tagValue' failed to "
         "satisfy constraint: Member must not be null"),
    ],
)  # fmt: skip
def test_constraints_of_the_model(name: str, body: dict[str, Any], problem: str) -> None:
    assert _refusal(name, body) == ("ValidationException", problem)


def test_unknown_members_are_refused() -> None:
    """A constraint that is not known here must not be left out of a grant."""
    grant = {"KeyId": "k", "Operations": ["Decrypt"], "GranteePrincipal": "arn:p"}
    assert _decode("CreateGrant", grant) == grant
    code, message = _refusal("CreateGrant", {**grant, "Until": 5})
    assert (code, message) == (
        "UnsupportedOperationException",
        "CreateGrant does not know the member Until here.",
    )
    inner = {"EncryptionContextEquals": {"any": "key"}, "SourceIp": "10.0.0.0/8"}
    code, message = _refusal("CreateGrant", {**grant, "Constraints": inner})
    assert message == "CreateGrant does not know the member SourceIp here."
    secret = "p4ss w0rd " * 5
    assert secret not in _refusal("CreateGrant", {**grant, secret: 1})[1]
    tags = {"KeyId": "k", "Tags": [{"TagKey": "a", "TagValue": "b", "Hidden": True}]}
    assert _refusal("TagResource", tags)[0] == "UnsupportedOperationException"


def test_times_of_clients() -> None:
    body = {"KeyId": "k", "ImportToken": "YQ==", "EncryptedKeyMaterial": "YQ==", "ValidTo": 1767323045.25}
    assert _decode("ImportKeyMaterial", body)["ValidTo"] == datetime(2026, 1, 2, 3, 4, 5, 250_000, UTC)
    for value in (1e300, True, "yesterday"):
        assert _refusal("ImportKeyMaterial", {**body, "ValidTo": value})[0] == "SerializationException"


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.name)
def test_one_wrong_value_is_refused(op: Operation) -> None:
    """Each case makes one value of a valid body wrong: against its type, or against a constraint."""
    serializer = create_serializer("json", include_validation=False)
    tried = 0
    for seed in range(40 * SEEDS):
        drawing = random.Random(seed)
        values = _drawn(op.input.shape, seed)
        body = json.loads(serializer.serialize_to_request(values, BOTO.operation_model(op.name))["body"])
        found = list(places(KMS, op.input.shape, body, ""))
        if not found or tried == SEEDS:
            continue
        where, shape, holder, key = drawing.choice(found)
        made = wrong(KMS, drawing, shape, holder[key])
        if made is None:
            continue
        tried += 1
        holder[key] = made[1]
        code, message = _refusal(op.name, body)
        assert code in ("ValidationException", "SerializationException"), (seed, where, made[0])
        assert WRONG_TEXT not in message
    assert tried == SEEDS
