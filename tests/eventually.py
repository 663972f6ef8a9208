"""Waiting for what another task, process or stack does in its own time."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_LIMIT_S = 60.0
_POLL_S = 0.2
_POLL_TASK_S = 0.002


def eventually(found: Callable[[], T], otherwise: str, limit_s: float = _LIMIT_S) -> T:
    """Return the first thing that is found; fail with `otherwise` when there is none in time."""
    until = time.monotonic() + limit_s
    while not (result := found()):
        assert time.monotonic() < until, otherwise
        time.sleep(_POLL_S)
    return result


async def until(condition: Callable[[], object], limit_s: float = _LIMIT_S) -> float:
    """Let other tasks run until `condition`; return after how many seconds it came."""
    began = time.monotonic()
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(_POLL_TASK_S)
    return time.monotonic() - began
