"""The query codec against botocore's own serializer and parser, over every operation of sts and iam."""

import random
import urllib.parse
import xml.etree.ElementTree as ElementTree
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import ServiceModel as BotoModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from services.edge.domain.faults import Fault
from services.edge.domain.form import MAX_PARAMETERS, parse_form
from services.edge.domain.model import QUERY_SERVICES, Operation, ServiceModel
from services.edge.domain.query import (
    decode_query,
    encode_error,
    encode_result,
    find_operation,
    parse_parameters,
)
from services.edge.domain.query_faults import QUERY_STATUS_OF
from tests.campaigns.boto_models import boto_model
from tests.campaigns.shape_values import Impossible, Values

MODELS = {name: ServiceModel.load(name) for name in QUERY_SERVICES}
BOTO = {name: boto_model(name, QUERY_SERVICES[name]) for name in QUERY_SERVICES}
OPERATIONS = [op for model in MODELS.values() for op in model.operations.values()]
IAM = MODELS["iam"]
SEEDS = 12


def _drawn(model: ServiceModel, shape: str, seed: int) -> Any:
    drawing = random.Random(seed)
    for _ in range(200):
        with suppress(Impossible):
            return Values(model, drawing).value(shape)
    raise AssertionError(f"no values of {shape}")


def _form(boto: BotoModel, name: str, values: dict[str, Any]) -> bytes:
    """Let botocore write a request, as its HTTP layer sends it."""
    serializer = create_serializer("query", include_validation=False)
    request = serializer.serialize_to_request(values, boto.operation_model(name))
    return urllib.parse.urlencode(request["body"]).encode()


def _decode(model: ServiceModel, body: bytes) -> dict[str, Any]:
    parameters = parse_parameters("POST", b"", body)
    return decode_query(model, find_operation(model, parameters), parameters)


def _parse(boto: BotoModel, name: str, response: Any) -> dict[str, Any]:
    headers = {key.decode(): value.decode() for key, value in response.headers}
    answer = {"status_code": response.status, "headers": headers, "body": response.body}
    parsed: dict[str, Any] = create_parser("query").parse(answer, boto.operation_model(name).output_shape)
    return parsed


def _expressible(value: Any, *, top: bool = True) -> bool:
    """A structure or a map without anything in it leaves no trace in a form."""
    if isinstance(value, dict):
        return (top or bool(value)) and all(_expressible(each, top=False) for each in value.values())
    return not isinstance(value, list) or all(_expressible(each, top=False) for each in value)


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: f"{op.service}-{op.name}")
def test_inputs_of_botocore_are_decoded(op: Operation) -> None:
    model = MODELS[op.service]
    tried = 0
    for seed in range(20 * SEEDS):
        values = _drawn(model, op.input.shape, seed)
        if tried < SEEDS and _expressible(values):
            tried += 1
            assert _decode(model, _form(BOTO[op.service], op.name, values)) == values, seed
    assert tried == SEEDS


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: f"{op.service}-{op.name}")
def test_outputs_are_parsed_by_botocore(op: Operation) -> None:
    model = MODELS[op.service]
    for seed in range(SEEDS):
        values = _drawn(model, op.output.shape, seed)
        response = encode_result(model, op, values, "the-id")
        parsed = _parse(BOTO[op.service], op.name, response)
        assert parsed.pop("ResponseMetadata")["RequestId"] == "the-id"
        assert parsed == values, seed


