"""Random values of the service models' shapes: valid ones, and valid ones with one thing made wrong."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from re import _constants as sre  # type: ignore[attr-defined]  # the parse tree has no public name
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from services.edge.domain.model import ServiceModel

_TEXT = "abc XYZ/:%é+&=01'\"\\<>{}~中😀"
_DEPTH = 4
"""Below this only required members are given: some shapes contain themselves."""
_UNICODE = re.compile(r"\\p\{[LMNZ]\}")
_SPACE = " \t"
_CATEGORIES = {
    sre.CATEGORY_DIGIT: "0123456789",
    sre.CATEGORY_SPACE: _SPACE,
    sre.CATEGORY_NOT_SPACE: "abcXYZ019-_:/é",
    sre.CATEGORY_WORD: "abcXYZ019_",
}


class Impossible(Exception):  # noqa: N818 (no error: another value is tried)
    """No value was found that keeps every constraint of the shape."""


def matching(random: Random, pattern: str) -> str:
    """Return a text that fits a pattern of a service model."""
    return _text_of(random, parser.parse(_UNICODE.sub("éßa", _written_for_java(pattern))))


def _written_for_java(pattern: str) -> str:
    """Return a pattern in which Python, too, takes five and six digits for one character."""
    return pattern.replace(r"\u10000-\u10FFFF", r"\U00010000-\U0010FFFF")


def _text_of(random: Random, tree: Any) -> str:
    return "".join(_piece(random, op, value) for op, value in tree)


def _piece(random: Random, op: Any, value: Any) -> str:
    if op is sre.LITERAL:
        return chr(value)
    if op is sre.NOT_LITERAL:
        return random.choice([each for each in "abcXYZ01 -_/é" if ord(each) != value])
    if op is sre.ANY:
        return random.choice("abcXYZ01 -_/é中")
    if op is sre.IN:
        return _one_of(random, value)
    if op is sre.BRANCH:
        return _text_of(random, random.choice(value[1]))
    if op is sre.SUBPATTERN:
        return _text_of(random, value[3])
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        low, high, inner = value
        count = random.randint(low, min(int(high), low + random.choice((0, 1, 3, 12))))
        return "".join(_text_of(random, inner) for _ in range(count))
    if op in (sre.AT, sre.ASSERT_NOT):
        # What it bars is found when the whole text is compared with the pattern.
        return ""
    raise Impossible(f"a pattern with {op}")


def _one_of(random: Random, choices: Any) -> str:
    if choices[0][0] is sre.NEGATE:
        barred = re.compile("|".join(_class_of(choice) for choice in choices[1:]))
        return random.choice([each for each in "abcXYZ01 -_/:<>é" if not barred.fullmatch(each)])
    op, value = random.choice(choices)
    if op is sre.LITERAL:
        return chr(value)
    if op is sre.RANGE:
        return chr(random.randint(value[0], min(value[1], value[0] + 200)))
    if op is sre.CATEGORY:
        return random.choice(_CATEGORIES[value])
    raise Impossible(f"a class with {op}")


def _class_of(choice: Any) -> str:
    op, value = choice
    if op is sre.LITERAL:
        return re.escape(chr(value))
    if op is sre.RANGE:
        return f"[{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}]"
    return r"\s" if value is sre.CATEGORY_SPACE else r"\S"


class Values:
    """Makes values of one model's shapes."""

    def __init__(self, model: ServiceModel, random: Random) -> None:
        """Draw from `random`."""
        self._model = model
        self._random = random

    def value(self, name: str, depth: int = 0) -> Any:
        """Return a value that keeps every constraint. Raises Impossible when none was found."""
        shape = self._model.shapes[name]
        made: Callable[[Any, int], Any] = getattr(self, f"_{shape['type']}")
        return made(shape, depth)

    def _structure(self, shape: Any, depth: int) -> Any:
        if shape.get("document"):
            # A member that is null is a member that is not there.
            return self._document(3) or {}
        members = list(shape["members"])
        if shape.get("union"):
            wanted = {self._random.choice(members)}
        else:
            share = self._random.choice((0.1, 0.5, 0.9)) if depth < _DEPTH else 0.0
            wanted = {each for each in members if self._random.random() < share}
            wanted |= set(shape.get("required", ()))
        return {
            each: self.value(shape["members"][each]["shape"], depth + 1) for each in members if each in wanted
        }

    def _document(self, depth: int) -> Any:
        kind = self._random.randrange(6 if depth else 4)
        if kind == 4:
            return [self._document(depth - 1) for _ in range(self._random.randrange(3))]
        if kind == 5:
            return {self._plain(3): self._document(depth - 1) for _ in range(self._random.randrange(3))}
        return (None, self._random.random() < 0.5, self._random.randint(-(10**6), 10**6), self._plain(5))[
            kind
        ]

    def _list(self, shape: Any, depth: int) -> Any:
        low = shape.get("min", 0)
        count = low if depth > _DEPTH else low + self._random.randrange(3)
        return [
            self.value(shape["member"]["shape"], depth + 1)
            for _ in range(min(count, shape.get("max", count)))
        ]

    def _map(self, shape: Any, depth: int) -> Any:
        low, most = shape.get("min", 0), shape.get("max", 3)
        made: dict[str, Any] = {}
        for _ in range(20):
            if len(made) >= min(most, max(low, self._random.randrange(3))):
                return made
            made[self.value(shape["key"]["shape"])] = self.value(shape["value"]["shape"], depth + 1)
        raise Impossible("too few different keys")

    def _string(self, shape: Any, _depth: int) -> str:
        if "enum" in shape:
            return str(self._random.choice(shape["enum"]))
        low, most = shape.get("min", 0), shape.get("max", 10**6)
        if "pattern" not in shape:
            length = self._random.choice((low, low + 1, min(most, low + self._random.randrange(40))))
            return self._plain(min(most, max(low, length)))
        for _ in range(50):
            text = matching(self._random, shape["pattern"])
            if 0 < len(text) < low:
                # Most patterns of longer texts are one class, repeated.
                text = (text * low)[: self._random.choice((low, min(most, low + 5)))]
            if low <= len(text) <= most and not _pattern_bars(shape["pattern"], text):
                return text
        raise Impossible(f"no text of {low} to {most} characters for {shape['pattern']}")

    def _plain(self, length: int) -> str:
        return "".join(self._random.choice(_TEXT) for _ in range(length))

    def _integer(self, shape: Any, _depth: int) -> int:
        low = int(shape.get("min", -(2**31)))
        high = int(shape.get("max", 2**31 - 1))
        return self._random.choice((low, high, self._random.randint(low, high)))

    def _long(self, shape: Any, _depth: int) -> int:
        low = int(shape.get("min", -(2**63)))
        high = int(shape.get("max", 2**63 - 1))
        return self._random.choice((low, high, self._random.randint(low, high)))

    def _double(self, shape: Any, _depth: int) -> float:
        low, high = float(shape.get("min", -1e9)), float(shape.get("max", 1e9))
        return self._random.choice((low, high, self._random.uniform(low, high)))

    _float = _double

    def _boolean(self, _shape: Any, _depth: int) -> bool:
        return self._random.random() < 0.5

    def _blob(self, shape: Any, _depth: int) -> bytes:
        low = shape.get("min", 0)
        return self._random.randbytes(
            min(shape.get("max", 10**6), low + self._random.choice((0, 1, 2, 3, 50)))
        )

    def _timestamp(self, _shape: Any, _depth: int) -> datetime:
        # Milliseconds are what the edge writes; years as far as anybody's clock.
        return datetime(1990, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self._random.randrange(2 * 10**12))


