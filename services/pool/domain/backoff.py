"""How long to wait before the next attempt, and when to give up."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that double from `first_s` up to `longest_s`."""

    first_s: float
    longest_s: float

    def delay(self, failures: int) -> float:
        """Seconds to wait after `failures` failures in a row; none after none."""
        if failures <= 0:
            return 0.0
        return float(min(self.longest_s, self.first_s * 2 ** min(failures - 1, 30)))


class RestartLimit:
    """At most `count` restarts within `window_s` seconds."""

    def __init__(self, count: int, window_s: float) -> None:
        """Start with none."""
        self._count = count
        self._window_s = window_s
        self._times: deque[float] = deque()

    def exceeded(self, now: float) -> bool:
        """Count a restart at `now` (boot-time seconds) and say whether it is one too many."""
        while self._times and now - self._times[0] > self._window_s:
            self._times.popleft()
        self._times.append(now)
        return len(self._times) > self._count
