"""Find and end processes of a stack that outlived their supervisor."""

import os
import signal
from collections.abc import Iterable

import psutil

from deploy.local.programs import MARKER
from deploy.local.stack import Stack

_GRACE_S = 5.0


def leftovers(stack: Stack) -> list[psutil.Process]:
    """Return the processes of this very stack: those with its marker, and all their descendants.

    Descendants count because a sandbox starts with an empty environment.
    """
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            if process.environ().get(MARKER) == str(stack.home):
                found[process.pid] = process
                found |= {child.pid: child for child in process.children(recursive=True)}
        except psutil.Error:
            # Gone meanwhile, or not ours to look into: then it is not one of this stack's either.
            continue
    return list(found.values())


def descendants(pid: int) -> list[psutil.Process]:
    """Return all processes below `pid`, none when it is gone."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def terminate(processes: Iterable[psutil.Process]) -> int:
    """Ask processes to end, kill those that do not; return how many there were."""
    remaining = list(processes)
    count = len(remaining)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in remaining:
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue
        _, remaining = psutil.wait_procs(remaining, timeout=_GRACE_S)
        if not remaining:
            break
    return count
