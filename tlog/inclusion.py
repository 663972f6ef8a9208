"""Proofs in one file: that an entry is in a log that its witnesses have seen (https://c2sp.org/tlog-proof)."""

import base64
from dataclasses import dataclass

from tlog.checkpoint import Checkpoint, Trust, parse_hashes, parse_size
from tlog.errors import TlogError
from tlog.hashing import leaf_hash
from tlog.note import Note, decode_base64, encode_hashes
from tlog.proofs import verify_inclusion

_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """What shows that one entry is in a log; whoever has the entry and a `Trust` needs nothing else."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes = b""
    """For the application. Nothing vouches for it."""

    @classmethod
    def parse(cls, content: bytes) -> "InclusionProof":
        """Read a proof. Raises TlogError."""
        head, blank, note = content.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise TlogError("not a proof") from error
        if not blank or lines.pop(0) != _HEADER:
            raise TlogError("not a proof of a known version")
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = decode_base64(lines.pop(0).removeprefix("extra "))
        if not lines or not lines[0].startswith("index "):
            raise TlogError("a proof has no index")
        index = parse_size(lines.pop(0).removeprefix("index "))
        return cls(index, tuple(parse_hashes(lines)), Note.parse(note), extra)

    def __bytes__(self) -> bytes:
        """Return the proof as it is kept and sent."""
        extra = f"extra {base64.b64encode(self.extra).decode()}\n" if self.extra else ""
        head = f"{_HEADER}\n{extra}index {self.index}\n{encode_hashes(self.hashes)}\n"
        return head.encode() + bytes(self.checkpoint)

    def verify(self, entry: bytes, trust: Trust) -> Checkpoint:
        """Verify that the entry is in the log, and return the checkpoint that it is proved by.

        Raises TlogError.
        """
        checkpoint = trust.checkpoint(self.checkpoint)
        verify_inclusion(self.index, checkpoint.size, leaf_hash(entry), self.hashes, checkpoint.root)
        return checkpoint
