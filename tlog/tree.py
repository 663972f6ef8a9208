"""How a log grows: which files follow from new entries, and which root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tlog.errors import TlogError
from tlog.hashing import EMPTY_ROOT, leaf_hash
from tlog.tiles import HEIGHT, WIDTH, Bundle, Tile, encode_bundle, parent_hash, root_of


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of the tree: all that is needed to let it grow."""

    size: int
    rows: tuple[tuple[bytes, ...], ...]
    """Hashes of the partial tile of each level, from the leaves on; empty where a level has none."""

    @property
    def root(self) -> bytes:
        """Root hash of the tree."""
        return root_of(self.rows) if self.size else EMPTY_ROOT

    @property
    def bundle_start(self) -> int:
        """Index of the first entry in the last, partial bundle."""
        return self.size // WIDTH * WIDTH


EMPTY = Edge(0, ())


@dataclass(frozen=True, slots=True)
class Growth:
    """What follows from new entries."""

    edge: Edge
    files: Mapping[str, bytes]
    """Bundles and tiles that the larger tree has and the smaller one had not, by their paths."""


def grow(edge: Edge, entries: Sequence[bytes]) -> Growth:
    """Add entries. They begin at `edge.bundle_start`: a wider bundle repeats what the partial one held.

    Raises TlogError when one that the tree has already comes as another.
    """
    held = edge.rows[0] if edge.rows else ()
    hashes = [leaf_hash(entry) for entry in entries]
    for number, (before, now) in enumerate(zip(held, hashes, strict=False)):
        if before != now:
            raise TlogError(f"entry {edge.bundle_start + number} is another than in the log")
    if len(hashes) < len(held):
        raise TlogError(f"entry {edge.bundle_start + len(hashes)} is gone")
    files: dict[str, bytes] = {}
    for start in range(0, len(entries), WIDTH):
        part = entries[start : start + WIDTH]
        files[Bundle((edge.bundle_start + start) // WIDTH, len(part)).path] = encode_bundle(part)
    size = edge.bundle_start + len(entries)
    rows: list[tuple[bytes, ...]] = []
    added: Sequence[bytes] = hashes[len(held) :]
    while added or len(rows) < len(edge.rows):
        level = len(rows)
        row = [*(edge.rows[level] if level < len(edge.rows) else ()), *added]
        first = (edge.size >> (HEIGHT * level)) // WIDTH
        parents: list[bytes] = []
        for start in range(0, len(row) if added else 0, WIDTH):
            part_of_row = row[start : start + WIDTH]
            files[Tile(level, first + start // WIDTH, len(part_of_row)).path] = b"".join(part_of_row)
            if len(part_of_row) == WIDTH:
                parents.append(parent_hash(part_of_row))
        rows.append(tuple(row[len(row) // WIDTH * WIDTH :]))
        added = parents
    return Growth(Edge(size, tuple(rows)), files)
