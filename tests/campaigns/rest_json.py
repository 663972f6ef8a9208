"""The edge's codec against botocore's serializer and parser, over every operation of the service models."""

import base64
import gzip
import json
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import botocore
from botocore.awsrequest import prepare_request_dict
from botocore.eventstream import EventStreamBuffer
from botocore.model import ServiceModel as BotoModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from services.edge.domain import eventstream, json_values
from services.edge.domain.faults import STATUS_OF, Fault, stream_exceptions
from services.edge.domain.json_values import dump
from services.edge.domain.model import SERVICES, Operation, ServiceModel
from services.edge.domain.rest_json import decode_request, encode_fault, encode_response
from services.edge.domain.route import Router
from tests.campaigns.campaign import Campaign, Finding
from tests.campaigns.shape_values import WRONG_TEXT, Impossible, Values, places, wrong

_HOST = "https://localhost"
_REFUSALS = {"ValidationException", "SerializationException"}
_ATTEMPTS = 50


class _Wire:
    """A request as botocore puts it on the wire."""

    def __init__(self, request: dict[str, Any]) -> None:
        prepare_request_dict(request, _HOST)
        raw = request["url"].removeprefix(_HOST).encode()
        self.method = request["method"]
        self.path, _, self.query = raw.partition(b"?")
        self.fields = {
            name.lower().encode(): str(value).encode("latin-1") for name, value in request["headers"].items()
        }
        body = request["body"]
        self.body = body if isinstance(body, bytes) else str(body).encode()


class _Edge:
    """Both service models, as the edge and as botocore read them."""

    def __init__(self) -> None:
        self.models = {name: ServiceModel.load(name) for name in SERVICES}
        self.router = Router(op for model in self.models.values() for op in model.operations.values())
        self.boto = {name: _boto(name) for name in SERVICES}
        self.serializer = create_serializer("rest-json", include_validation=False)
        self.parser = create_parser("rest-json")
        operations = [op for model in self.models.values() for op in model.operations.values()]
        self.asked = [op for op in operations if not self._takes_a_stream(op)]
        self.answered = [op for op in operations if op.output.payload is None]
        self.errors = stream_exceptions(self.models["bedrock-runtime"], "ResponseStream")

    def _takes_a_stream(self, op: Operation) -> bool:
        shapes = self.models[op.service].shapes
        payload = op.input.payload
        return bool(
            payload and shapes[shapes[op.input.shape]["members"][payload]["shape"]].get("eventstream")
        )

    def serialize(self, op: Operation, values: dict[str, Any]) -> _Wire:
        """Let botocore write a request."""
        operation = self.boto[op.service].operation_model(op.name)
        return _Wire(self.serializer.serialize_to_request(values, operation))

    def decode(self, wire: _Wire) -> dict[str, Any] | None:
        """Let the edge read it; None when no operation has the path."""
        route = self.router.find(wire.method, wire.path)
        if route is None:
            return None
        model = self.models[route.operation.service]
        return decode_request(model, route, wire.query, wire.fields, wire.body)


