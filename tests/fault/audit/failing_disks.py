"""The audit service and what records on disks that are full or fail, run by itself in a mount namespace:

    unshare --user --map-root-user --mount python -m tests.fault.audit.failing_disks DISKS

DISKS is a JSON list of Disk's fields; a line of JSON comes back for each. A small disk is a tmpfs, which
grows once the load has ended. One that fails answers every sync with EIO from some pass of a failpoint on: a
seccomp filter does it, which C libraries meet as Python does, and for which nothing must be compiled.
"""

import asyncio
import errno
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyseccomp

import services  # noqa: F401 - before anything imports gRPC: see services/__init__.py
from services.chassis.audit.spool import Spool
from tests.fault.audit.failpoints import POINTS
from tests.fault.audit.kill_judge import judge, newest_entry
from tests.fault.audit.kill_roles import Life
from tests.fault.audit.kill_stage import KillError, Stage, _ended, folder
from tlog.checkpoint import Trust
from tlog.note import Note

_LOAD_S = 1.5
_LONGEST_S = 40.0
"""By when a process whose disk fails has ended."""
_ROOMY = "64m"
_SYNCS = ("fsync", "fdatasync", "sync_file_range", "io_submit")
_FULL_BYTES = 16 * 1024
_ENDED_ITSELF = 1


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk, and whose it is."""

    role: str
    """"audit", "recorder" or, for one that fails, "witness"."""
    kib: int = 0
    """Of a small one."""
    point: str = ""
    """Of one that fails: the failpoint."""
    hit: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    problems: Sequence[str]
    acknowledged: int
    lost: int
    met: bool
    """Whether the disk was full, or has failed."""
    ended: int
    """How often the process ended by itself."""


class DiskStage(Stage):
    """An installation one of whose processes has a bad disk."""

    def __init__(self, home: Path, disk: Disk, fault: str = "") -> None:
        super().__init__(home, fault)
        self._disk = disk
        self._fails = False
        self.met, self.ended = False, 0
        self._mounted = home / "state" if disk.role == "audit" else home / disk.role / "spool"

    def mount(self) -> None:
        """Give the process its small disk."""
        self._mounted.mkdir(exist_ok=True)
        options = f"size={self._disk.kib}k,mode=700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "craton", self._mounted], check=True)

    def unmount(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "--lazy", self._mounted], check=True)

    async def work_on_a_small_disk(self) -> None:
        """Start again whoever ends, as a supervisor does, and make room at last."""
        roles = {role: self._start(role, None, load=True) for role in ("audit", "witness", "recorder")}
        victim = roles[self._disk.role]
        until = time.monotonic() + _LOAD_S
        while time.monotonic() < until:
            if await _ended(victim, until - time.monotonic()):
                self.ended += 1
                self._living.remove(victim)
                await asyncio.sleep(0.2)
                victim = self._start(self._disk.role, None, load=True)
        room = os.statvfs(self._mounted)
        self.met = self.ended > 0 or room.f_bavail * room.f_bsize < _FULL_BYTES
        subprocess.run(["mount", "-o", f"remount,size={_ROOMY}", self._mounted], check=True)

    async def work_on_a_failing_disk(self) -> None:
        """Let the disk fail, which must end the process. Raises KillError."""
        roles: dict[str, Any] = {}
        for role in ("witness", "recorder", "audit"):
            self._fails = role == self._disk.role
            roles[role] = self._start(role, None, load=True)
        self._fails = False
        victim = roles[self._disk.role]
        if not await _ended(victim, _LONGEST_S):
            raise KillError(
                f"{self._disk.role} goes on while its disk fails, or its failpoint was not reached"
            )
        if victim.exitcode != _ENDED_ITSELF:
            raise KillError(f"{self._disk.role} ended with {victim.exitcode}: {self._tail(self._disk.role)}")
        self._living.remove(victim)
        self.met, self.ended = True, 1

    async def settle(self) -> Trust:
        """Wait for the file as well: the database has a checkpoint a moment before it is published."""
        trust = await super().settle()
        file, size = self.where.log / "checkpoint", newest_entry(self.where.database) + 1
        async with asyncio.timeout(_LONGEST_S):
            while size and not (
                file.exists() and Trust(trust.log).checkpoint(Note.parse(file.read_bytes())).size >= size
            ):
                await asyncio.sleep(0.05)
        return trust

    def _spawn(self, what: Callable[..., None], *arguments: Any) -> Any:
        if self._fails:
            return super()._spawn(be_failing, what, *arguments, self._disk)
        return super()._spawn(what, *arguments)


def be_failing(what: Callable[..., None], config: Any, life: Life, disk: Disk) -> None:
    """Be a process whose syncs fail from its failpoint on."""
    point, left = POINTS[disk.role][disk.point], disk.hit

    def reached(_last_act: Callable[[], None] | None = None) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            fail_syncs()

    setattr(point.owner, point.name, point.around(getattr(point.owner, point.name), reached, 1.0))
    stop = Spool._stop

    def ending(spool: Spool, error: Exception | None) -> None:
        stop(spool, error)
        if disk.role == "recorder":
            # A service's own task sees to it, which the recorder does not have.
            os._exit(_ENDED_ITSELF)

    Spool._stop = ending  # type: ignore[method-assign]
    what(config, life)


def fail_syncs() -> None:
    """Have every sync of this process, all of its threads, end with EIO."""
    filters = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    filters.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)
    for name in _SYNCS:
        filters.add_rule(pyseccomp.ERRNO(errno.EIO), name)
    filters.load()


def run(home: Path, disk: Disk, fault: str = "") -> Outcome:
    """Live with a disk, and be judged afterwards."""
    stage = DiskStage(home, disk, fault)
    small = disk.kib > 0

    async def life() -> Trust:
        await stage.start()
        await (stage.work_on_a_small_disk() if small else stage.work_on_a_failing_disk())
        return await stage.settle()

    if small:
        stage.mount()
    try:
        trust = asyncio.run(life())
        stage.close()
        verdict = judge(stage.where, trust, stage.seen)
    except KillError as error:
        return Outcome([str(error)], 0, 0, stage.met, stage.ended)
    finally:
        stage.close()
        if small:
            stage.unmount()
    return Outcome(verdict.problems, verdict.acknowledged, verdict.lost, stage.met, stage.ended)


def in_a_namespace(disks: Sequence[Disk], fault: str = "") -> list[Outcome]:
    """Run disks in a process of its own, which may mount."""
    command = [sys.executable, "-m", "tests.fault.audit.failing_disks", json.dumps(list(map(asdict, disks)))]
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", *command, *([fault] if fault else [])],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        check=True,
    )
    return [Outcome(**json.loads(line)) for line in done.stdout.splitlines()]


def main() -> None:
    """Run the disks that the command line names."""
    fault = sys.argv[2] if len(sys.argv) > 2 else ""
    for each in json.loads(sys.argv[1]):
        with folder(Path(tempfile.mkdtemp(prefix="audit-disks-"))) as home:
            outcome = run(home, Disk(**each), fault)
        sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    # Children are told where their functions are by the name of this module, which is not "__main__".
    from tests.fault.audit import failing_disks

    failing_disks.main()
