"""Comparing the database with the log, over and over: what was altered is found before it is asked for."""

import asyncio
from collections.abc import Callable, Sequence

from services.audit.domain.index_check import Finding
from services.audit.operations.index_scan import IndexScan
from services.chassis.errors import DomainError
from services.chassis.logs import Log as ServiceLog

INTERVAL_S = 1.0
"""Between tiles of 256 entries: ten million are compared in eleven hours."""
PAUSE_S = 60.0
"""Between rounds, so that a small log is not compared all the time."""
_NAMED = 20
"""Findings of a step that are named in the service's log; the rest is counted. fsck names more."""

_log = ServiceLog("log")


class Scrub:
    """Goes through the database, a tile at a time, and begins again."""

    def __init__(self, begin: Callable[[float], IndexScan], first_part: float = 0.0) -> None:
        """Have rounds begun by `begin`, the first one behind `first_part` of the log, 0 to 1.

        A service that is started again and again comes to the end of a large log only when it does not always
        begin at the beginning.
        """
        self._begin = begin
        self._scan = begin(first_part)
        self._found = 0
        self._found_before = 0

    @property
    def damaged(self) -> int:
        """How many differences were found, in this round or the one before it."""
        return max(self._found, self._found_before)

    async def run(self) -> None:
        """Compare for ever: a server's background task. What differs is an error in the service's log."""
        while True:
            pause = INTERVAL_S
            try:
                found = await self.step()
                for each in found[:_NAMED]:
                    _log.error("log_entry_damaged", reason=str(each))
                if len(found) > _NAMED:
                    _log.error("log_entries_damaged", count=len(found))
                if self._scan.done:
                    pause = PAUSE_S
            except (DomainError, OSError) as error:
                # Kms, the database or the files are away, which does not end the service.
                _log.debug("log_not_compared", error_type=type(error).__name__)
            await asyncio.sleep(pause)

    async def step(self) -> Sequence[Finding]:
        """Compare the next tile. Raises DomainError and OSError; what was not compared is tried again."""
        if self._scan.done:
            self._found, self._found_before = 0, self._found
            self._scan = self._begin(0.0)
        found = await self._scan.step()
        self._found += len(found)
        return found
