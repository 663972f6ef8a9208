"""An event with all that proves it, in one file that is verified offline.

JSON, four members: `entry`, `event` and `salt` in base64, and `proof`, the text of an inclusion proof
(https://c2sp.org/tlog-proof). The event is a serialised craton.audit.v1.Event.
"""

import base64
import json
from dataclasses import dataclass

from tlog import strict_json
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.inclusion import InclusionProof
from tlog.leaf import LeafHeader, verify_event
from tlog.note import decode_base64

_MEMBERS = ("entry", "event", "salt", "proof")


@dataclass(frozen=True, slots=True)
class Proved:
    """What a proof has shown."""

    header: LeafHeader
    checkpoint: Checkpoint
    index: int


@dataclass(frozen=True, slots=True)
class EventProof:
    """An event, its entry, and the proof that the entry is in the log."""

    entry: bytes
    event: bytes
    salt: bytes
    proof: InclusionProof

    @classmethod
    def parse(cls, content: bytes) -> "EventProof":
        """Read a file. Raises TlogError."""
        members = strict_json.parse(content)
        if not isinstance(members, dict) or set(members) != set(_MEMBERS):
            raise TlogError(f"the members {', '.join(_MEMBERS)} are expected, and no others")
        if not all(isinstance(value, str) for value in members.values()):
            raise TlogError("a member is not a string")
        proof = InclusionProof.parse(members["proof"].encode())
        entry, event, salt = (decode_base64(members[name]) for name in _MEMBERS[:3])
        return cls(entry, event, salt, proof)

    def __bytes__(self) -> bytes:
        """Return the file."""
        encoded = [base64.b64encode(each).decode() for each in (self.entry, self.event, self.salt)]
        members = dict(zip(_MEMBERS, (*encoded, bytes(self.proof).decode()), strict=True))
        return json.dumps(members, indent=2, ensure_ascii=False).encode() + b"\n"

    def verify(self, trust: Trust) -> Proved:
        """Verify that the event is the entry's, and that the entry is in the log. Raises TlogError."""
        header = verify_event(self.entry, self.event, self.salt)
        return Proved(header, self.proof.verify(self.entry, trust), self.proof.index)
