"""Texts of policies that may hold policy variables: ${key}, ${key, 'default'}, and ${*} ${?} ${$}.

A variable stands for the request's value of that condition key, letter by letter: a * in it is no
wildcard. AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

_VARIABLE = re.compile(r"\$\{(?:(?P<literal>[*?$])|(?P<key>[^\s,'{}]+)(?:\s*,\s*'(?P<default>[^']*)')?)\}")
_WILDCARDS = {"*": ".*", "?": "."}

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.dot_nl = True
_OPTIONS.never_capture = True
_OPTIONS.case_sensitive = True


@dataclass(frozen=True, slots=True)
class Variable:
    """A condition key whose value is inserted; `default` for requests that do not carry it."""

    key: str
    """In lower case."""
    default: str | None


@dataclass(frozen=True, slots=True)
class Literal:
    """Text in which * and ? mean themselves."""

    text: str


Piece = str | Literal | Variable
"""A str is text as it stands in the policy, wildcards included."""
Template = tuple[Piece, ...]


def parse_template(text: str) -> Template:
    """Split a text into its pieces. Raises ValueError for `${` that begins no variable."""
    pieces: list[Piece] = []
    at = 0
    while (start := text.find("${", at)) >= 0:
        found = _VARIABLE.match(text, start)
        if found is None:
            raise ValueError("${ begins no policy variable: ${key}, ${key, 'default'}, ${*}, ${?} or ${$}")
        if start > at:
            pieces.append(text[at:start])
        literal, key = found["literal"], found["key"]
        pieces.append(Literal(literal) if literal else Variable(key.lower(), found["default"]))
        at = found.end()
    if at < len(text):
        pieces.append(text[at:])
    return tuple(pieces)


def keys_of(template: Template) -> tuple[str, ...]:
    """Return the condition keys that a template inserts, in lower case."""
    return tuple(piece.key for piece in template if isinstance(piece, Variable))


def is_plain(template: Template) -> bool:
    """Say whether a template is the text itself: no variable of any kind."""
    return all(isinstance(piece, str) for piece in template)


def insert(template: Template, context: Mapping[str, object]) -> tuple[str | Literal, ...] | None:
    """Insert a request's values. None when one is missing and has no default: such a text matches nothing."""
    pieces: list[str | Literal] = []
    for piece in template:
        if isinstance(piece, Variable):
            value = context.get(piece.key, piece.default)
            if not isinstance(value, str):
                # Missing, or several values, of which none is the one that was meant.
                return None
            pieces.append(Literal(value))
        else:
            pieces.append(piece)
    return tuple(pieces)


def text_of(pieces: tuple[str | Literal, ...]) -> str:
    """Return inserted pieces as one text, for operators without wildcards."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in pieces)


def matches(pieces: tuple[str | Literal, ...], text: str) -> bool:
    """Match a text against inserted pieces, in which * stands for any characters and ? for exactly one."""
    return _compiled(_expression(pieces)).fullmatch(text) is not None


def _expression(pieces: tuple[str | Literal, ...]) -> str:
    return "".join(
        "".join(_WILDCARDS.get(character) or re2.escape(character) for character in piece)
        if isinstance(piece, str)
        else re2.escape(piece.text)
        for piece in pieces
    )


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> Any:
    # Linear in the text whatever a tenant wrote, and bounded in number whatever tenants insert.
    return re2.compile(expression, _OPTIONS)


def split_parts(template: Template) -> list[Template]:
    """Split the template of an ARN at its colons, but none of a variable, into at most six parts."""
    parts: list[list[Piece]] = [[]]
    for piece in template:
        if not isinstance(piece, str):
            parts[-1].append(piece)
            continue
        first, *others = piece.split(":", 6 - len(parts)) if len(parts) < 6 else (piece,)
        if first:
            parts[-1].append(first)
        parts += [[other] if other else [] for other in others]
    return [tuple(part) for part in parts]
