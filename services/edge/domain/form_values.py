"""Values of AWS's shapes in the parameters of the query protocol.

As with JSON, every violation is collected and no value is repeated in a message. Unlike AWS this refuses a
parameter that the operation does not have: what a newer client restricts by it must not be left out silently.
AWS: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from services.edge.domain.constraints import (
    Violations,
    length_violation,
    range_violation,
    spelled,
    string_violation,
)
from services.edge.domain.form import Node
from services.edge.domain.model import ServiceModel
from services.edge.domain.query_faults import invalid_parameters, malformed_input

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_INDEX = re.compile(r"[1-9][0-9]{0,4}")
_BITS = {"integer": 31, "long": 63}


def is_flattened(model: ServiceModel, target: Mapping[str, Any]) -> bool:
    """Whether a list or map travels without an element around it."""
    return bool(target.get("flattened", model.shapes[target["shape"]].get("flattened", False)))


def wire_name(model: ServiceModel, member: str, target: Mapping[str, Any]) -> str:
    """Return the name of a structure's member on the wire; a flattened list goes by its items' name."""
    shape = model.shapes[target["shape"]]
    if shape["type"] == "list" and is_flattened(model, target):
        own = shape["member"].get("locationName")
        if own is not None:
            return str(own)
    return str(target.get("locationName", member))


def decode_structure(
    model: ServiceModel, shape_name: str, node: Mapping[str, Node], where: str, found: Violations
) -> dict[str, Any]:
    """Decode what stands below a structure's name. Raises Fault for what has the wrong form."""
    shape = model.shapes[shape_name]
    prefix = f"{where}." if where else ""
    result: dict[str, Any] = {}
    known = 0
    for member, target in shape["members"].items():
        below = node.get(wire_name(model, member, target))
        if below is not None:
            known += 1
            result[member] = _decode(model, target, below, prefix + spelled(member), found)
    if known < len(node):
        inside = f"below {where}" if where else "at its top"
        raise invalid_parameters(f"The request has a parameter {inside} that its operation does not have.")
    for member in shape.get("required", ()):
        if member not in result:
            found.add(prefix + spelled(member), "Member must not be null", missing=True)
    if shape.get("union") and len(result) != 1:
        found.add(where, "Exactly one member of the union must be set")
    return result


def _decode(model: ServiceModel, target: Mapping[str, Any], node: Node, where: str, found: Violations) -> Any:
    name = target["shape"]
    shape = model.shapes[name]
    kind = shape["type"]
    if kind == "structure":
        return decode_structure(model, name, _below(node, where), where, found)
    if kind == "list":
        # An empty list is written as the name with an empty value.
        items = () if node == "" else _items(model, target, shape, node, where)
        values = [
            _decode(model, shape["member"], each, f"{where}.{index}.member", found)
            for index, each in enumerate(items, 1)
        ]
        found.note(where, length_violation(shape, len(values)))
        return values
    if kind == "map":
        return _decode_map(model, target, shape, node, where, found)
    if not isinstance(node, str):
        raise malformed_input(f"The value at {where} is one value and has no parameters below it.")
    return _decode_scalar(shape, kind, node, where, found)


def _below(node: Node, where: str) -> Mapping[str, Node]:
    if isinstance(node, str):
        raise malformed_input(f"The value at {where} consists of parameters below it, not of one value.")
    return node


def _items(
    model: ServiceModel, target: Mapping[str, Any], shape: Mapping[str, Any], node: Node, where: str
) -> Iterator[Node]:
    """Return a list's or map's items by their numbers, which are 1, 2, 3 and so on."""
    numbered = _below(node, where)
    if not is_flattened(model, target):
        around = "entry" if shape["type"] == "map" else shape["member"].get("locationName", "member")
        if set(numbered) != {around}:
            raise malformed_input(f"The items at {where} are named {around}.1, {around}.2 and so on.")
        numbered = _below(numbered[around], where)
    if any(_INDEX.fullmatch(key) is None or int(key) > len(numbered) for key in numbered):
        raise malformed_input(f"The items at {where} are numbered from 1, without gaps.")
    return (numbered[str(index)] for index in range(1, len(numbered) + 1))


def _decode_map(
    model: ServiceModel,
    target: Mapping[str, Any],
    shape: Mapping[str, Any],
    node: Node,
    where: str,
    found: Violations,
) -> dict[str, Any]:
    key_name = shape["key"].get("locationName", "key")
    value_name = shape["value"].get("locationName", "value")
    result: dict[str, Any] = {}
    for item in _items(model, target, shape, node, where):
        entry = _below(item, where)
        if set(entry) != {key_name, value_name}:
            raise malformed_input(f"An entry at {where} has the parameters {key_name} and {value_name}.")
        key = _decode(model, shape["key"], entry[key_name], f"{where}.key", found)
        if key in result:
            raise malformed_input(f"Two entries at {where} have the same key.")
        result[key] = _decode(model, shape["value"], entry[value_name], f"{where}.value", found)
    found.note(where, length_violation(shape, len(result)))
    return result


def _decode_scalar(shape: Mapping[str, Any], kind: str, text: str, where: str, found: Violations) -> Any:
    if kind == "string":
        found.note(where, string_violation(shape, text))
        return text
    if kind == "boolean":
        if text not in ("true", "false"):
            raise malformed_input(f"The value at {where} is true or false.")
        return text == "true"
    if kind in _BITS:
        number = int(text) if _INTEGER.fullmatch(text) is not None else 1 << 64
        if not -(1 << _BITS[kind]) <= number < 1 << _BITS[kind]:
            raise malformed_input(f"The value at {where} is an integer of {_BITS[kind] + 1} bits.")
        found.note(where, range_violation(shape, number))
        return number
    if kind in ("float", "double"):
        if _NUMBER.fullmatch(text) is None:
            raise malformed_input(f"The value at {where} is a decimal number.")
        found.note(where, range_violation(shape, float(text)))
        return float(text)
    if kind == "blob":
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise malformed_input(f"The value at {where} is base64.") from error
        found.note(where, length_violation(shape, len(data)))
        return data
    return _decode_timestamp(text, where)


def _decode_timestamp(text: str, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise malformed_input(f"The value at {where} is a date and time of ISO 8601.") from error
