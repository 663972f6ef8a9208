"""Reading the JSON text of a policy document, strictly, with the line of what is wrong."""

import json
from typing import Any

from services.chassis.policy.elements import DOCUMENT, DocumentError
from services.chassis.policy.positions import Positions, position, strings

_MAX_DEPTH = 100
"""No policy is nested more deeply."""


def decode(document: str) -> Any:
    """Return the JSON value of a document. Raises DomainError(UNSUPPORTED_POLICY)."""
    twice = False

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        found = dict(pairs)
        twice |= len(found) != len(pairs)
        return found

    try:
        value = json.loads(document, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise DocumentError(DOCUMENT, "is not JSON in UTF-8", error.lineno) from error
    except RecursionError as error:
        raise DocumentError(DOCUMENT, "is nested too deeply", _line_of_depth(document)) from error
    except ValueError as error:
        # A number of more digits than Python reads, which no element takes anyway.
        raise DocumentError(DOCUMENT, "is not JSON in UTF-8", 1) from error
    if twice:
        at = Positions(document).repeated_name
        raise DocumentError(DOCUMENT, "has an object that names the same key twice", at.line if at else 1)
    # Escapes can spell halves of surrogate pairs, which no UTF-8 text, and so no request, can hold.
    if "\\u" in document or not _is_utf8(document):
        for offset, text in strings(document):
            if not _is_utf8(text):
                raise DocumentError(DOCUMENT, "is not JSON in UTF-8", position(document, offset).line)
    return value


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def line_of_excess(document: str, max_chars: int) -> int:
    """Return the line of the first character, white space not counted, that is too many."""
    line = 1
    for character in document:
        if character == "\n":
            line += 1
        elif not character.isspace():
            max_chars -= 1
            if max_chars < 0:
                break
    return line


def _line_of_depth(document: str) -> int:
    """Return the line in which a document is nested more deeply than any policy."""
    depth, line = 0, 1
    for character in document:
        depth += (character in "[{") - (character in "]}")
        line += character == "\n"
        if depth > _MAX_DEPTH:
            break
    return line


def size(document: str) -> int:
    """Return the characters of a document that limits count: all but white space."""
    return sum(not character.isspace() for character in document)
