"""Memory and process caps by control groups, version 1 or 2, whichever the machine has mounted."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.pool.launcher.errors import LauncherError

CONTROLLERS = ("memory", "pids")
_KILL_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The caps of one sandbox."""

    memory_bytes: int
    processes: int


class Cgroup:
    """The control groups of one sandbox; a process joins by itself before it executes anything."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Use existing folders: one for version 2, one a controller for version 1."""
        self._folders = tuple(folders)

    @classmethod
    def create(cls, name: str, limits: Limits, mounts: str, own: str) -> "Cgroup":
        """Make the groups of sandbox `name`.

        `mounts` and `own` are the texts of /proc/self/mountinfo and /proc/self/cgroup. Raises LauncherError
        when neither version can cap both memory and processes.
        """
        places = find_folders(mounts, own)
        if not places:
            raise LauncherError(
                "no memory and pids control groups are mounted: a pool is not started without them"
            )
        group = cls([place / f"craton-pool-{name}" for place in places])
        try:
            group.remove()
            if len(places) == 1:
                _enable(places[0])
            for folder in group._folders:
                folder.mkdir()
            group._write_limits(limits)
        except OSError as error:
            raise LauncherError(f"the control groups of the sandbox cannot be made: {error}") from error
        return group

    def join(self) -> None:
        """Move the calling process into the groups. For use between fork and exec."""
        for folder in self._folders:
            (folder / "cgroup.procs").write_text("0")

    def processes(self) -> set[int]:
        """Return the pids inside, as this process sees them."""
        pids: set[int] = set()
        for folder in self._folders:
            try:
                pids.update(int(line) for line in (folder / "cgroup.procs").read_text().split())
            except FileNotFoundError:
                continue
        return pids

    def kill(self) -> None:
        """Kill everything inside and wait until it is gone, whoever left it there."""
        deadline = time.monotonic() + _KILL_TIMEOUT_S
        while pids := self.processes():
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            if time.monotonic() > deadline:
                raise LauncherError("processes of the sandbox outlived SIGKILL")
            time.sleep(0.01)

    def remove(self) -> None:
        """Kill what is inside and remove the groups."""
        self.kill()
        deadline = time.monotonic() + _KILL_TIMEOUT_S
        for folder in self._folders:
            while folder.exists():
                try:
                    folder.rmdir()
                except OSError as error:
                    # The kernel frees a group a moment after its last process was reaped.
                    if time.monotonic() > deadline:
                        raise LauncherError(f"the control group cannot be removed: {error}") from error
                    time.sleep(0.01)

    def _write_limits(self, limits: Limits) -> None:
        for folder in self._folders:
            if (folder / "memory.max").exists():
                (folder / "memory.max").write_text(str(limits.memory_bytes))
                _write_if_there(folder / "memory.swap.max", "0")
                (folder / "pids.max").write_text(str(limits.processes))
            elif (folder / "memory.limit_in_bytes").exists():
                (folder / "memory.limit_in_bytes").write_text(str(limits.memory_bytes))
                # With swap accounting this caps memory and swap together, so that no swap can be used.
                _write_if_there(folder / "memory.memsw.limit_in_bytes", str(limits.memory_bytes))
                _write_if_there(folder / "memory.swappiness", "0")
            else:
                (folder / "pids.max").write_text(str(limits.processes))


def find_folders(mounts: str, own: str) -> tuple[Path, ...]:
    """Return where a group must be made: (version 2 root,), or (memory, pids) of version 1, or ().

    In version 1 the groups are made below this process' own ones, so that a cap above us holds. In
    version 2 they are made at the top of what is mounted: a group that has members of its own, as ours
    does, cannot hand controllers down.
    """
    version1: dict[str, Path] = {}
    version2: Path | None = None
    for line in mounts.splitlines():
        fields, _, tail = line.partition(" - ")
        kind, _, super_options = tail.split(" ", 2)
        root, mount = fields.split(" ")[3:5]
        if kind == "cgroup":
            for controller in set(super_options.split(",")) & set(CONTROLLERS):
                version1[controller] = _below(Path(mount), root, _own_path(own, controller))
        elif kind == "cgroup2":
            version2 = Path(mount)
    if set(version1) == set(CONTROLLERS):
        return tuple(version1[controller] for controller in CONTROLLERS)
    if version2 is not None and _offers(version2):
        return (version2,)
    return ()


def _own_path(own: str, controller: str) -> str:
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path
    return "/"


def _below(mount: Path, root: str, path: str) -> Path:
    # With a cgroup namespace or a bind mount the mount shows only what lies below `root`.
    relative = path.removeprefix(root if root != "/" else "")
    return mount / relative.lstrip("/")


def _offers(version2: Path) -> bool:
    try:
        return set(CONTROLLERS) <= set((version2 / "cgroup.controllers").read_text().split())
    except OSError:
        return False


def _enable(version2: Path) -> None:
    control = version2 / "cgroup.subtree_control"
    if not set(CONTROLLERS) <= set(control.read_text().split()):
        control.write_text(" ".join(f"+{name}" for name in CONTROLLERS))


def _write_if_there(path: Path, value: str) -> None:
    if path.exists():
        path.write_text(value)
