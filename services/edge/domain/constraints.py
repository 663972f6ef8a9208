"""The constraints of AWS's service models: lengths, ranges, enumerations and patterns.

Patterns run in google-re2 only, which works in linear time: some of AWS's patterns make a backtracking
engine hang on a chosen input. The length is checked before the pattern.
"""

import logging
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import re2

_log = logging.getLogger(__name__)
# RE2 caps counted repetitions at 1,000; the shape's length bound, or the body cap, bounds the rest.
_LONG_REPEAT = re.compile(r"\{(\d+),(\d{4,})\}")
_ANCHORS = re.compile(r"^\^|\$$")
# IAM's and STS's patterns write characters as Java does. Java takes four digits, so that the range above the
# basic plane, which is written with five and six, would not mean what it is written for.
_JAVA_CHARACTER = re.compile(r"\\u(10FFFF|10000|[0-9A-Fa-f]{4})")
# RE2 looks neither ahead nor behind. The one pattern that does bars two hyphens in a row; how long the text
# may be stands in the shape as well.
_WITHOUT_LOOKING = {r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$": "[a-z0-9]+(-[a-z0-9]+)*"}
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


def spelled(member: str) -> str:
    """Return a member's name as AWS's messages write it: "UserName" is "userName" there."""
    return member[:1].lower() + member[1:]


class Violations:
    """The constraints that one request breaks."""

    def __init__(self) -> None:
        """Start with none."""
        self._found: list[str] = []
        self.first = ""
        """The member of the input in which the first was found."""

    def add(self, where: str, constraint: str, *, missing: bool = False) -> None:
        """Note that the value at `where` breaks `constraint`."""
        value = "Value null" if missing else "Value"
        self.first = self.first or where.partition(".")[0]
        self._found.append(f"{value} at '{where}' failed to satisfy constraint: {constraint}")

    def note(self, where: str, constraint: str | None) -> None:
        """Note what a check found at `where`, if it found something."""
        if constraint is not None:
            self.add(where, constraint)

    def message(self) -> str | None:
        """Return AWS's text, None when there is nothing to complain about."""
        if not self._found:
            return None
        count = len(self._found)
        return f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(self._found)}"


@cache
def compile_pattern(pattern: str) -> Any:
    """Compile a pattern for a full match, None when it is not expressible in RE2.

    Smithy patterns are searches unless anchored, but AWS enforces the ones of Bedrock as full matches.
    """
    translated = _WITHOUT_LOOKING.get(pattern, pattern)
    translated = _LONG_REPEAT.sub(lambda match: f"{{{match[1]},}}", translated)
    translated = _JAVA_CHARACTER.sub(lambda match: f"\\x{{{match[1]}}}", translated)
    try:
        return re2.compile(translated, _OPTIONS)
    except re2.error:
        return None


def string_violation(shape: Mapping[str, Any], value: str) -> str | None:
    """Return AWS's description of the constraint that a string breaks, None when it breaks none."""
    violation = length_violation(shape, len(value))
    if violation is not None:
        return violation
    if "enum" in shape and value not in shape["enum"]:
        return f"Member must satisfy enum value set: [{', '.join(shape['enum'])}]"
    if "pattern" in shape:
        compiled = compile_pattern(shape["pattern"])
        if compiled is not None and compiled.fullmatch(value) is None:
            return f"Member must satisfy regular expression pattern: {shape['pattern']}"
    return None


def length_violation(shape: Mapping[str, Any], length: int) -> str | None:
    """Check the length of a string, blob, list or map."""
    if length < shape.get("min", 0):
        return f"Member must have length greater than or equal to {shape['min']}"
    if "max" in shape and length > shape["max"]:
        return f"Member must have length less than or equal to {shape['max']}"
    return None


def range_violation(shape: Mapping[str, Any], value: float) -> str | None:
    """Check a number."""
    if "min" in shape and value < shape["min"]:
        return f"Member must have value greater than or equal to {shape['min']}"
    if "max" in shape and value > shape["max"]:
        return f"Member must have value less than or equal to {shape['max']}"
    return None
