"""A clock and a source of bytes that tests decide about."""

import hashlib
from datetime import UTC, datetime, timedelta


class ManualClock:
    """A Clock that moves only when it is told to."""

    def __init__(self, now: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) -> None:
        self._now = now
        self._boottime = 1_000.0

    def now(self) -> datetime:
        return self._now

    def boottime(self) -> float:
        return self._boottime

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self._now += timedelta(seconds=seconds)
        self._boottime += seconds

    def set_wall(self, seconds: float) -> None:
        """Turn the wall clock alone, as an operator or a bad time server does."""
        self._now += timedelta(seconds=seconds)


class CountingRandomness:
    """A Randomness whose bytes are all different and the same in every run."""

    def __init__(self) -> None:
        self._count = 0

    def token_bytes(self, count: int) -> bytes:
        self._count += 1
        return hashlib.shake_256(str(self._count).encode()).digest(count)