def test_the_envelope_is_awss() -> None:
    op = MODELS["sts"].operations["GetCallerIdentity"]
    output = {"UserId": "AIDA", "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/a"}
    response = encode_result(MODELS["sts"], op, output, "r-1")
    assert dict(response.headers) == {b"content-type": b"text/xml"}
    assert response.body == (
        b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        b"<GetCallerIdentityResult><UserId>AIDA</UserId><Account>123456789012</Account>"
        b"<Arn>arn:aws:iam::123456789012:user/a</Arn></GetCallerIdentityResult>"
        b"<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )
    response = encode_result(IAM, IAM.operations["DeleteUser"], {}, "r-2")
    assert response.body == (
        b'<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        b"<ResponseMetadata><RequestId>r-2</RequestId></ResponseMetadata></DeleteUserResponse>"
    )


def test_times_are_written_to_the_second() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    user = {"UserName": "a", "CreateDate": moment}
    body = encode_result(IAM, IAM.operations["GetUser"], {"User": user}, "r").body
    assert b"<CreateDate>2026-01-02T03:04:05Z</CreateDate>" in body


def test_unknown_output_members_are_a_defect() -> None:
    for name in ("GetUser", "DeleteUser"):
        with pytest.raises(KeyError):
            encode_result(IAM, IAM.operations[name], {"Nope": 1}, "r")


HARD = "a & b < c > d \"e' ]]> \t\r\n \r\n <!-- é中😀"


def test_every_character_arrives_or_is_replaced() -> None:
    """Whatever stands in a value or a message, the answer can be read."""
    barred = "\0\x01\x0b\x1f\ud800\udfff\ufffe\uffff"
    op = MODELS["sts"].operations["GetCallerIdentity"]
    everything = "".join(map(chr, [*range(0x300), *range(0xD7F0, 0xE010), *range(0xFFF0, 0x10010)]))
    for text in (HARD, barred, everything, "", " ", "\r"):
        body = encode_result(MODELS["sts"], op, {"Arn": text}, "r").body
        expected = "".join("\ufffd" if each in barred or _barred(each) else each for each in text)
        found = _xml(body).find("*/{*}Arn")
        assert found is not None
        assert (found.text or "") == expected
        error = _xml(encode_error("urn:x", Fault("C", 400, text), "r").body)
        assert error.findtext("{*}Error/{*}Message") == expected


def _xml(body: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(body)  # noqa: S314 - written by the code under test


def _barred(character: str) -> bool:
    """XML 1.0, production 2."""
    code = ord(character)
    return not (code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000)


def test_faults_are_parsed_by_botocore() -> None:
    for status, kind in ((404, "Sender"), (503, "Receiver")):
        response = encode_error(IAM.namespace, Fault("NoSuchEntity", status, "<it> & more"), "r-3")
        assert response.status == status
        parsed = _parse(BOTO["iam"], "GetUser", response)
        assert parsed["Error"] == {"Type": kind, "Code": "NoSuchEntity", "Message": "<it> & more"}
        assert parsed["ResponseMetadata"]["RequestId"] == "r-3"


_SYNTHETIC: dict[str, Any] = {
    "metadata": {"apiVersion": "1", "protocol": "query", "xmlNamespace": "urn:s"},
    "operations": {
        "Do": {
            "name": "Do",
            "http": {"method": "POST", "requestUri": "/"},
            "input": {"shape": "All"},
            "output": {"shape": "All", "resultWrapper": "DoResult"},
        }
    },
    "shapes": {
        "All": {
            "type": "structure",
            "members": {
                "Renamed": {"shape": "Text", "locationName": "Other"},
                "Flat": {"shape": "FlatList"},
                "FlatNamed": {"shape": "NamedList"},
                "Deep": {"shape": "NamedItems"},
                "Flatter": {"shape": "FlatMap"},
                "Map": {"shape": "Map"},
                "When": {"shape": "When"},
                "Blob": {"shape": "Blob"},
                "Yes": {"shape": "Yes"},
                "Long": {"shape": "Long"},
                "Double": {"shape": "Double"},
                "Inner": {"shape": "All"},
            },
        },
        "Text": {"type": "string"},
        "FlatList": {"type": "list", "member": {"shape": "Text"}, "flattened": True},
        "NamedList": {
            "type": "list",
            "member": {"shape": "Text", "locationName": "Item"},
            "flattened": True,
        },
        "NamedItems": {"type": "list", "member": {"shape": "All", "locationName": "Thing"}},
        "FlatMap": {
            "type": "map",
            "key": {"shape": "Text", "locationName": "K"},
            "value": {"shape": "Text", "locationName": "V"},
            "flattened": True,
        },
        "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Long"}},
        "When": {"type": "timestamp"},
        "Blob": {"type": "blob"},
        "Yes": {"type": "boolean"},
        "Long": {"type": "long"},
        "Double": {"type": "double"},
    },
}


def test_what_no_model_of_today_has() -> None:
    """Other names on the wire, flattened lists and maps, and every kind of scalar."""
    model, boto = ServiceModel("synthetic", _SYNTHETIC), BotoModel(_SYNTHETIC, "synthetic")
    inner = {
        "Renamed": "a+b c%&=.é",
        "Flat": ["x", "", " y"],
        "FlatNamed": ["1"],
        "Map": {"a.b": 1, "": -(2**63)},
        "When": datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        "Yes": False,
        "Double": -1.5e30,
    }
    values: dict[str, Any] = {
        "Deep": [inner, {"Renamed": "z"}],
        "Flatter": {"k": "v", "l": "w"},
        "Inner": {"Inner": inner, "Blob": b"\0\xff"},
        "Yes": True,
        "Long": 2**63 - 1,
    }
    assert _decode(model, _form(boto, "Do", values)) == values
    parsed = _parse(boto, "Do", encode_result(model, model.operations["Do"], values, "r"))
    parsed.pop("ResponseMetadata")
    assert parsed == values