WRONG_TEXT = "Kanarienvogel"
"""Stands in wrong texts: no answer may repeat it."""


def wrong(model: ServiceModel, random: Random, name: str, value: Any) -> tuple[str, Any] | None:
    """Return what was made wrong and a JSON value that breaks a constraint or the type of a shape.

    None when the shape accepts what was thought of.
    """
    shape = model.shapes[name]
    kind = shape["type"]
    if kind == "structure" and shape.get("document"):
        return None
    candidates: list[tuple[str, Any]] = [(f"{kind} of another type", each) for each in _OTHER_TYPES[kind]]
    low, most = shape.get("min", 0), shape.get("max")
    if kind == "string":
        if "enum" in shape:
            candidates.append(("no member of the enumeration", WRONG_TEXT))
        if low:
            candidates.append(("too short", "a" * (low - 1)))
        if most is not None and most < 5000:
            candidates.append(("too long", (WRONG_TEXT * (most // 13 + 1))[: most + 1]))
        barred = f"\0\1{WRONG_TEXT}"
        if "pattern" in shape and _pattern_bars(shape["pattern"], barred):
            candidates.append(("against the pattern", barred))
    elif kind in ("integer", "long", "float", "double"):
        if "min" in shape:
            candidates.append(("too small", shape["min"] - 1))
        if most is not None:
            candidates.append(("too large", most + 1))
        if kind == "integer":
            candidates += [("no integer of 32 bits", 2**31), ("no integer of 32 bits", -(2**31) - 1)]
        if kind == "long":
            candidates.append(("no integer of 64 bits", 2**63))
    elif kind == "list" and most is not None and most < 200 and value:
        candidates.append(("too many", [value[0]] * (most + 1)))
    if kind in ("list", "map") and low:
        candidates.append(("too few", [] if kind == "list" else {}))
    if kind == "structure" and shape.get("union"):
        candidates.append(("a union of nothing", {}))
    return random.choice(candidates)


def places(model: ServiceModel, name: str, value: Any, where: str) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield every value in a body that a shape speaks about, with what holds it."""
    shape = model.shapes[name]
    kind = shape["type"]
    inner: list[tuple[Any, str]] = []
    if kind == "structure" and not shape.get("document"):
        inner = [
            (target.get("locationName", member), target["shape"])
            for member, target in shape["members"].items()
            if "location" not in target and target.get("locationName", member) in value
        ]
    elif kind == "list":
        inner = [(number, shape["member"]["shape"]) for number in range(len(value))]
    elif kind == "map":
        inner = [(key, shape["value"]["shape"]) for key in value]
    for key, target in inner:
        yield f"{where}.{key}", target, value, key
        yield from places(model, target, value[key], f"{where}.{key}")


_OTHER_TYPES: dict[str, tuple[Any, ...]] = {
    "structure": ("text", 1, [], True),
    "list": ("text", 1, {}, False),
    "map": ("text", 1, [], True),
    "string": (1, True, [], {}, 1.5),
    "integer": ("1", 1.5, True, [], {}, 10**30),
    "long": ("1", 1.5, True, [], {}, 10**30),
    "float": ("1", True, [], {}),
    "double": ("1", True, [], {}),
    "boolean": ("true", 0, 1, [], {}),
    "blob": (1, "*", "YQ", "YQ==YQ==", [], {}),
    "timestamp": ("yesterday", "", [], {}, True, 1e300, "2026-13-01T00:00:00Z"),
}


def _pattern_bars(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(_written_for_java(pattern), text) is None
    except re.error:
        return False
