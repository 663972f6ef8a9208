"""The parameters of the query protocol, as they stand in a form or a query string: names with dots as a tree.

A signature covers the bytes and not what they mean, so that nothing here is guessed: a name that comes twice,
or that is a value and a prefix of others, is refused instead of letting one of them win.
"""

import re
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from services.edge.domain.query_faults import invalid_parameters, malformed_query

Node: TypeAlias = "str | dict[str, Node]"
"""A value, or what stands below a name."""

MAX_PARAMETERS = 2_000
"""More than any operation takes with its lists filled: fifty tags make a hundred."""
_MAX_NAME = 256
_MAX_DEPTH = 16
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def parse_form(raw: bytes, *, plus_is_space: bool) -> dict[str, Node]:
    """Read `name=value&...`. Raises Fault: MalformedQueryString, InvalidQueryParameter.

    A plus sign is a space in a form, and a plus sign in a query string, as the signature takes it.
    """
    tree: dict[str, Node] = {}
    parts = raw.split(b"&", MAX_PARAMETERS)
    if len(parts) > MAX_PARAMETERS:
        raise invalid_parameters(f"A request has at most {MAX_PARAMETERS} parameters.")
    for number, part in enumerate(parts, 1):
        if not part:
            continue
        if plus_is_space:
            part = part.replace(b"+", b" ")
        name, _, value = part.partition(b"=")
        _insert(tree, _text(name, number), _text(value, number), number)
    return tree


def _text(raw: bytes, number: int) -> str:
    if b"%" not in raw and raw.isascii():
        return raw.decode()
    if _BROKEN_ESCAPE.search(raw) is not None:
        raise malformed_query(f"Parameter {number} has a percent sign without two hex digits.")
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise malformed_query(f"Parameter {number} is not UTF-8.") from error


def _insert(tree: dict[str, Node], name: str, value: str, number: int) -> None:
    *path, last = name.split(".") if len(name) <= _MAX_NAME else ("",)
    if not last or not all(path) or len(path) >= _MAX_DEPTH:
        raise malformed_query(
            f"The name of parameter {number} is not of up to {_MAX_DEPTH} parts between dots, "
            f"{_MAX_NAME} characters together."
        )
    node = tree
    for part in path:
        below = node.setdefault(part, {})
        if isinstance(below, str):
            raise invalid_parameters(f"Parameter {number} stands below the name of a value.")
        node = below
    if last in node:
        raise invalid_parameters(f"Parameter {number} stands in the request twice.")
    node[last] = value
