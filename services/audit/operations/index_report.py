"""Checking the database against the log while somebody waits for it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from services.audit.domain.index_check import Finding
from services.audit.errors import check_is_running, code_of, files_away
from services.audit.operations.index_scan import IndexScan
from services.chassis.errors import DomainError
from services.chassis.logs import Log as ServiceLog

NAMED = 1_000
"""Differences that a check names. Who has more needs a backup, or wants the index rebuilt."""
_SETTLE_S = 1.0
_TRIES = 30
"""Steps in a row that may fail while kms, the database or the files are away, a second each."""

_log = ServiceLog("log")


@dataclass(frozen=True, slots=True)
class Report:
    """How far a check is, and what it has found since the report before."""

    checked: int
    size: int
    purged: int
    found: int
    findings: Sequence[Finding]
    done: bool


class IndexReport:
    """Runs one check at a time, and leaves half of the processor to others."""

    def __init__(self, begin: Callable[[], IndexScan]) -> None:
        """Have passes begun by `begin`."""
        self._begin = begin
        self._running = False

    async def check(self) -> AsyncGenerator[Report]:
        """Compare everything and say how it goes, about once a tile.

        Raises DomainError: RESOURCE_STATE while another check runs, DEPENDENCY_UNAVAILABLE when kms, the
        database or the files stay away.
        """
        if self._running:
            raise check_is_running()
        self._running = True
        try:
            async with aclosing(self._reports(self._begin())) as reports:
                async for report in reports:
                    yield report
        finally:
            self._running = False

    async def _reports(self, scan: IndexScan) -> AsyncGenerator[Report]:
        found = 0
        while not scan.done:
            started = time.monotonic()
            findings = list(await _patiently(scan))
            if scan.done:
                findings += await scan.structure()
            named = findings[: max(NAMED - found, 0)]
            found += len(findings)
            walk = scan.walk
            yield Report(walk.reached, max(scan.size, walk.reached), walk.purged, found, named, scan.done)
            await asyncio.sleep(_SETTLE_S if scan.waits else time.monotonic() - started)
        _log.info("index_checked", count=found)


async def _patiently(scan: IndexScan) -> Sequence[Finding]:
    for left in range(_TRIES - 1, -1, -1):
        try:
            return await scan.step()
        except (DomainError, OSError) as error:
            if not left:
                raise (files_away() if isinstance(error, OSError) else error) from error
            _log.warning("index_check_waits", reason=code_of(error))
            await asyncio.sleep(_SETTLE_S)
    raise RuntimeError("the last try returns or raises")
