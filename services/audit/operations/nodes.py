"""Hashes of the tree's nodes, from the log's tiles."""

from collections import OrderedDict
from collections.abc import Sequence

from services.audit.ports import LogFiles
from tlog.errors import TlogError
from tlog.hashing import fold
from tlog.proofs import Node, Range, inclusion_ranges, nodes_of, verify_inclusion
from tlog.tiles import WIDTH, Tile, hashes_of, node_in, tile_of

_TILES = 1024
"""Full tiles that are kept in memory, about 20 KiB each as objects."""


class Nodes:
    """Computes what proofs consist of."""

    def __init__(self, files: LogFiles) -> None:
        """Read tiles from `files`."""
        self._files = files
        self._tiles: OrderedDict[Tile, Sequence[bytes]] = OrderedDict()

    async def roots(self, ranges: Sequence[Range], size: int) -> Sequence[bytes]:
        """Return the roots of ranges, of a tree of `size` whose tiles are there. Raises TlogError."""
        return [fold([await self._node(node, size) for node in nodes_of(leaves)]) for leaves in ranges]

    async def _node(self, node: Node, size: int) -> bytes:
        return node_in(node, await self.tile(tile_of(node, size)))

    async def tile(self, tile: Tile) -> Sequence[bytes]:
        """Return the hashes of a tile. Raises TlogError."""
        held = self._tiles.get(tile)
        if held is None:
            held = await read_tile(self._files, tile)
            if tile.width == WIDTH:
                self._tiles[tile] = held
                if len(self._tiles) > _TILES:
                    self._tiles.popitem(last=False)
        else:
            self._tiles.move_to_end(tile)
        return held


async def read_tile(files: LogFiles, tile: Tile) -> list[bytes]:
    """Return the hashes of a tile, from the full one where the partial one was removed. Raises TlogError."""
    content = await files.get(tile.path)
    if content is None:
        full = Tile(tile.level, tile.index, WIDTH)
        content = await files.get(full.path)
        if content is None:
            raise TlogError(f"{tile.path} is missing")
        return hashes_of(full, content)[: tile.width]
    return hashes_of(tile, content)


async def verified_tile(nodes: Nodes, tile: Tile, size: int, root: bytes) -> Sequence[bytes]:
    """Return the hashes of a tile of leaves, once they lead to a root by the tiles that `nodes` reads.

    The proof of its first leaf consists of all others, so that it holds for each. Raises TlogError.
    """
    hashes = await nodes.tile(tile)
    first = tile.index * WIDTH
    proof = await nodes.roots(inclusion_ranges(first, size), size)
    verify_inclusion(first, size, hashes[0], proof, root)
    return hashes
