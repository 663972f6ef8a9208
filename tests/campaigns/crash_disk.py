"""A disk that loses power: it keeps what was synced, and of the rest whatever a real one may keep.

The files lie in a folder and are what a running process sees, the page cache included. Beside them stands
what is on the platter: for every file its synced bytes and the changes since, for the folder its names and
the changes since. A power cut keeps, of the changes to a file, the first few whole and single sectors of the
rest, and of the changes to the folder the first few, as journalling file systems do.
"""

import asyncio
import errno
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from services.chassis.audit.files import OsFiles
from services.chassis.audit.kernel_syncs import Syncs
from tests.fakes.spool_files import SyncsOf

SECTOR = 512
_LOCK = "spool.lock"
"""Empty, and made anew by every life: it tells nothing."""


@dataclass(slots=True)
class _Plate:
    """One file on the platter."""

    synced: bytearray = field(default_factory=bytearray)
    changes: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Offset and bytes of a write; a length and None for a truncation or a reservation."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What the call with a number does instead of working."""

    at: int
    kind: str
    """"power" cuts the power, "kill" ends the process and not the machine, "short" writes less than asked,
    "hang" takes long; else the name of an errno."""


class CrashDisk(OsFiles):
    """The spool's port onto a disk that fails as it was told, and whose power can be cut.

    After the end of its life every call fails, so that nothing can be acknowledged any more; `restore` then
    gives the folder what the next life finds. The folder must lie on a tmpfs, which never gives the inode of
    a removed file to another one.
    """

    def __init__(
        self,
        folder: Path,
        random: Random,
        *,
        faults: tuple[Fault, ...] = (),
        hang_s: float = 0.0,
        before: "CrashDisk | None" = None,
    ) -> None:
        """Watch a folder. Without a disk of the life `before`, all that is in it is on the platter."""
        self._folder = folder
        # Its own, because the spool's thread draws from it while the case goes on.
        self._random = Random(random.getrandbits(64))
        self.planned = faults
        self._faults = {fault.at: fault.kind for fault in faults}
        self._hang_s = hang_s
        self._background = random.random() < 0.7
        self._plates: dict[int, _Plate] = {}
        self._names: dict[str, int] = {}
        self._pending: list[tuple[str, int | None]] = []
        """Names made (with their inode) and removed since the folder was synced."""
        if before is not None and before._after_power_cut is None:
            # The machine goes on: what was not synced still is not.
            self._plates, self._names, self._pending = before._plates, before._names, before._pending
        else:
            self._names = self._present()
            for path in folder.iterdir():
                self._plates[path.stat().st_ino] = _Plate(bytearray(path.read_bytes()))
        self._after_power_cut: dict[str, bytes] | None = None
        self._ended = False
        self.calls = 0
        self.failed: list[str] = []

    def create(self, path: Path) -> int:
        """Make a name that is not on the platter yet."""
        self._step("create")
        self._note_renames()
        descriptor = super().create(path)
        inode = os.fstat(descriptor).st_ino
        self._plates[inode] = _Plate()
        self._pending.append((path.name, inode))
        return descriptor

    def reopen(self, path: Path) -> int:
        """Open."""
        self._step("reopen")
        return super().reopen(path)

    def allocate(self, descriptor: int, size: int) -> None:
        """Reserve room, as a change of length."""
        self._step("allocate")
        if size > os.fstat(descriptor).st_size:
            self._plate(descriptor).changes.append((size, None))
        super().allocate(descriptor, size)

    def write(self, descriptor: int, data: memoryview, offset: int) -> int:
        """Write into the page cache; a power cut in the middle keeps some of it."""
        kind = self._step("write", data=(descriptor, bytes(data), offset))
        if kind == "short" and len(data) > 1:
            data = data[: self._random.randrange(1, len(data))]
        written = super().write(descriptor, data, offset)
        self._plate(descriptor).changes.append((offset, bytes(data[:written])))
        return written

    def fdatasync(self, descriptor: int) -> None:
        """Bring a file's changes to the platter."""
        plate = self._plate(descriptor)
        try:
            kind = self._step("fdatasync")
        except OSError:
            if not self._ended:
                # The kernel marks the pages clean: what had not reached the platter never will, and the next
                # sync succeeds without it.
                plate.synced = self._torn(plate)
                plate.changes.clear()
            raise
        if kind == "hang":
            time.sleep(self._hang_s)
        plate.synced = _applied(plate.synced, plate.changes)
        plate.changes.clear()

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut."""
        self._step("truncate")
        super().truncate(descriptor, size)
        self._plate(descriptor).changes.append((size, None))

    def unlink(self, path: Path) -> None:
        """Remove a name; the platter learns it later."""
        self._step("unlink")
        super().unlink(path)
        self._pending.append((path.name, None))

    def sync_directory(self, path: Path) -> None:
        """Bring the names to the platter."""
        self._step("sync_directory")
        self._names = self._present()
        self._pending.clear()

    def syncs(self, loop: asyncio.AbstractEventLoop) -> Syncs | None:
        """Sync in the background, as where the kernel offers it; in some lives only a thread can wait."""
        return SyncsOf(loop, self.fdatasync) if self._background else None

    def cut_power(self) -> None:
        """Decide what the platter keeps; every later call fails."""
        if not self._ended:
            self._ended = True
            self._after_power_cut = self._surviving()

    def kill(self) -> None:
        """End the process: every later call fails, and the page cache stays."""
        self._ended = True

    @property
    def ended(self) -> bool:
        """True once the power was cut or the process was killed."""
        return self._ended

    def restore(self) -> None:
        """Make the folder what the next life finds after the power cut; nothing to do when there was none."""
        if self._after_power_cut is None:
            return
        for path in self._folder.iterdir():
            path.unlink()
        self._after_power_cut.pop(_LOCK, None)
        for name, data in self._after_power_cut.items():
            (self._folder / name).write_bytes(data)

    def _step(self, name: str, data: tuple[int, bytes, int] | None = None) -> str:
        """Count a call, and fail it when it is its turn; return a kind that the caller acts upon."""
        kind = self._faults.get(self.calls, "")
        self.calls += 1
        if self._ended:
            raise OSError(errno.EIO, "this life has ended")
        if kind in ("power", "kill"):
            self.failed.append(f"{kind} in {name}")
            if data is not None:
                descriptor, written, offset = data
                written = written[: self._random.randint(0, len(written))]
                super().write(descriptor, memoryview(written), offset)
                self._plate(descriptor).changes.append((offset, written))
            if kind == "power":
                self.cut_power()
            self.kill()
            raise OSError(errno.EIO, "this life has ended")
        if kind and kind not in ("short", "hang"):
            self.failed.append(f"{kind} in {name}")
            number = getattr(errno, kind)
            raise OSError(number, os.strerror(number))
        return kind

    def _plate(self, descriptor: int) -> _Plate:
        return self._plates.setdefault(os.fstat(descriptor).st_ino, _Plate())

    def _present(self) -> dict[str, int]:
        return {path.name: path.stat().st_ino for path in sorted(self._folder.iterdir())}

    def _note_renames(self) -> None:
        """Learn names that did not come through this port: the spool renames its id file by itself."""
        known = {name for name, _ in self._pending} | set(self._names) | {_LOCK}
        self._pending += [(name, inode) for name, inode in self._present().items() if name not in known]

    def _surviving(self) -> dict[str, bytes]:
        self._note_renames()
        names = dict(self._names)
        for name, inode in self._pending[: self._random.randint(0, len(self._pending))]:
            if inode is None:
                names.pop(name, None)
            else:
                names[name] = inode
        return {name: bytes(self._torn(self._plates.get(inode, _Plate()))) for name, inode in names.items()}

    def _torn(self, plate: _Plate) -> bytearray:
        """Return a file's bytes with some of its unsynced changes."""
        kept = self._random.randint(0, len(plate.changes))
        data = _applied(plate.synced, plate.changes[:kept])
        for offset, written in plate.changes[kept:]:
            if written is None:
                # Lengths change in order: what comes after one that is lost is lost as well.
                break
            for start, piece in _sectors(offset, written):
                if self._random.random() < 0.5:
                    data = _applied(data, [(start, piece)])
        return data


def _sectors(offset: int, data: bytes) -> list[tuple[int, bytes]]:
    """Split a write at the boundaries of sectors, each of which reaches the platter whole or not at all."""
    pieces = []
    end = offset + len(data)
    at = offset
    while at < end:
        until = min(end, (at // SECTOR + 1) * SECTOR)
        pieces.append((at, data[at - offset : until - offset]))
        at = until
    return pieces


def _applied(data: bytearray, changes: list[tuple[int, bytes | None]]) -> bytearray:
    result = bytearray(data)
    for offset, written in changes:
        if written is None:
            result = result[:offset] + bytes(max(0, offset - len(result)))
        else:
            result += bytes(max(0, offset + len(written) - len(result)))
            result[offset : offset + len(written)] = written
    return result