GET_USER = b"Action=GetUser&Version=2010-05-08"
TAG_USER = b"Action=TagUser&Version=2010-05-08&UserName=a"


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (b"", "MissingAction", "Action"),
        (b"Version=2010-05-08", "MissingAction", "Action"),
        (b"Action=&Version=2010-05-08", "MissingAction", "Action"),
        (b"Action=canary&Version=2010-05-08", "InvalidAction", "version 2010-05-08"),
        (b"Action.a=GetUser&Version=2010-05-08", "InvalidAction", "version 2010-05-08"),
        (b"Action=GetCallerIdentity&Version=2010-05-08", "InvalidAction", "version 2010-05-08"),
        (b"Action=GetUser", "InvalidAction", "version 2010-05-08"),
        (b"Action=GetUser&Version=2011-06-15", "InvalidAction", "version 2010-05-08"),
        (b"Action=GetUser&Version.a=2010-05-08", "InvalidAction", "version 2010-05-08"),
        (GET_USER + b"&Action=GetUser", "InvalidQueryParameter", "Parameter 3 stands in the request twice"),
        (GET_USER + b"&UserName=a&UserName=a", "InvalidQueryParameter", "Parameter 4"),
        (GET_USER + b"&UserName=a&User%4eame=canary", "InvalidQueryParameter", "Parameter 4"),
        (GET_USER + b"&UserName=a&UserName.b=canary", "InvalidQueryParameter", "below the name of a value"),
        (GET_USER + b"&UserName.b=canary&UserName=a", "InvalidQueryParameter", "twice"),
        (GET_USER + b"&canary=canary", "InvalidQueryParameter", "does not have"),
        (GET_USER + b"&username=canary", "InvalidQueryParameter", "does not have"),
        (GET_USER + b"&a" * (MAX_PARAMETERS - 1), "InvalidQueryParameter", f"at most {MAX_PARAMETERS}"),
        (GET_USER + b"&UserName=%ff", "MalformedQueryString", "UTF-8"),
        (GET_USER + b"&UserName=\xff", "MalformedQueryString", "UTF-8"),
        (GET_USER + b"&UserName=canary%4", "MalformedQueryString", "two hex digits"),
        (GET_USER + b"&UserName=canary%zz", "MalformedQueryString", "two hex digits"),
        (GET_USER + b"&=canary", "MalformedQueryString", "name of parameter 3"),
        (GET_USER + b"&a..b=canary", "MalformedQueryString", "name of parameter 3"),
        (GET_USER + b"&" + b"a." * 16 + b"a=canary", "MalformedQueryString", "16 parts"),
        (GET_USER + b"&" + b"a" * 257 + b"=canary", "MalformedQueryString", "256 characters"),
        (GET_USER + b"&UserName.member.1=canary", "MalformedInput", "userName is one value"),
        (GET_USER + b"&UserName=", "ValidationError", "length greater than or equal to 1"),
        (GET_USER + b"&UserName=ca%20nary", "ValidationError", "regular expression pattern: [\\w+=,.@-]+"),
        (TAG_USER, "ValidationError", "Value null at 'tags'"),
        (TAG_USER + b"&Tags=canary", "MalformedInput", "tags consists of parameters below it"),
        (TAG_USER + b"&Tags.1.Key=canary", "MalformedInput", "named member.1, member.2"),
        (TAG_USER + b"&Tags.member=canary", "MalformedInput", "parameters below"),
        (TAG_USER + b"&Tags.member.1=canary", "MalformedInput", "tags.1.member consists"),
        (TAG_USER + b"&Tags.member.2.Key=k", "MalformedInput", "numbered from 1, without gaps"),
        (TAG_USER + b"&Tags.member.01.Key=k", "MalformedInput", "numbered from 1, without gaps"),
        (TAG_USER + b"&Tags.member.%D9%A1.Key=k", "MalformedInput", "numbered from 1, without gaps"),
        (TAG_USER + b"&Tags.member.1.Key=k", "ValidationError", "Value null at 'tags.1.member.value'"),
        (TAG_USER + b"&Tags.member.1.Kay=canary", "InvalidQueryParameter", "below tags.1.member"),
        (
            b"Action=CreateUser&Version=2010-05-08&PermissionsBoundary=short",
            "ValidationError",
            "2 validation errors detected",
        ),
        (b"Action=ListUsers&Version=2010-05-08&MaxItems=1001", "ValidationError", "less than or equal to"),
        (b"Action=ListUsers&Version=2010-05-08&MaxItems=canary", "MalformedInput", "integer of 32 bits"),
        (b"Action=ListUsers&Version=2010-05-08&MaxItems=2147483648", "MalformedInput", "32 bits"),
        (b"Action=ListUsers&Version=2010-05-08&MaxItems=1_0", "MalformedInput", "32 bits"),
        (
            b"Action=ListUsers&Version=2010-05-08&MaxItems=" + b"9" * 5000,
            "MalformedInput",
            "integer of 32 bits",
        ),
        (
            b"Action=UpdateAccessKey&Version=2010-05-08&AccessKeyId=AKIAIOSFODNN7EXAMPLE&Status=canary",
            "ValidationError",
            "enum value set: [Active, Inactive, Expired]",
        ),
    ],
)
def test_bad_requests(body: bytes, code: str, text: str) -> None:
    with pytest.raises(Fault) as caught:
        _decode(IAM, body)
    assert (caught.value.code, caught.value.status) == (code, QUERY_STATUS_OF[code])
    assert text in caught.value.message
    assert "canary" not in caught.value.message


