"""Opening a spool's directory: its lock, its identity, and the check of every segment."""

import errno
import fcntl
import os
import re
from dataclasses import dataclass
from pathlib import Path

from services.chassis.audit.files import Files
from services.chassis.audit.segment import Scan, SpoolCorruptError, scan
from services.chassis.randomness import Randomness

_ID_FILE = "spool.id"
_LOCK_FILE = "spool.lock"
_ID_BYTES = 16
_ID = re.compile(r"[0-9a-f]{32}")


class SpoolInUseError(Exception):
    """Another process holds the spool."""


@dataclass(slots=True)
class Segment:
    """One segment as the spool knows it."""

    path: Path
    first_position: int
    next_position: int
    size: int
    """Durable bytes."""
    summary_bytes: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found in the directory."""

    segments: list[Segment]
    torn_bytes: int
    """Bytes after the last whole record that no commit vouches for; the writer cuts them off."""


def lock(directory: Path) -> int:
    """Take the directory's lock and return its descriptor; it is released when that is closed.

    Raises SpoolInUseError: two writers would give out the same positions.
    """
    descriptor = os.open(directory / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise SpoolInUseError(f"{directory}: another process uses this spool") from error
    return descriptor


def identity(directory: Path, files: Files, randomness: Randomness) -> bytes:
    """Return the spool's id, making a random one for an empty directory.

    Raises SpoolCorruptError when there are segments but no id: a new one would ship old events again.
    """
    path = directory / _ID_FILE
    if path.exists():
        return read_identity(directory)
    if any(directory.glob("*.seg")):
        raise SpoolCorruptError(f"{path}: missing, although there are segments")
    value = randomness.token_bytes(_ID_BYTES)
    temporary = directory / f"{_ID_FILE}.new"
    temporary.unlink(missing_ok=True)
    descriptor = files.create(temporary)
    try:
        if files.write(descriptor, memoryview(value.hex().encode()), 0) != _ID_BYTES * 2:
            raise OSError(errno.ENOSPC, "the spool's id was cut short")
        files.fdatasync(descriptor)
    finally:
        files.close(descriptor)
    temporary.rename(path)
    files.sync_directory(directory)
    return value


def read_identity(directory: Path) -> bytes:
    """Return the id of an existing spool. Raises SpoolCorruptError, OSError."""
    path = directory / _ID_FILE
    text = path.read_text()
    if not _ID.fullmatch(text):
        raise SpoolCorruptError(f"{path}: 32 hexadecimal digits are expected")
    return bytes.fromhex(text)


def recover(directory: Path, spool_id: bytes) -> Recovered:
    """Check every segment, in order. Raises SpoolCorruptError when acknowledged records are missing.

    Reads only: it serves as the spool's fsck as well.
    """
    paths = sorted(directory.glob("*.seg"))
    segments: list[Segment] = []
    torn = 0
    for index, path in enumerate(paths):
        first = int(path.stem)
        last = index == len(paths) - 1
        if segments and segments[-1].next_position != first:
            raise SpoolCorruptError(
                f"{path.name}: begins at {first}, but the segment before ends at {segments[-1].next_position}"
            )
        found: Scan = scan(path.read_bytes(), path.name, spool_id, first, last=last)
        if not segments and first > 0 and found.size == 0:
            # A segment is begun before the ones below it are deleted, so this one had been whole.
            raise SpoolCorruptError(f"{path.name}: the header is damaged and no segment comes before it")
        torn = found.torn_bytes
        segments.append(Segment(path, first, found.next_position, found.size, found.summary_bytes))
    return Recovered(segments, torn)
