"""Waiting for what a running stack does in its own time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_LIMIT_S = 60.0
_POLL_S = 0.2


def eventually(found: Callable[[], T], otherwise: str, limit_s: float = _LIMIT_S) -> T:
    """Return the first thing that is found; fail with `otherwise` when there is none in time."""
    until = time.monotonic() + limit_s
    while not (result := found()):
        assert time.monotonic() < until, otherwise
        time.sleep(_POLL_S)
    return result
