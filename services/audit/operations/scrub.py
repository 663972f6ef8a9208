"""Comparing the database with the log, over and over: what was altered is found before it is asked for."""

import asyncio

from services.audit.errors import LogDamagedError
from services.audit.operations.nodes import Nodes, verified_tile
from services.audit.ports import EventStore, HeadStore, LogFiles
from services.chassis.database import StorageFailedError
from services.chassis.logs import Log as ServiceLog
from tlog.errors import TlogError
from tlog.hashing import EMPTY_ROOT, leaf_hash
from tlog.leaf import parse
from tlog.tiles import WIDTH, Tile, width_at

INTERVAL_S = 1.0
"""Between tiles of 256 entries: ten million are compared in eleven hours."""

_log = ServiceLog("log")


class Scrub:
    """Goes through the entries that a checkpoint covers, a tile at a time."""

    def __init__(self, events: EventStore, heads: HeadStore, files: LogFiles) -> None:
        """Begin with the first entry."""
        self._events = events
        self._heads = heads
        self._files = files
        self._index = 0
        self.damaged = 0
        """How often a tile was found whose entries are others; each is found again in every round."""

    async def run(self) -> None:
        """Compare for ever: a server's background task. What differs is an error in the service's log."""
        while True:
            try:
                await self.step()
            except LogDamagedError as error:
                self.damaged += 1
                _log.error("log_entry_damaged", reason=str(error))
            except StorageFailedError:
                raise
            except Exception as error:
                # Kms, the database or the files are away, or a defect: neither may end the service.
                _log.debug("log_not_compared", error_type=type(error).__name__)
            await asyncio.sleep(INTERVAL_S)

    async def step(self) -> None:
        """Compare the entries of the next tile. Raises LogDamagedError, and goes on with the one after."""
        head = await self._heads.newest()
        size, root = (0, EMPTY_ROOT) if head is None else (head.size, head.root)
        if self._index * WIDTH >= size:
            self._index = 0
        tile = Tile(0, self._index, width_at(0, self._index, size))
        self._index += 1
        if not tile.width:
            return
        first = tile.index * WIDTH
        rows = await self._events.rows(first, tile.width)
        try:
            hashes = await verified_tile(Nodes(self._files), tile, size, root)
        except TlogError as error:
            raise LogDamagedError(f"{tile.path}: {error}") from error
        for number, held in enumerate(hashes, start=first):
            if number - first >= len(rows):
                raise LogDamagedError(f"entry {number} is gone from the database")
            row = rows[number - first]
            if row.sequence != number:
                raise LogDamagedError(f"entry {number} is gone from the database")
            if leaf_hash(row.leaf) != held:
                raise LogDamagedError(f"entry {number} is another than in the log")
            header = parse(row.leaf)
            if (row.event_id, row.time_us) != (header.event_id, header.time_us):
                raise LogDamagedError(f"entry {number} stands in a row that says something else of it")
