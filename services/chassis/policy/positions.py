"""Where the values of a JSON document stand in its text: line, column and offset.

The json module of Python does not say. What it has accepted is read here once more, for a refusal or for
the findings about a document. AWS: https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_Position.html
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Path = Sequence[str | int]
"""Names of members and indexes of items, from the document's top."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text."""

    line: int
    """From 1."""
    column: int
    """In characters, from 0."""
    offset: int
    """In characters from the beginning of the text, from 0."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text: from `start` to before `end`."""

    start: Position
    end: Position


@dataclass(slots=True)
class _Node:
    start: int
    end: int = 0
    key: tuple[int, int] | None = None
    """Where its name begins and ends, for the member of an object."""
    members: dict[str, "_Node"] = field(default_factory=dict)
    items: list["_Node"] = field(default_factory=list)


class Positions:
    """The places of a document's values."""

    def __init__(self, document: str) -> None:
        """Read a document that is JSON: of anything else the answers mean nothing."""
        self._text = document
        self._top, self._repeated = _read(document)

    @property
    def repeated_name(self) -> Position | None:
        """The first name that stands twice in its object."""
        return None if self._repeated is None else position(self._text, self._repeated)

    def __contains__(self, path: Path) -> bool:
        """Say whether a value is there."""
        node = self._top
        for step in path:
            found = node.members.get(step) if isinstance(step, str) else None
            if isinstance(step, int) and step < len(node.items):
                found = node.items[step]
            if found is None:
                return False
            node = found
        return True

    def span(self, path: Path) -> Span:
        """Return the place of a value, or of the nearest one around it that is there.

        A single value stands for a list of one: its index is passed over.
        """
        node = self._find(path)
        return Span(position(self._text, node.start), position(self._text, node.end))

    def name_span(self, path: Path) -> Span:
        """As `span`, of the name of a member, where the path ends at one and not at a value of it."""
        node = self._find(path)
        named = node.key if path and isinstance(path[-1], str) else None
        start, end = named or (node.start, node.end)
        return Span(position(self._text, start), position(self._text, end))

    def _find(self, path: Path) -> _Node:
        node = self._top
        for step in path:
            if isinstance(step, str):
                if step not in node.members:
                    break
                node = node.members[step]
            elif step < len(node.items):
                node = node.items[step]
        return node


def position(text: str, offset: int) -> Position:
    """Return the position of an offset."""
    line_start = text.rfind("\n", 0, offset) + 1
    return Position(text.count("\n", 0, offset) + 1, offset - line_start, offset)


def strings(document: str) -> Iterator[tuple[int, str]]:
    """Yield the strings of a document that is JSON, names of members too, each with its offset."""
    for found in _TOKEN.finditer(document):
        if found[0].startswith('"'):
            yield found.start(), json.loads(found[0])


def _read(document: str) -> tuple[_Node, int | None]:
    """Build the tree without recursion: a document is as deep as its writer likes."""
    top = _Node(0, len(document))
    above: list[_Node] = [top]
    name: tuple[int, int, str] | None = None
    repeated: int | None = None
    for found in _TOKEN.finditer(document):
        text, start, end = found[0], found.start(), found.end()
        parent = above[-1]
        if text in ":,":
            continue
        if text in "}]":
            parent.end = end
            above.pop()
            continue
        if text.startswith('"') and name is None and _is_name(document, end):
            name = start, end, json.loads(text)
            continue
        node = _Node(start, end)
        if name is not None:
            if name[2] in parent.members and repeated is None:
                repeated = name[0]
            node.key = name[:2]
            parent.members[name[2]] = node
            name = None
        else:
            parent.items.append(node)
        if text in "{[":
            above.append(node)
    return (top.items or [top])[0], repeated


def _is_name(document: str, end: int) -> bool:
    """Say whether the string that ends there is the name of a member: a colon follows it."""
    while document[end : end + 1].isspace():
        end += 1
    return document[end : end + 1] == ":"
