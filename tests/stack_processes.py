"""The processes of a stack that runs in a folder: its supervisor marks what it starts."""

from pathlib import Path

import psutil

from deploy.local.programs import MARKER


def processes(home: Path) -> list[psutil.Process]:
    """Return every process with the stack's marker, and the children of these."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == str(home):
                found |= {each.pid: each for each in (process, *process.children(recursive=True))}
        except psutil.Error:
            continue
    return list(found.values())


def find(home: Path, *words: str) -> psutil.Process:
    """Return the process in whose command line all of `words` stand. Raises AssertionError without one."""
    for process in processes(home):
        try:
            line = " ".join(process.cmdline()) + " "
            if all(word in line for word in words) and "bwrap" not in process.name():
                return process
        except psutil.Error:
            continue
    raise AssertionError(f"no process with {words!r}")


def alive(process: psutil.Process) -> bool:
    """Return whether the process runs: another one under its pid does not count, nor does a zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