def test_patterns_of_java_characters_hold() -> None:
    """IAM's patterns with \\u are enforced, and have room for what they are written for."""
    put = b"Action=PutUserPolicy&Version=2010-05-08&UserName=a&PolicyName=b&PolicyDocument="
    assert _decode(IAM, put + b"%7B%7D%09%C3%A9")["PolicyDocument"] == "{}\té"
    for barred in (b"%00", b"%E4%B8%AD"):
        with pytest.raises(Fault) as caught:
            _decode(IAM, put + b"%7B%7D" + barred)
        assert caught.value.code == "ValidationError"
    boundary = b"Action=CreateUser&Version=2010-05-08&UserName=a&PermissionsBoundary=" + b"a" * 20
    assert _decode(IAM, boundary + "😀".encode())["PermissionsBoundary"].endswith("😀")


def test_where_parameters_stand() -> None:
    query = b"Action=GetUser&Version=2010-05-08&UserName=a+b"
    assert parse_parameters("POST", b"", query)["UserName"] == "a b"
    # As the signature takes it.
    assert parse_parameters("GET", query, b"")["UserName"] == "a+b"
    for method, raw_query, body in (("GET", query, b"x"), ("POST", b"a=b", query), ("GET", b"", query)):
        with pytest.raises(Fault) as caught:
            parse_parameters(method, raw_query, body)
        assert caught.value.code == "MalformedQueryString"


def test_damaged_requests_are_read_or_refused() -> None:
    drawing = random.Random(5)
    pieces = [
        b"",
        b"%",
        b"%ff",
        b"%00",
        b"\xff",
        b"&",
        b"=",
        b".",
        b".member.1",
        b".entry.1.key",
        b"&&=",
        b"1" * 99,
    ]
    for _ in range(5000):
        op = drawing.choice(OPERATIONS)
        try:
            values = Values(MODELS[op.service], drawing).value(op.input.shape)
        except Impossible:
            continue
        body = _form(BOTO[op.service], op.name, values)
        for _ in range(drawing.randint(1, 3)):
            at = drawing.randrange(len(body) + 1)
            body = body[:at] + drawing.choice(pieces) + body[at + drawing.randrange(4) :]
        fault: Fault | None = None
        try:
            _decode(MODELS[op.service], body)
        except Fault as refusal:
            fault = refusal
        assert fault is None or fault.status == QUERY_STATUS_OF[fault.code] < 500


def test_forms() -> None:
    assert parse_form(b"", plus_is_space=True) == {}
    assert parse_form(b"&a=1&&b.c=2&b.d=&e", plus_is_space=True) == {
        "a": "1",
        "b": {"c": "2", "d": ""},
        "e": "",
    }
    assert parse_form(b"a+b=%2B+", plus_is_space=True) == {"a b": "+ "}
