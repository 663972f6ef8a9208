"""Time as an injected dependency."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What Craton's code may know about time."""

    def now(self) -> datetime:
        """Wall-clock time, timezone-aware UTC. For signatures, certificates and records only."""

    def boottime(self) -> float:
        """Seconds since boot, counting suspend: the only clock for leases and time-outs."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Wall-clock time in UTC."""
        return datetime.now(UTC)

    def boottime(self) -> float:
        """CLOCK_BOOTTIME in seconds: CLOCK_MONOTONIC stands still in suspend and would lengthen leases."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)
