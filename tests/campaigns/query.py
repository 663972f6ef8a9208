"""The edge's query codec against botocore's serializer and parser, over every operation of iam and sts."""

import urllib.parse
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from random import Random
from typing import Any
from unittest.mock import patch

from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from services.edge.domain import xml_values
from services.edge.domain.faults import Fault
from services.edge.domain.model import QUERY_SERVICES, Operation, ServiceModel
from services.edge.domain.query import (
    decode_query,
    encode_error,
    encode_result,
    find_operation,
    parse_parameters,
)
from services.edge.domain.query_faults import QUERY_STATUS_OF
from services.edge.domain.response import HttpResponse
from tests.campaigns.boto_models import boto_model
from tests.campaigns.campaign import Campaign, Finding
from tests.campaigns.shape_values import WRONG_TEXT, Impossible, Values, wrong

_ATTEMPTS = 50
_TEXT = "abc &<>\"' ]]>\t\n\r\0\x0b\x1f\x7f\x85é中😀\u2028\ud800\udfff\ufffe\uffff"


class _Edge:
    """The service models, as the edge and as botocore read them."""

    def __init__(self) -> None:
        self.models = {name: ServiceModel.load(name) for name in QUERY_SERVICES}
        self.operations = [op for model in self.models.values() for op in model.operations.values()]
        self.boto = {name: boto_model(name, version) for name, version in QUERY_SERVICES.items()}
        self.serializer = create_serializer("query", include_validation=False)
        self.parser = create_parser("query")

    def serialize(self, op: Operation, values: dict[str, Any]) -> dict[str, str]:
        """Let botocore write a request's parameters."""
        operation = self.boto[op.service].operation_model(op.name)
        written = self.serializer.serialize_to_request(values, operation)["body"]
        return {name: str(value) for name, value in written.items()}

    def decode(self, op: Operation, form: bytes) -> dict[str, Any]:
        """Let the edge read a form."""
        model = self.models[op.service]
        parameters = parse_parameters("POST", b"", form)
        return decode_query(model, find_operation(model, parameters), parameters)

    def parse(self, op: Operation, response: HttpResponse) -> dict[str, Any]:
        """Let botocore read an answer."""
        headers = {name.decode(): value.decode() for name, value in response.headers}
        answer = {"status_code": response.status, "headers": headers, "body": response.body}
        shape = self.boto[op.service].operation_model(op.name).output_shape
        parsed: dict[str, Any] = self.parser.parse(answer, shape)
        return parsed


