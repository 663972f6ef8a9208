"""Strict reading of a model body: what is wrong is named, what is unknown is refused."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.manifest import ModelManifest

# Made once: json.dumps builds an encoder for every call with such settings. Nothing we write is circular.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


_MALFORMED = object()

OVERHEAD_BYTES = 1 << 20
"""What a body may hold beside its text: keys, many short turns, fields without effect."""
BYTES_A_TOKEN = 64
"""More bytes than a token stands for in running text, in which tokens of a few letters prevail."""


VALUES_BESIDE = 16_384
"""How many objects and arrays a long body may hold beside those that stand in its text, and four times the
quotes."""
_LONG = 1 << 20
"""Shorter bodies become a few dozen megabytes at most, whatever they hold."""


def invalid(problem: str) -> DomainError:
    """Return the error for a malformed body. `problem` names keys and limits, never values."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_MODEL_BODY,
        f"Malformed input request: {problem}, please reformat your input and try again.",
    )


def parse_object(body: bytes, model: ModelManifest) -> dict[str, Any]:
    """Parse a JSON object in UTF-8, without a byte order mark (RFC 8259, section 8.1).

    Raises DomainError(INVALID_MODEL_BODY) for anything else, NaN and Infinity too, and unread for a body
    that is longer than any that `model` could take, or holds more values: parsing costs time, and up to
    seventy times the body's memory.
    """
    if len(body) > OVERHEAD_BYTES + BYTES_A_TOKEN * model.max_input_tokens:
        raise DomainError(
            ErrorReason.ERROR_REASON_INVALID_MODEL_BODY, "Input is too long for requested model."
        )
    if len(body) > _LONG and _has_too_many_values(body, model):
        raise invalid("the body has too many objects, arrays or strings")
    try:
        # Given bytes, json.loads would take halves of surrogate pairs, and guess at UTF-16 and UTF-32.
        text = body.decode("utf-8")
        value = json.loads(text, parse_constant=_refuse_constant)
        if "\\u" in text:
            # Escapes can spell halves of surrogate pairs, which no text in UTF-8 holds, and so no message to
            # a model process.
            _ENCODER.encode(value).encode()
    except (ValueError, RecursionError):
        value = _MALFORMED
    if value is _MALFORMED:
        # Raised out here: the errors of the decoder and the parser hold the whole body.
        raise invalid("the body is not valid JSON")
    if not isinstance(value, dict):
        raise invalid("#: expected type: JSONObject")
    return value


def _has_too_many_values(body: bytes, model: ModelManifest) -> bool:
    # What stands inside texts is counted too: a text with more brackets than the model takes tokens is too
    # long for it as well.
    room = VALUES_BESIDE + model.max_input_tokens
    return body.count(b"{") + body.count(b"[") > room or body.count(b'"') > 4 * room


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("not a JSON number")


class Reader:
    """Takes typed keys out of a JSON object and refuses what is left over."""

    def __init__(self, value: Mapping[str, Any], where: str = "#") -> None:
        """Read `value`; `where` is its JSON pointer for error messages."""
        self._left = dict(value)
        self._where = where

    def text(self, key: str, *, required: bool = False) -> str | None:
        """Take a string."""
        value: str | None = self._take(key, str, "String", required)
        return value

    def object(self, key: str) -> Mapping[str, Any] | None:
        """Take an object."""
        value: Mapping[str, Any] | None = self._take(key, dict, "JSONObject", False)
        return value

    def array(self, key: str, *, required: bool = False, longest: int = 10_000) -> list[Any] | None:
        """Take an array of at most `longest` items."""
        value: list[Any] | None = self._take(key, list, "JSONArray", required)
        if value is not None and len(value) > longest:
            raise invalid(f"{self._where}/{key}: expected at most {longest} items")
        return value

    def boolean(self, key: str) -> bool | None:
        """Take a boolean."""
        value: bool | None = self._take(key, bool, "Boolean", False)
        return value

    def number(self, key: str, low: float, high: float) -> float | None:
        """Take a number within [low, high]."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise invalid(f"{self._where}/{key}: expected type: Number")
        if not low <= value <= high:
            raise invalid(f"{self._where}/{key}: expected a value from {low:g} to {high:g}")
        return float(value)

    def integer(self, key: str, low: int, high: int, *, required: bool = False) -> int | None:
        """Take an integer within [low, high]."""
        value: int | None = self._take(key, int, "Integer", required)
        if value is not None and not low <= value <= high:
            raise invalid(f"{self._where}/{key}: expected a value from {low} to {high}")
        return value

    def strings(self, key: str, longest: int) -> tuple[str, ...]:
        """Take an array of at most `longest` non-empty strings."""
        values = self.array(key, longest=longest) or []
        for index, value in enumerate(values):
            if not isinstance(value, str) or not value or len(value) > 4096:
                raise invalid(f"{self._where}/{key}/{index}: expected a string of 1 to 4096 characters")
        return tuple(values)

    def ignore(self, *keys: str) -> None:
        """Accept keys that have no effect on the answer."""
        for key in keys:
            self._left.pop(key, None)

    def value(self, key: str) -> Any:
        """Take a value of any type."""
        return self._left.pop(key, None)

    def done(self) -> None:
        """Refuse keys that nobody took."""
        for key in sorted(self._left):
            name = "".join(each if each.isprintable() else "\ufffd" for each in key[:64])
            raise invalid(f"{self._where}: extraneous key [{name}] is not permitted")

    def _take(self, key: str, kind: type, name: str, required: bool) -> Any:
        value = self._left.pop(key, None)
        if value is None:
            if required:
                raise invalid(f"{self._where}: required key [{key}] not found")
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise invalid(f"{self._where}/{key}: expected type: {name}")
        return value


def dump(value: Any) -> bytes:
    """Serialise compact JSON, UTF-8."""
    return _ENCODER.encode(value).encode()
