"""What a clock does to keys: renewing, expiring, deleting."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.logs import Log

_PAUSE_S = 5.0
"""Between two looks. What is due is late by this much at most, and everything about it is counted in days."""
_LATER = frozenset({ErrorReason.ERROR_REASON_SEALED, ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE})
"""Nothing is wrong then: it will be done later."""

_log = Log("schedule")


class Schedule:
    """Looks from time to time whether something is due."""

    def __init__(
        self, jobs: Mapping[str, Callable[[], Awaitable[object]]], pause_s: float = _PAUSE_S
    ) -> None:
        """Do `jobs`, by their names, one after the other."""
        self._jobs = jobs
        self._pause_s = pause_s

    async def run(self) -> None:
        """Look for the life of the process. What a job raises ends it, unless it can be tried again."""
        while True:
            await self.once()
            await asyncio.sleep(self._pause_s)

    async def once(self) -> None:
        """Do every job once."""
        for name, job in self._jobs.items():
            try:
                await job()
            except DomainError as error:
                if error.reason not in _LATER:
                    _log.warning("job_failed", job=name, reason=error.reason_name)