class RestJsonCampaign(Campaign):
    """One case is one request, answer or event stream."""

    name = "rest-json"
    summary = (
        "Random valid inputs that botocore serialises are decoded to the same values; outputs, errors and "
        "event streams are parsed by botocore to the same; a wrong member is refused as AWS does, its value "
        "never repeated; damaged requests never crash. One of these a case, any operation."
    )
    fault = "a decoder that drops a timestamp's fraction of a second."
    sources = (
        "services/edge/domain/constraints.py",
        "services/edge/domain/eventstream.py",
        "services/edge/domain/faults.py",
        "services/edge/domain/json_values.py",
        "services/edge/domain/model.py",
        "services/edge/domain/rest_json.py",
        "services/edge/domain/route.py",
        "tests/campaigns/rest_json.py",
        "tests/campaigns/shape_values.py",
    )

    def case(self, seed: int, index: int) -> None:
        """Run one of the five kinds of cases."""
        random = self.random(seed, index)
        random.choice(_KINDS)(_edge(), random)

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Decode timestamps to whole seconds."""
        original = json_values._decode_timestamp

        def whole_seconds(value: Any) -> datetime:
            return original(value).replace(microsecond=0)

        with patch.object(json_values, "_decode_timestamp", whole_seconds):
            yield


@cache
def _edge() -> _Edge:
    return _Edge()


def _boto(service: str) -> BotoModel:
    folder = Path(botocore.__file__).parent / "data" / service / SERVICES[service]
    return BotoModel(json.loads(gzip.decompress((folder / "service-2.json.gz").read_bytes())), service)


def _drawn(edge: _Edge, random: Random, op: Operation, shape: str) -> dict[str, Any]:
    """Return values of a message that can travel: no empty label, and texts of headers in ASCII."""
    model = edge.models[op.service]
    for _ in range(_ATTEMPTS):
        try:
            values: dict[str, Any] = Values(model, random).value(shape)
        except Impossible:
            continue
        for binding in op.input.headers + op.output.headers:
            constrained = {"enum", "pattern"} & set(model.shapes[binding.shape])
            if isinstance(values.get(binding.member), str) and not constrained:
                values[binding.member] = "text/plain"
        labels = [values.get(binding.member) for binding in op.input.uri]
        if shape != op.input.shape or not {"", ".", ".."} & set(map(str, labels)):
            return values
    raise Impossible(f"no values of {shape}")


def _input(edge: _Edge, random: Random) -> None:
    op = random.choice(edge.asked)
    values = _drawn(edge, random, op, op.input.shape)
    try:
        decoded = edge.decode(edge.serialize(op, values))
    except Fault as fault:
        raise Finding(f"{op.name} refuses a valid input: {fault.message}") from fault
    if decoded is None:
        raise Finding(f"{op.name}: no route")
    for member, value in values.items():
        if value in ([], {}, None) and member not in decoded:
            continue  # An empty list leaves no trace in a query string.
        if decoded.get(member) != value:
            raise Finding(f"{op.name}, {member}: {value!r} was decoded to {decoded.get(member)!r}")


def _output(edge: _Edge, random: Random) -> None:
    op = random.choice(edge.answered)
    values = _drawn(edge, random, op, op.output.shape)
    response = encode_response(edge.models[op.service], op, values)
    headers = {name.decode(): value.decode() for name, value in response.headers}
    shape = edge.boto[op.service].operation_model(op.name).output_shape
    answer = {"status_code": response.status, "headers": headers, "body": response.body}
    parsed = edge.parser.parse(answer, shape)
    parsed.pop("ResponseMetadata")
    if parsed != values:
        different = [name for name in values if parsed.get(name) != values[name]]
        raise Finding(f"{op.name}: {different or 'other members'} was parsed to another value")


def _wrong_input(edge: _Edge, random: Random) -> None:
    """Put one wrong value into a valid request: into its body, its query or its path."""
    for _ in range(_ATTEMPTS):
        op = random.choice(edge.asked)
        values = _drawn(edge, random, op, op.input.shape)
        wire = edge.serialize(op, values)
        what = random.choice((_wrong_body, _wrong_body, _wrong_query, _missing))(
            edge, random, op, wire, values
        )
        if what is None:
            continue
        try:
            decoded = edge.decode(wire)
        except Fault as fault:
            if fault.code not in _REFUSALS or fault.status != 400:
                raise Finding(f"{op.name}, {what}: refused with {fault.code}, {fault.status}") from fault
            if WRONG_TEXT in fault.message:
                raise Finding(f"{op.name}, {what}: the answer repeats the value") from fault
            return
        raise Finding(f"{op.name}, {what}: accepted as {decoded!r}")
    raise Impossible("no request that can be made wrong")


def _wrong_body(edge: _Edge, random: Random, op: Operation, wire: _Wire, _values: Any) -> str | None:
    model = edge.models[op.service]
    if not op.input.body:
        return None
    body = json.loads(wire.body or b"{}")
    inside = list(places(model, op.input.shape, body, ""))
    if not inside:
        return None
    where, shape, holder, key = random.choice(inside)
    made = wrong(model, random, shape, holder[key])
    if made is None:
        return None
    holder[key] = made[1]
    wire.body = dump(body)
    return f"{where} {made[0]}"


def _wrong_query(edge: _Edge, random: Random, op: Operation, wire: _Wire, _values: Any) -> str | None:
    model = edge.models[op.service]
    if not op.input.query:
        return None
    binding = random.choice(op.input.query)
    made = wrong(model, random, binding.shape, [])
    if made is None or not isinstance(made[1], str | int) or isinstance(made[1], bool):
        return None
    if model.shapes[binding.shape]["type"] in ("string", "list") and not isinstance(made[1], str):
        return None  # Every number is a text in a query.
    if (
        model.shapes[binding.shape]["type"] != "string"
        and "another type" in made[0]
        and made[1] in ("1", 1, 0)
    ):
        return None
    if model.shapes[binding.shape]["type"] in ("list", "boolean"):
        return None
    name = urllib.parse.quote(binding.wire_name, safe="")
    kept = [part for part in wire.query.split(b"&") if part and not part.startswith(f"{name}=".encode())]
    wire.query = b"&".join([*kept, f"{name}={urllib.parse.quote(str(made[1]), safe='')}".encode()])
    return f"{binding.member} in the query {made[0]}"


def _missing(_edge: _Edge, random: Random, op: Operation, wire: _Wire, _values: Any) -> str | None:
    body = json.loads(wire.body or b"{}") if op.input.body else {}
    present = sorted(op.input.required & set(op.input.body) & set(body))
    if not present:
        return None
    name = random.choice(present)
    if random.random() < 0.5:
        del body[name]
    else:
        body[name] = None
    wire.body = dump(body)
    return f"{name} missing"


def _damaged(edge: _Edge, random: Random) -> None:
    """Damage a request's bytes: it is decoded, refused, or has no route, and nothing crashes."""
    op = random.choice(edge.asked)
    wire = edge.serialize(op, _drawn(edge, random, op, op.input.shape))
    for _ in range(random.randint(1, 4)):
        part = random.choice(("body", "body", "query", "path"))
        setattr(wire, part, _hit(random, getattr(wire, part)))
    try:
        edge.decode(wire)
    except Fault as fault:
        if fault.code not in _REFUSALS or fault.status != 400:
            raise Finding(f"{op.name}, damaged: refused with {fault.code}, {fault.status}") from fault


