"""Checkpoints: a log's size and root, signed (https://c2sp.org/tlog-checkpoint)."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tlog.errors import TlogError
from tlog.hashing import EMPTY_ROOT, HASH_BYTES
from tlog.note import Note, VerifierKey, decode_base64
from tlog.proofs import MAX_SIZE

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: that of `size` leaves its root is this."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note's text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a note's text. Raises TlogError; also for extension lines, which no log of ours has."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise TlogError("a checkpoint has three lines")
        origin, size, root = lines[:3]
        if not origin:
            raise TlogError("a checkpoint has no origin")
        parsed = cls(origin, parse_size(size), decode_base64(root))
        if len(parsed.root) != HASH_BYTES:
            raise TlogError(f"a root has {HASH_BYTES} bytes")
        if parsed.size == 0 and parsed.root != EMPTY_ROOT:
            raise TlogError("an empty tree has another root")
        return parsed


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a reader believes: the log, and its witnesses when as many as the quorum have cosigned."""

    log: VerifierKey
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 0

    def __post_init__(self) -> None:
        """Raise TlogError for a quorum that cannot be had, or could be had from one witness twice."""
        if not 0 <= self.quorum <= len(self.witnesses):
            raise TlogError(f"{len(self.witnesses)} witnesses are no quorum of {self.quorum}")
        if len({key.public_key for key in (self.log, *self.witnesses)}) != len(self.witnesses) + 1:
            raise TlogError("two of log and witnesses have one key")

    def checkpoint(self, note: Note) -> Checkpoint:
        """Return what a note says, once it is verified: signed by the log and cosigned by the quorum.

        The log's key has the name of its origin. Raises TlogError.
        """
        signed = note.verify((self.log, *self.witnesses))
        if self.log not in signed:
            raise TlogError("the log has not signed the checkpoint")
        if len(signed) - 1 < self.quorum:
            raise TlogError(f"{len(signed) - 1} of {self.quorum} witnesses have cosigned the checkpoint")
        checkpoint = Checkpoint.parse(note.text)
        if checkpoint.origin != self.log.name:
            raise TlogError("the checkpoint is of another log")
        return checkpoint


def parse_size(text: str) -> int:
    """Read a tree's size or an index. Raises TlogError."""
    if not _SIZE.fullmatch(text) or int(text) > MAX_SIZE:
        raise TlogError("not a size")
    return int(text)


def parse_hashes(lines: Sequence[str]) -> list[bytes]:
    """Read one hash a line. Raises TlogError."""
    if len(lines) > 63:
        raise TlogError("a proof has more than 63 hashes")
    hashes = [decode_base64(line) for line in lines]
    if any(len(each) != HASH_BYTES for each in hashes):
        raise TlogError(f"a hash has {HASH_BYTES} bytes")
    return hashes
