"""Values of AWS's shapes in JSON, both ways: what rest-json and AWS JSON put into bodies.

Decoding collects every violation instead of stopping at the first, as AWS does, and never repeats a value in
a message: values are customer content.
"""

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from services.edge.domain.constraints import (
    Violations,
    length_violation,
    range_violation,
    string_violation,
)
from services.edge.domain.faults import serialization
from services.edge.domain.model import ServiceModel

_MAX_DEPTH = 64
_JSON_TYPE = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE", list: "START_ARRAY"}
_WANTED = {
    "string": "String",
    "integer": "Integer",
    "long": "Long",
    "float": "Float",
    "double": "Double",
    "boolean": "Boolean",
    "blob": "Blob",
    "timestamp": "Timestamp",
    "list": "List",
    "map": "Map",
    "structure": "Structure",
}


def _mistyped(value: Any, kind: str) -> Exception:
    found = "TRUE_VALUE" if isinstance(value, bool) else _JSON_TYPE.get(type(value), "START_OBJECT")
    return serialization(f"{found} can not be converted to a {_WANTED[kind]}")


def decode(
    model: ServiceModel, shape_name: str, value: Any, where: str, found: Violations, depth: int = 0
) -> Any:
    """Turn parsed JSON into Python values: datetimes, bytes, dicts. Raises Fault for a wrong JSON type."""
    shape = model.shapes[shape_name]
    kind = shape["type"]
    if depth > _MAX_DEPTH:
        raise serialization("The body is nested too deeply.")
    if kind == "structure":
        if shape.get("document"):
            return value
        if not isinstance(value, dict):
            raise _mistyped(value, kind)
        return decode_members(model, shape, value, where, found, depth)
    if kind == "list":
        if not isinstance(value, list):
            raise _mistyped(value, kind)
        found.note(where, length_violation(shape, len(value)))
        item = shape["member"]["shape"]
        return [
            decode(model, item, each, f"{where}.{index}.member", found, depth + 1)
            for index, each in enumerate(value, 1)
        ]
    if kind == "map":
        if not isinstance(value, dict):
            raise _mistyped(value, kind)
        found.note(where, length_violation(shape, len(value)))
        item = shape["value"]["shape"]
        key_shape = model.shapes[shape["key"]["shape"]]
        for key in value:
            found.note(f"{where}.key", string_violation(key_shape, key))
        return {
            key: decode(model, item, each, f"{where}.value", found, depth + 1) for key, each in value.items()
        }
    return _decode_scalar(shape, kind, value, where, found)


def decode_members(
    model: ServiceModel,
    shape: Mapping[str, Any],
    value: Mapping[str, Any],
    where: str,
    found: Violations,
    depth: int = 0,
) -> dict[str, Any]:
    """Decode a JSON object against the members, the required ones and the union rule of `shape`."""
    result = {}
    prefix = f"{where}." if where else ""
    for member, target in shape["members"].items():
        each = value.get(target.get("locationName", member))
        if each is not None:
            result[member] = decode(model, target["shape"], each, prefix + member, found, depth + 1)
    for member in shape.get("required", ()):
        if member not in result:
            found.add(prefix + member, "Member must not be null", missing=True)
    if shape.get("union") and len(result) != 1:
        found.add(where, "Exactly one member of the union must be set")
    return result


def _decode_scalar(shape: Mapping[str, Any], kind: str, value: Any, where: str, found: Violations) -> Any:
    if kind == "string":
        if not isinstance(value, str):
            raise _mistyped(value, kind)
        found.note(where, string_violation(shape, value))
        return value
    if kind == "boolean":
        if not isinstance(value, bool):
            raise _mistyped(value, kind)
        return value
    if kind in ("integer", "long"):
        if isinstance(value, bool) or not isinstance(value, int):
            raise _mistyped(value, kind)
        if not -(2**63) <= value < 2**63 or (kind == "integer" and not -(2**31) <= value < 2**31):
            raise serialization(f"NUMBER_VALUE can not be converted to a {_WANTED[kind]}")
        found.note(where, range_violation(shape, value))
        return value
    if kind in ("float", "double"):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _mistyped(value, kind)
        found.note(where, range_violation(shape, value))
        return float(value)
    if kind == "blob":
        if not isinstance(value, str):
            raise _mistyped(value, kind)
        try:
            data = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise serialization("STRING_VALUE can not be converted to a Blob") from error
        found.note(where, length_violation(shape, len(data)))
        return data
    return _decode_timestamp(value)


def _decode_timestamp(value: Any) -> datetime:
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise _mistyped(value, "timestamp")


def decode_text(model: ServiceModel, shape_name: str, text: str, where: str, found: Violations) -> Any:
    """Decode a value that travels as text: in the path, the query or a header. Raises Fault."""
    shape = model.shapes[shape_name]
    kind = shape["type"]
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind in ("integer", "long", "float", "double"):
        try:
            return _decode_scalar(
                shape, kind, int(text) if kind in ("integer", "long") else float(text), where, found
            )
        except ValueError as error:
            raise _mistyped(text, kind) from error
    return _decode_scalar(shape, kind, text, where, found)


def iso8601(moment: datetime) -> str:
    """Write a time as rest-json has it, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch_seconds(moment: datetime) -> float:
    """Write a time as AWS JSON has it: seconds since 1970 with milliseconds as their fraction."""
    return round(moment.timestamp(), 3)


def encode(
    model: ServiceModel,
    shape_name: str,
    value: Any,
    timestamp: Callable[[datetime], str | float] = iso8601,
) -> Any:
    """Turn Python values into what json.dumps writes. Raises KeyError for a member that the shape lacks."""
    shape = model.shapes[shape_name]
    kind = shape["type"]
    if kind == "structure":
        if shape.get("document"):
            return value
        members = shape["members"]
        return {
            members[name].get("locationName", name): encode(model, members[name]["shape"], each, timestamp)
            for name, each in value.items()
            if each is not None
        }
    if kind == "list":
        return [encode(model, shape["member"]["shape"], each, timestamp) for each in value]
    if kind == "map":
        return {key: encode(model, shape["value"]["shape"], each, timestamp) for key, each in value.items()}
    if kind == "timestamp":
        return timestamp(value)
    if kind == "blob":
        return base64.b64encode(value).decode()
    return value


def parse(body: bytes) -> Any:
    """Read a body. Raises Fault for what is not JSON."""

    def refuse(_literal: str) -> NoReturn:
        raise ValueError("NaN and Infinity are not JSON")

    try:
        # json.loads alone would guess UTF-16 and UTF-32, which RFC 8259 has no room for.
        value = json.loads(body.decode(), parse_constant=refuse)
        if b"\\u" in body:
            # Escapes can spell halves of surrogate pairs, which no text in UTF-8 holds: neither the patterns
            # nor the services behind could take them.
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as error:
        raise serialization("The body is not valid JSON.") from error


def dump(value: Any) -> bytes:
    """Write compact JSON in UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
