"""A pass through all that the database says: tile by tile, then the tables that are about no single entry."""

from collections.abc import Sequence

from services.audit.domain.index_check import Finding, Walk
from services.audit.operations.index_check import IndexCheck
from services.audit.operations.index_tables import IndexTables
from services.audit.operations.nodes import Nodes
from services.audit.ports import LogFiles
from services.chassis.database import StorageFailedError
from services.chassis.errors import DomainError
from tlog.tiles import WIDTH

_PATIENCE = 5
"""Steps that a pass waits for events of what has just happened to come into the log."""


class IndexScan:
    """One pass. Memory is bounded by the number of spools and purges, not by that of entries."""

    def __init__(
        self, check: IndexCheck, tables: IndexTables, files: LogFiles, from_part: float = 0.0
    ) -> None:
        """Begin behind a part of the log, 0 to 1. One that saw not all says nothing of spools and purges."""
        self._check = check
        self._tables = tables
        self._files = files
        self._from_part = from_part
        self._patience = _PATIENCE
        self._next_key: bytes | None = b""
        self._until: int | None = None
        self.walk = Walk()
        self.size = 0
        """Of the log. The pass ends where it ended when it began: it may grow faster than it is read."""
        self.done = False
        self.waits = False
        """Whether the next step has nothing to do before the log has grown."""

    async def step(self) -> Sequence[Finding]:
        """Compare the next tile, or in the end the tables. Raises DomainError and OSError; then try again."""
        try:
            return await self._step()
        except (DomainError, OSError, StorageFailedError):
            raise
        except Exception as error:
            # Nothing of ours writes what a comparison fails over: the rest must be compared all the same.
            return [Finding("log", self._skip(), f"cannot be compared: {type(error).__name__}")]

    def _skip(self) -> str:
        """Go on behind what comes next, and say what that was."""
        walk, upto = self.walk, min((self.walk.reached // WIDTH + 1) * WIDTH, self.size)
        if walk.reached < upto:
            skipped = f"entries {walk.reached} to {upto - 1}"
            walk.lose(upto)
            return skipped
        if self._next_key is not None:
            self._next_key = None
            return "data keys"
        self.done = True
        return "tables"

    async def _step(self) -> Sequence[Finding]:
        self.waits = False
        checkpoint, found = await self._tables.checkpoint()
        self.size = 0 if checkpoint is None else checkpoint.size
        if self._until is None:
            self._until = self.size
            if skipped := int(self.size * self._from_part) // WIDTH:
                self.walk.lose(skipped * WIDTH)
        if checkpoint is not None and self.walk.reached < min(self._until, self.size):
            # Tiles are read anew in every step: they are compared as they are on disk now.
            return await self._check.tile(self.walk, Nodes(self._files), checkpoint)
        if self._next_key is not None:
            of_keys, self._next_key = await self._tables.keys(self._next_key)
            return of_keys
        unsettled = await self._tables.purges(self.walk) if self.walk.whole else []
        if unsettled and self._patience:
            self._patience -= 1
            self._until, self.waits = self.size, self.walk.reached >= self.size
            return ()
        found += unsettled
        found += await self._tables.strays(self.walk.reached)
        if self.walk.whole:
            found += await self._tables.spools(self.walk)
        self.done = True
        return found

    async def structure(self) -> Sequence[Finding]:
        """Have the database look at its own structure: reads all of it at once."""
        return await self._tables.structure()
