"""Tiles: the files in which a log keeps its hashes and entries (https://c2sp.org/tlog-tiles).

A tile holds up to 256 hashes of one level of eight; a bundle holds the entries of a tile of leaves, each
after its length in two bytes. Full ones never change. The last of each level is partial: its name ends in
its width, and it is replaced by a wider one as the tree grows.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tlog.errors import TlogError
from tlog.hashing import HASH_BYTES, fold, node_hash
from tlog.proofs import MAX_SIZE, Node

HEIGHT = 8
WIDTH = 1 << HEIGHT
MAX_ENTRY_BYTES = 2**16 - 1
CHECKPOINT_PATH = "checkpoint"

_LENGTH = struct.Struct(">H")
_GROUP = 1000
_PATH = re.compile(
    r"tile/(entries|0|[1-5]?[0-9]|6[0-3])/((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of hashes: `width` of them, from `index * 256` on, of nodes at level `8 * level`."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """Where it stands below the log's prefix."""
        return f"tile/{self.level}/{_number(self.index)}{_partial(self.width)}"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The entries of the tile of leaves with this index and width."""

    index: int
    width: int

    @property
    def path(self) -> str:
        """Where it stands below the log's prefix."""
        return f"tile/entries/{_number(self.index)}{_partial(self.width)}"


def parse_path(path: str) -> Tile | Bundle:
    """Return what a path names. Raises TlogError for one that no log has."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise TlogError("not the path of a tile")
    index = int((found[2] + found[3]).replace("x", "").replace("/", ""))
    width = WIDTH if found[4] is None else int(found[4])
    tile = Bundle(index, width) if found[1] == "entries" else Tile(int(found[1]), index, width)
    if tile.path != path:
        raise TlogError("not the path of a tile")
    return tile


def tile_of(node: Node, size: int) -> Tile:
    """Return the tile, of a tree of `size` leaves, from which a node's hash is computed.

    Raises TlogError when the tree has no such node.
    """
    if not 0 <= node.level < 64 or node.index < 0 or (node.index + 1) << node.level > size <= MAX_SIZE:
        raise TlogError(f"a tree of {size} leaves has no such node")
    level = node.level // HEIGHT
    index = (node.index << (node.level % HEIGHT)) // WIDTH
    return Tile(level, index, width_at(level, index, size))


def width_at(level: int, index: int, size: int) -> int:
    """Return how many hashes the tile has in a tree of `size` leaves: 0 to 256."""
    return max(0, min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH))


def tiles_between(old: int, new: int) -> Iterator[Tile]:
    """Yield the tiles that a tree has when it has grown from `old` leaves to `new`, and had not before."""
    level = 0
    while new >> (HEIGHT * level):
        before, after = old >> (HEIGHT * level), new >> (HEIGHT * level)
        for index in range(before // WIDTH, (after + WIDTH - 1) // WIDTH):
            tile = Tile(level, index, width_at(level, index, new))
            if tile.width and tile.width != width_at(level, index, old):
                yield tile
        level += 1


def bundles_between(old: int, new: int) -> Iterator[Bundle]:
    """Yield the bundles that a tree has when it has grown from `old` leaves to `new`, and had not before."""
    for index in range(old // WIDTH, (new + WIDTH - 1) // WIDTH):
        bundle = Bundle(index, width_at(0, index, new))
        if bundle.width != width_at(0, index, old):
            yield bundle


def hashes_of(tile: Tile, content: bytes) -> list[bytes]:
    """Return the hashes of a tile. Raises TlogError when it is not one of this width."""
    if len(content) != tile.width * HASH_BYTES:
        raise TlogError(f"a tile of {tile.width} hashes has {len(content)} bytes")
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def node_in(node: Node, hashes: Sequence[bytes]) -> bytes:
    """Compute a node's hash from the hashes of its tile."""
    rise = node.level % HEIGHT
    first = (node.index << rise) % WIDTH
    row = hashes[first : first + (1 << rise)]
    if len(row) != 1 << rise:
        raise TlogError("the tile is too narrow for the node")
    return _perfect(row)


def parent_hash(hashes: Sequence[bytes]) -> bytes:
    """Return the hash that a full tile has in the tile above it. Raises TlogError for a partial one."""
    if len(hashes) != WIDTH:
        raise TlogError("a partial tile has no parent")
    return _perfect(hashes)


def edge_tiles(size: int) -> list[Tile | None]:
    """Return the partial tile of each level of a tree, None where a level has none."""
    tiles: list[Tile | None] = []
    while size >> (HEIGHT * len(tiles)):
        index, width = divmod(size >> (HEIGHT * len(tiles)), WIDTH)
        tiles.append(Tile(len(tiles), index, width) if width else None)
    return tiles


def root_of(edge: Sequence[Sequence[bytes]]) -> bytes:
    """Compute the root of a tree from the hashes of each level's partial tile, leaves first."""
    peaks: list[bytes] = []
    for hashes in edge:
        # What no full tile covers; the smallest subtrees are of the lowest level, on the right.
        peaks = [*_peaks(hashes), *peaks]
    return fold(peaks)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bundle of entries. Raises TlogError for one that is longer than 65,535 bytes."""
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise TlogError(f"an entry is longer than {MAX_ENTRY_BYTES} bytes")
    return b"".join(part for entry in entries for part in (_LENGTH.pack(len(entry)), entry))


def entries_of(content: bytes, width: int) -> list[bytes]:
    """Return the entries of a bundle. Raises TlogError when it is not one of this width."""
    entries: list[bytes] = []
    at = 0
    while at + _LENGTH.size <= len(content) and len(entries) < width:
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        entries.append(content[at : at + length])
        at += length
    if at != len(content) or len(entries) != width:
        raise TlogError(f"not a bundle of {width} entries")
    return entries


def _perfect(row: Sequence[bytes]) -> bytes:
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def _peaks(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the roots of the perfect subtrees over up to 255 nodes, from the left."""
    peaks, start = [], 0
    while start < len(hashes):
        rise = (len(hashes) - start).bit_length() - 1
        peaks.append(_perfect(hashes[start : start + (1 << rise)]))
        start += 1 << rise
    return peaks


def _number(index: int) -> str:
    groups = [f"{index % _GROUP:03d}"]
    while index >= _GROUP:
        index //= _GROUP
        groups.append(f"x{index % _GROUP:03d}")
    return "/".join(reversed(groups))


def _partial(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"
