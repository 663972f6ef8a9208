"""The rest-json protocol: HTTP requests to inputs, outputs and errors to HTTP responses.

Generic over every operation of the service models; nothing here knows a particular one.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from services.edge.domain.constraints import Violations
from services.edge.domain.faults import Fault, serialization, validation
from services.edge.domain.json_values import decode, decode_members, decode_text, dump, encode, parse
from services.edge.domain.model import Message, Operation, ServiceModel
from services.edge.domain.response import HttpResponse
from services.edge.domain.route import Route

JSON = b"application/json"


def parse_query(raw_query: bytes) -> dict[str, list[str]]:
    """Split and decode a query string. A plus sign is a plus sign, as the signature takes it."""
    result: dict[str, list[str]] = {}
    for part in raw_query.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            result.setdefault(_text(name), []).append(_text(value))
    return result


def _text(raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise serialization("The request is not valid UTF-8.") from error


def decode_request(
    model: ServiceModel, route: Route, raw_query: bytes, fields: Mapping[bytes, bytes], body: bytes
) -> dict[str, Any]:
    """Return the operation's input by member names, checked against every constraint. Raises Fault.

    `fields` must hold nothing but headers that the signature covers.
    """
    message = route.operation.input
    found = Violations()
    values: dict[str, Any] = {}
    labels = dict(route.labels)
    for binding in message.uri:
        text = labels[binding.wire_name]
        values[binding.member] = decode_text(model, binding.shape, text, binding.member, found)
    if message.query:
        _decode_query(model, route.operation, parse_query(raw_query), values, found)
    for binding in message.headers:
        raw = fields.get(binding.wire_name.encode())
        if raw is not None:
            text = raw.decode("latin-1")
            values[binding.member] = decode_text(model, binding.shape, text, binding.member, found)
    if message.payload is not None:
        values[message.payload] = _decode_payload(model, message, message.payload, body, found)
    elif message.body:
        values |= _decode_body(model, route.operation, body, found)
    for member in message.required:
        if member not in values and member not in message.body:
            found.add(member, "Member must not be null", missing=True)
    problem = found.message()
    if problem is not None:
        raise validation(problem)
    return values


def _decode_payload(
    model: ServiceModel, message: Message, payload: str, body: bytes, found: Violations
) -> Any:
    shape = model.shapes[message.shape]["members"][payload]["shape"]
    if model.shapes[shape]["type"] == "structure" and not model.shapes[shape].get("eventstream"):
        return decode(model, shape, parse(body) if body else {}, payload, found)
    return body


def _decode_query(
    model: ServiceModel,
    operation: Operation,
    query: Mapping[str, list[str]],
    values: dict[str, Any],
    found: Violations,
) -> None:
    for binding in operation.input.query:
        texts = query.get(binding.wire_name)
        if texts is None:
            continue
        shape = model.shapes[binding.shape]
        if shape["type"] == "list":
            item = shape["member"]["shape"]
            values[binding.member] = [decode_text(model, item, text, binding.member, found) for text in texts]
        else:
            values[binding.member] = decode_text(model, binding.shape, texts[-1], binding.member, found)


def _decode_body(model: ServiceModel, operation: Operation, body: bytes, found: Violations) -> dict[str, Any]:
    parsed = parse(body) if body else {}
    if not isinstance(parsed, dict):
        raise serialization("The body must be a JSON object.")
    shape = model.shapes[operation.input.shape]
    wanted = {
        "members": {name: shape["members"][name] for name in operation.input.body},
        "required": [name for name in shape.get("required", ()) if name in operation.input.body],
    }
    return decode_members(model, wanted, parsed, "", found)


def encode_response(model: ServiceModel, operation: Operation, output: Mapping[str, Any]) -> HttpResponse:
    """Render an output whose body is JSON."""
    message = operation.output
    members = model.shapes[message.shape]["members"]
    headers = [(b"content-type", JSON)]
    for binding in message.headers:
        value = output.get(binding.member)
        if value is not None:
            headers.append((binding.wire_name.encode(), str(value).encode("latin-1")))
    body = {
        members[name].get("locationName", name): encode(model, members[name]["shape"], output[name])
        for name in message.body
        if output.get(name) is not None
    }
    unknown = set(output) - set(members)
    if unknown:
        raise KeyError(f"{operation.name} has no output members {sorted(unknown)}")
    return HttpResponse(operation.success_status, tuple(headers), dump(body))


def encode_fault(fault: Fault) -> HttpResponse:
    """Render an exception: its name in the header that every SDK reads, its members in the body."""
    body = {"message": fault.message, **fault.members}
    headers = ((b"content-type", JSON), (b"x-amzn-errortype", fault.code.encode()))
    return HttpResponse(fault.status, headers, dump(body))
