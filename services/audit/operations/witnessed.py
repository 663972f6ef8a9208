"""Whether this log is still the one that a witness has seen: asked before an anchor is believed.

Whoever can write audit's disk can put database, files and checkpoint back together, and the key store with
them. What is left is the memory of witnesses, which the key service brings along when it asks for its anchor.
"""

import asyncio

from services.audit.errors import LogDamagedError
from services.audit.operations.nodes import Nodes, verified_tile
from services.audit.ports import EventStore, LogFiles
from tlog.errors import TlogError
from tlog.hashing import leaf_hash
from tlog.proofs import Range
from tlog.tiles import WIDTH, Tile, width_at

MOST_TILES = 256
"""How many of the newest tiles are compared with the database: 65,536 entries. Older ones are the scrub's."""
_AT_ONCE = 16


class WitnessedLog:
    """Compares database and files with what a witness has seen. Needs no key."""

    def __init__(self, events: EventStore, files: LogFiles) -> None:
        """Read them; nothing is remembered."""
        self._events = events
        self._files = files

    async def require(self, size: int, root: bytes, since: int) -> None:
        """Return when the first `size` entries have this root, and the database's are they.

        Of the entries in the database those from `since` on are compared, at most MOST_TILES tiles of them.
        Raises LogDamagedError; OSError while the files are away.
        """
        if size == 0:
            return
        if await self._events.newest() < size - 1:
            raise LogDamagedError(f"a witness has seen {size} entries, and the database has fewer")
        try:
            # A memory of its own: tiles are as they are on disk now, and each is read once.
            nodes = Nodes(self._files)
            (found,) = await nodes.roots([Range(0, size)], size)
            if found != root:
                raise LogDamagedError(f"a witness has seen another tree of {size} entries")
            last = (size - 1) // WIDTH
            tiles = range(max(since // WIDTH, last - MOST_TILES + 1), last + 1)
            for first in range(tiles.start, tiles.stop, _AT_ONCE):
                some = tiles[first - tiles.start : first - tiles.start + _AT_ONCE]
                await asyncio.gather(
                    *(
                        self._compare(nodes, Tile(0, index, width_at(0, index, size)), size, root)
                        for index in some
                    )
                )
        except TlogError as error:
            raise LogDamagedError(f"of the {size} entries that a witness has seen: {error}") from error

    async def _compare(self, nodes: Nodes, tile: Tile, size: int, root: bytes) -> None:
        """Compare a tile, which must lead to the root that was seen, with the database."""
        first = tile.index * WIDTH
        leaves = await self._events.leaves(first, tile.width)
        if [leaf_hash(leaf) for leaf in leaves] != list(await verified_tile(nodes, tile, size, root)):
            raise LogDamagedError(f"entries from {first} on are others in the database than in the log")
