"""Patterns with * and ?, compiled so that no policy can make an evaluation slow.

Tenants write the patterns, so no backtracking engine is used: literal pieces are found from left to
right, which is exact for *, and patterns that also hold ? go to RE2, whose time is linear in the text.
"""

from collections.abc import Callable

import re2

Matcher = Callable[[str], bool]

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.dot_nl = True
_OPTIONS.never_capture = True


def has_wildcard(pattern: str) -> bool:
    """True when the pattern is more than a literal."""
    return "*" in pattern or "?" in pattern


def literal_prefix(pattern: str) -> str:
    """Return what every match begins with."""
    return pattern.partition("*")[0].partition("?")[0]


def matcher(pattern: str) -> Matcher:
    """Compile a pattern: * stands for any characters, also none, ? for exactly one."""
    if "?" in pattern:
        return _re2(pattern)
    pieces = pattern.split("*")
    if len(pieces) == 1:
        return pattern.__eq__
    first, *middle, last = pieces
    wanted = tuple(piece for piece in middle if piece)
    shortest = sum(map(len, pieces))

    def matches(text: str) -> bool:
        end = len(text) - len(last)
        if len(text) < shortest or not text.startswith(first) or not text.endswith(last):
            return False
        at = len(first)
        for piece in wanted:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    return matches


def _re2(pattern: str) -> Matcher:
    wildcards = {"*": ".*", "?": "."}
    expression = "".join(wildcards.get(character) or re2.escape(character) for character in pattern)
    fullmatch = re2.compile(expression, _OPTIONS).fullmatch

    def matches(text: str) -> bool:
        return fullmatch(text) is not None

    return matches
