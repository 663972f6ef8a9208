"""Comparing the database with the log, over and over: what was altered is found before it is asked for."""

import asyncio

from services.audit.errors import LogDamagedError
from services.audit.operations.nodes import read_tile
from services.audit.ports import EventStore, HeadStore, LogFiles
from services.chassis.errors import DomainError
from services.chassis.logs import Log as ServiceLog
from tlog.errors import TlogError
from tlog.hashing import leaf_hash
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
            except (DomainError, OSError) as error:
                _log.debug("log_not_compared", error_type=type(error).__name__)
            await asyncio.sleep(INTERVAL_S)

    async def step(self) -> None:
        """Compare the entries of the next tile. Raises LogDamagedError, and goes on with the one after."""
        head = await self._heads.newest()
        size = 0 if head is None else head.size
        if self._index * WIDTH >= size:
            self._index = 0
        tile = Tile(0, self._index, width_at(0, self._index, size))
        self._index += 1
        if not tile.width:
            return
        entries = await self._events.leaves(tile.index * WIDTH, tile.width)
        try:
            hashes = await read_tile(self._files, tile)
        except TlogError as error:
            raise LogDamagedError(str(error)) from error
        for number, held in enumerate(hashes):
            if number >= len(entries):
                raise LogDamagedError(f"entry {tile.index * WIDTH + number} is gone from the database")
            if leaf_hash(entries[number]) != held:
                raise LogDamagedError(f"entry {tile.index * WIDTH + number} is another than in the log")