class QueryCampaign(Campaign):
    """One case is one request, answer or error."""

    name = "query"
    summary = (
        "Random valid inputs that botocore serialises are decoded to the same values; outputs and errors are "
        "parsed by botocore to the same, whatever characters they have; a wrong or doubled parameter is "
        "refused as AWS does, its value never repeated; damaged forms never crash. One of these a case, any "
        "operation."
    )
    fault = "an encoder that leaves carriage returns as they are."
    sources = (
        "services/edge/domain/constraints.py",
        "services/edge/domain/form.py",
        "services/edge/domain/form_values.py",
        "services/edge/domain/model.py",
        "services/edge/domain/query.py",
        "services/edge/domain/query_faults.py",
        "services/edge/domain/xml_values.py",
        "tests/campaigns/query.py",
        "tests/campaigns/shape_values.py",
    )

    def case(self, seed: int, index: int) -> None:
        """Run one of the kinds of cases."""
        random = self.random(seed, index)
        random.choice(_KINDS)(_edge(), random)

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Write a carriage return as it is, which a reader of XML takes for a newline."""
        with patch.dict(xml_values._ESCAPES, {"\r": "\r"}):
            yield


@cache
def _edge() -> _Edge:
    return _Edge()


def _drawn(edge: _Edge, random: Random, op: Operation, shape: str) -> dict[str, Any]:
    """Return values of a message that a form can hold: nothing in them is empty but lists and texts."""
    for _ in range(_ATTEMPTS):
        try:
            values: dict[str, Any] = Values(edge.models[op.service], random).value(shape)
        except Impossible:
            continue
        if shape != op.input.shape or _expressible(values, top=True):
            return values
    raise Impossible(f"no values of {shape}")


def _expressible(value: Any, *, top: bool = False) -> bool:
    if isinstance(value, dict):
        return (top or bool(value)) and all(map(_expressible, value.values()))
    return not isinstance(value, list) or all(map(_expressible, value))


def _form(parameters: dict[str, str]) -> bytes:
    return urllib.parse.urlencode(parameters).encode()


def _input(edge: _Edge, random: Random) -> None:
    op = random.choice(edge.operations)
    values = _drawn(edge, random, op, op.input.shape)
    try:
        decoded = edge.decode(op, _form(edge.serialize(op, values)))
    except Fault as fault:
        raise Finding(f"{op.name} refuses a valid input: {fault.message}") from fault
    if decoded != values:
        different = [name for name in values if decoded.get(name) != values[name]]
        raise Finding(f"{op.name}: {different or 'other members'} was decoded to another value")


def _output(edge: _Edge, random: Random) -> None:
    op = random.choice(edge.operations)
    values = _drawn(edge, random, op, op.output.shape)
    parsed = edge.parse(op, encode_result(edge.models[op.service], op, values, "r"))
    if parsed.pop("ResponseMetadata")["RequestId"] != "r" or parsed != values:
        different = [name for name in values if parsed.get(name) != values[name]]
        raise Finding(f"{op.name}: {different or 'other members'} was parsed to another value")


def _error(edge: _Edge, random: Random) -> None:
    """Write an error with any characters, and let botocore and a strict reader read it."""
    op = random.choice(edge.operations)
    code = random.choice(sorted(QUERY_STATUS_OF))
    message = "".join(random.choice(_TEXT) for _ in range(random.randrange(1, 30)))
    fault = Fault(code, QUERY_STATUS_OF[code], message)
    response = encode_error(edge.models[op.service].namespace, fault, "r")
    carried = "".join(each if _in_xml(each) else "\ufffd" for each in message)
    read = ElementTree.fromstring(response.body)  # noqa: S314 - written by the code under test
    error = edge.parse(op, response)["Error"]
    if (error["Code"], error["Message"]) != (code, carried):
        raise Finding(f"{code} with {message!r} was read as {error}")
    if read.findtext("{*}Error/{*}Message") != carried:
        raise Finding(f"{message!r} was read as something else")


def _in_xml(character: str) -> bool:
    """XML 1.0, production 2."""
    code = ord(character)
    return code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def _wrong_input(edge: _Edge, random: Random) -> None:
    """Make one parameter of a valid request wrong, or add one that must not be there."""
    for _ in range(_ATTEMPTS):
        op = random.choice(edge.operations)
        parameters = edge.serialize(op, _drawn(edge, random, op, op.input.shape))
        what, form = random.choice((_broken, _broken, _doubled, _unknown))(edge, random, op, parameters)
        if not what:
            continue
        try:
            decoded = edge.decode(op, form)
        except Fault as fault:
            if fault.status != QUERY_STATUS_OF.get(fault.code) or fault.status >= 500:
                raise Finding(f"{op.name}, {what}: refused with {fault.code}, {fault.status}") from fault
            if WRONG_TEXT in fault.message:
                raise Finding(f"{op.name}, {what}: the answer repeats the value") from fault
            return
        raise Finding(f"{op.name}, {what}: accepted as {decoded!r}")
    raise Impossible("no request that can be made wrong")


def _broken(edge: _Edge, random: Random, op: Operation, parameters: dict[str, str]) -> tuple[str, bytes]:
    """Break the constraint or the type of one member that is one value."""
    model = edge.models[op.service]
    members = model.shapes[op.input.shape]["members"]
    names = [name for name in members if name in parameters]
    names = [name for name in names if model.shapes[members[name]["shape"]]["type"] not in ("list", "map")]
    if not names:
        return "", b""
    name = random.choice(names)
    shape = members[name]["shape"]
    made = wrong(model, random, shape, parameters[name])
    # Every value is a text here, so that only some JSON values of another type are wrong too.
    if made is None or not isinstance(made[1], str | int) or isinstance(made[1], bool):
        return "", b""
    if "another type" in made[0] and (model.shapes[shape]["type"] == "string" or _is_text_of(made[1])):
        return "", b""
    return f"{name} {made[0]}", _form({**parameters, name: str(made[1])})


def _is_text_of(value: str | int) -> bool:
    """Whether this, as a text, may be a number or a truth value."""
    return str(value).isdigit() or value in ("true", "false")


def _doubled(_edge: _Edge, random: Random, _op: Operation, parameters: dict[str, str]) -> tuple[str, bytes]:
    name = random.choice(sorted(parameters))
    return f"{name} twice", _form(parameters) + b"&" + _form({name: WRONG_TEXT})


def _unknown(_edge: _Edge, random: Random, _op: Operation, parameters: dict[str, str]) -> tuple[str, bytes]:
    name = random.choice(sorted(parameters))
    added = random.choice((WRONG_TEXT, f"{name}.{WRONG_TEXT}", f"{name}.1"))
    return f"{added} as well", _form(parameters) + b"&" + _form({added: WRONG_TEXT})


def _damaged(edge: _Edge, random: Random) -> None:
    """Damage a form's bytes: it is decoded or refused, and nothing crashes."""
    op = random.choice(edge.operations)
    form = _form(edge.serialize(op, _drawn(edge, random, op, op.input.shape)))
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(form) + 1)
        piece = random.choice((*_PIECES, random.randbytes(3)))
        form = form[:at] + piece + form[min(len(form), at + random.choice((0, 1, 1, 8))) :]
    try:
        edge.decode(op, form)
    except Fault as fault:
        if fault.status != QUERY_STATUS_OF.get(fault.code) or fault.status >= 500:
            raise Finding(f"{op.name}, damaged: refused with {fault.code}, {fault.status}") from fault


_PIECES = (
    *(b"", b"%", b"%ff", b"%00", b"\xff", b"\0", b"&", b"=", b"&=", b".", b"+", b"-1", b"NaN", b"1e999"),
    *(b".member.1", b".entry.1.key", b"9" * 5000, b"a." * 40, b"&a" * 3000, b"%D9%A1", b"&Action=GetUser"),
)

_KINDS: tuple[Callable[[_Edge, Random], None], ...] = (
    _input,
    _input,
    _output,
    _output,
    _error,
    _wrong_input,
    _wrong_input,
    _damaged,
)