def _hit(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    until = min(len(data), at + random.choice((0, 1, 1, 8)))
    pieces = (
        b"",
        b"%",
        b"%ff",
        b"%00",
        b"\xff",
        b"\0",
        b"[" * 2000,
        b"{",
        b"]",
        b'"',
        b"\\ud800",
        b"&=",
        b"/",
    )
    more = (b"1e999", b"-1", b"null", b"true", b"9" * 5000, b"NaN", b'{"a":', random.randbytes(3))
    return data[:at] + random.choice((*pieces, *more)) + data[until:]


def _stream(edge: _Edge, random: Random) -> None:
    """Write an event stream or an error, and let botocore read it."""
    payloads = [random.randbytes(random.choice((0, 1, 100, 3000))) for _ in range(random.randrange(4))]
    code = random.choice(sorted(STATUS_OF))
    message = "".join(random.choice('abc "\\é中😀\n\0') for _ in range(random.randrange(30)))
    fault = Fault(code, STATUS_OF[code], message, {"resourceName": "m"} if random.random() < 0.3 else {})
    buffer = EventStreamBuffer()
    data = b"".join(eventstream.chunk(payload, random.randrange(256)) for payload in payloads)
    data += eventstream.exception(fault, edge.errors)
    at = random.randrange(len(data))
    events = []
    for part in (data[:at], data[at:]):
        buffer.add_data(part)
        events += list(buffer)
    read = [base64.b64decode(json.loads(event.payload)["bytes"]) for event in events[:-1]]
    name = events[-1].headers[":exception-type"]
    declared = code if code in edge.errors else "InternalServerException"
    told = json.loads(events[-1].payload)["message"]
    if read != payloads or (name[0].upper() + name[1:], told) != (declared, message):
        raise Finding(f"a stream of {len(payloads)} chunks and {code} was read as {len(read)} and {name}")
    response = encode_fault(fault)
    headers = {key.decode(): value.decode() for key, value in response.headers}
    answer = {"status_code": response.status, "headers": headers, "body": response.body}
    error = edge.parser.parse(answer, None)["Error"]
    if error != {"Code": code, "Message": message}:
        raise Finding(f"{code} with {message!r} was read as {error}")


_KINDS: tuple[Callable[[_Edge, Random], None], ...] = (
    _input,
    _input,
    _output,
    _wrong_input,
    _wrong_input,
    _damaged,
    _stream,
)
