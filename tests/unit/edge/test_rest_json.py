"""The codec against botocore's own serializer and parser, over every operation of both services."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import ServiceModel as BotoModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from services.edge.domain.faults import Fault
from services.edge.domain.model import SERVICES, Operation, ServiceModel
from services.edge.domain.rest_json import decode_request, encode_fault, encode_response
from services.edge.domain.route import Route, Router

MODELS = {name: ServiceModel.load(name) for name in SERVICES}
ROUTER = Router(op for model in MODELS.values() for op in model.operations.values())
_DOCUMENT = {"a": [1, "x", None, {"b": True}]}


def _boto(model: ServiceModel) -> BotoModel:
    import gzip
    import json
    from pathlib import Path

    import botocore

    folder = Path(botocore.__file__).parent / "data" / model.service / SERVICES[model.service]
    return BotoModel(json.loads(gzip.decompress((folder / "service-2.json.gz").read_bytes())), model.service)


BOTO = {name: _boto(model) for name, model in MODELS.items()}
OPERATIONS = [op for model in MODELS.values() for op in model.operations.values()]


class Generator:
    """Random valid values of a shape; strings ignore patterns, which a separate test covers."""

    def __init__(self, model: ServiceModel, seed: int) -> None:
        self.model = model
        self.random = random.Random(seed)

    def value(self, name: str, depth: int = 0) -> Any:
        shape = self.model.shapes[name]
        kind = shape["type"]
        low = shape.get("min", 0)
        if kind == "structure":
            if shape.get("document"):
                return _DOCUMENT
            members = list(shape["members"])
            if shape.get("union"):
                wanted = {self.random.choice(members)}
            else:
                wanted = set(shape.get("required", ())) | {
                    m for m in members if depth < 3 and self.random.random() < 0.6
                }
            return {m: self.value(shape["members"][m]["shape"], depth + 1) for m in members if m in wanted}
        if kind == "list":
            count = min(shape.get("max", 2), max(low, 0 if depth > 4 else self.random.randint(0, 2)))
            return [self.value(shape["member"]["shape"], depth + 1) for _ in range(count)]
        if kind == "map":
            return {
                self.value(shape["key"]["shape"]): self.value(shape["value"]["shape"], depth + 1)
                for _ in range(max(1, low))
            }
        if kind == "string":
            if "enum" in shape:
                return self.random.choice(shape["enum"])
            length = min(max(low, self.random.randint(1, 20)), shape.get("max", 10**6))
            return (
                "".join(self.random.choice("abc XYZ/:%é+&=01") for _ in range(length))
                .strip()
                .ljust(length, "x")
            )
        if kind in ("integer", "long"):
            return self.random.randint(low, int(shape.get("max", low + 100)))
        if kind in ("float", "double"):
            return float(self.random.randint(int(low), int(shape.get("max", low + 100))))
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind == "blob":
            return self.random.randbytes(max(low, 5))
        return datetime(2026, 1, 2, 3, 4, self.random.randint(0, 59), tzinfo=UTC)


@pytest.fixture(autouse=True)
def _ignore_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.edge.domain.constraints.compile_pattern", lambda _pattern: None)


def _ascii_headers(model: ServiceModel, op: Operation, values: dict[str, Any]) -> dict[str, Any]:
    for binding in op.input.headers + op.output.headers:
        if isinstance(values.get(binding.member), str) and "enum" not in model.shapes[binding.shape]:
            values[binding.member] = "text/plain"
    return values


def _takes_a_stream(op: Operation) -> bool:
    """A bidirectional stream, which needs HTTP/2."""
    shapes = MODELS[op.service].shapes
    payload = op.input.payload
    return bool(payload and shapes[shapes[op.input.shape]["members"][payload]["shape"]].get("eventstream"))


@pytest.mark.parametrize(
    "op",
    [op for op in OPERATIONS if not _takes_a_stream(op)],
    ids=lambda op: f"{op.service}-{op.name}",
)
def test_inputs_of_botocore_are_decoded(op: Operation) -> None:
    model = MODELS[op.service]
    serializer = create_serializer("rest-json", include_validation=False)
    for seed in range(10):
        generator = Generator(model, seed)
        values = _ascii_headers(model, op, generator.value(op.input.shape))
        request = serializer.serialize_to_request(values, BOTO[op.service].operation_model(op.name))
        from botocore.awsrequest import prepare_request_dict

        prepare_request_dict(request, "https://localhost")
        raw = request["url"].removeprefix("https://localhost").encode()
        path, _, query = raw.partition(b"?")
        route = ROUTER.find(request["method"], path)
        assert route is not None
        assert route.operation == op
        fields = {name.lower().encode(): str(value).encode() for name, value in request["headers"].items()}
        body = request["body"] if isinstance(request["body"], bytes) else str(request["body"]).encode()
        decoded = decode_request(model, route, query, fields, body)
        for member, value in values.items():
            if value in ([], {}, None) and member not in decoded:
                continue  # an empty list leaves no trace in a query string
            assert decoded[member] == value, member


@pytest.mark.parametrize(
    "op",
    # Raw and event-stream bodies have their own tests.
    [op for op in OPERATIONS if op.output.payload is None],
    ids=lambda op: f"{op.service}-{op.name}",
)
def test_outputs_are_parsed_by_botocore(op: Operation) -> None:
    model = MODELS[op.service]
    boto = BOTO[op.service].operation_model(op.name)
    for seed in range(10):
        values = _ascii_headers(model, op, Generator(model, seed).value(op.output.shape))
        response = encode_response(model, op, values)
        headers = {name.decode(): value.decode() for name, value in response.headers}
        parsed = create_parser("rest-json").parse(
            {"status_code": response.status, "headers": headers, "body": response.body}, boto.output_shape
        )
        parsed.pop("ResponseMetadata")
        assert parsed == values


def test_faults_are_parsed_by_botocore() -> None:
    fault = Fault("ModelErrorException", 424, "it broke", {"originalStatusCode": 500, "resourceName": "m"})
    response = encode_fault(fault)
    headers = {name.decode(): value.decode() for name, value in response.headers}
    parsed = create_parser("rest-json").parse(
        {"status_code": response.status, "headers": headers, "body": response.body}, None
    )
    assert parsed["Error"] == {"Code": "ModelErrorException", "Message": "it broke"}


def _decode(method: str, path: bytes, body: bytes = b"", query: bytes = b"") -> dict[str, Any]:
    route = ROUTER.find(method, path)
    assert isinstance(route, Route)
    return decode_request(MODELS[route.operation.service], route, query, {}, body)


AGREEMENT = b"/create-foundation-model-agreement"


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (b"{", "SerializationException", "not valid JSON"),
        (b'{"offerToken": "x", "modelId": "\\ud800"}', "SerializationException", "not valid JSON"),
        (b'{"\\uDFFF": 1}', "SerializationException", "not valid JSON"),
        (b"[]", "SerializationException", "JSON object"),
        (b'{"a": NaN}', "SerializationException", "not valid JSON"),
        (b"[" * 100_000, "SerializationException", "not valid JSON"),
        (
            b'{"offerToken": 1, "modelId": "a.b"}',
            "SerializationException",
            "NUMBER_VALUE can not be converted",
        ),
        (b'{"offerToken": "x"}', "ValidationException", "Value null at 'modelId'"),
        (b"{}", "ValidationException", "2 validation errors detected"),
        (b'{"offerToken": "x", "modelId": null}', "ValidationException", "Member must not be null"),
    ],
)
def test_bad_bodies(body: bytes, code: str, text: str) -> None:
    with pytest.raises(Fault) as caught:
        _decode("POST", AGREEMENT, body)
    assert caught.value.code == code
    assert text in caught.value.message


def test_escaped_pairs_of_surrogates_are_one_character() -> None:
    body = b'{"offerToken": "x\\ud83d\\ude00", "modelId": "craton.tiny-text-v1"}'
    assert _decode("POST", AGREEMENT, body)["offerToken"] == "x😀"


def test_values_are_not_repeated_in_errors() -> None:
    with pytest.raises(Fault) as caught:
        _decode("GET", b"/foundation-models", query=b"byOutputModality=canary")
    assert "enum value set: [TEXT, IMAGE, EMBEDDING]" in caught.value.message
    assert "canary" not in caught.value.message
    with pytest.raises(Fault):
        _decode("GET", b"/model-customization-jobs", query=b"maxResults=1001")
    with pytest.raises(Fault) as caught:
        _decode("GET", b"/model-customization-jobs", query=b"maxResults=canary")
    assert "canary" not in caught.value.message


def test_unknown_output_members_are_a_defect() -> None:
    op = MODELS["bedrock"].operations["ListFoundationModels"]
    with pytest.raises(KeyError):
        encode_response(MODELS["bedrock"], op, {"nope": 1})
