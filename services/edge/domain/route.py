"""From method and raw path to an operation and its labels."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from services.edge.domain.model import Operation


@dataclass(frozen=True, slots=True)
class Route:
    """An operation and the decoded labels of its path."""

    operation: Operation
    labels: tuple[tuple[str, str], ...]
    """Wire name and value, in the order of the path."""


@dataclass(slots=True)
class _Node:
    literals: dict[bytes, "_Node"] = field(default_factory=dict)
    label: "_Node | None" = None
    operations: dict[str, tuple[Operation, tuple[str, ...]]] = field(default_factory=dict)


class Router:
    """A tree of path segments. Bedrock and Bedrock Runtime share one name space of paths.

    Labels hold exactly one segment (no operation of these services has a greedy label) and are decoded
    once, after the path was split, so that an encoded slash never changes the route.
    """

    def __init__(self, operations: Iterable[Operation]) -> None:
        """Build the tree. Raises ValueError when two operations have the same method and path."""
        self._root = _Node()
        for operation in operations:
            node, names = self._root, []
            for segment in operation.path.split("/")[1:]:
                if segment.startswith("{"):
                    if segment.endswith("+}"):
                        raise ValueError(f"{operation.name}: greedy labels are not supported")
                    names.append(segment[1:-1])
                    node.label = node.label or _Node()
                    node = node.label
                else:
                    node = node.literals.setdefault(segment.encode(), _Node())
            if operation.method in node.operations:
                raise ValueError(f"{operation.name}: {operation.method} {operation.path} is routed already")
            node.operations[operation.method] = (operation, tuple(names))

    def find(self, method: str, raw_path: bytes) -> Route | None:
        """Return the route of a request, None when no operation has it."""
        if not raw_path.startswith(b"/"):
            return None
        values: list[bytes] = []
        node = self._descend(self._root, raw_path[1:].split(b"/"), 0, values)
        if node is None or method not in node.operations:
            return None
        operation, names = node.operations[method]
        try:
            decoded = [
                unquote_to_bytes(value).decode() if b"%" in value else value.decode() for value in values
            ]
        except UnicodeDecodeError:
            return None
        return Route(operation, tuple(zip(names, decoded, strict=True)))

    def _descend(self, node: _Node, segments: list[bytes], index: int, values: list[bytes]) -> _Node | None:
        if index == len(segments):
            return node if node.operations else None
        segment = segments[index]
        child = node.literals.get(segment)
        if child is not None:
            found = self._descend(child, segments, index + 1, values)
            if found is not None:
                return found
        if node.label is not None and segment:
            values.append(segment)
            found = self._descend(node.label, segments, index + 1, values)
            if found is not None:
                return found
            values.pop()
        return None
