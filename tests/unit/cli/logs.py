"""A small log that answers the command line, and lies when it is told to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from craton.audit.v1 import resources_pb2 as pb

from cli.log_client import LogWord, NoProofError
from tests.unit.tlog.keys import LOG, WITNESSES, Signer
from tests.unit.tlog.trees import consistency, path, tree_hash
from tlog.checkpoint import Checkpoint
from tlog.event_proof import EventProof
from tlog.inclusion import InclusionProof
from tlog.leaf import LeafHeader, commit
from tlog.note import Note

SALT = b"t" * 32
WITNESS = WITNESSES[0]


def event_id(number: int) -> UUID:
    return UUID(int=number + 1)


def event(number: int, story: str = "") -> pb.Event:
    """The event with a number; in another story another event."""
    made = pb.Event(
        event_id=str(event_id(number)),
        phase=pb.EVENT_PHASE_OUTCOME,
        recorder="edge",
        event_source="iam.amazonaws.com",
        event_name=f"GetUser{story}",
        account_id="123456789012",
        status_code="OK",
        count=1,
    )
    made.event_time.FromSeconds(1_772_366_400 + number)
    return made


def entry(made: pb.Event) -> bytes:
    content = made.SerializeToString()
    header = LeafHeader(
        UUID(made.event_id).bytes, made.event_time.ToMicroseconds(), b"k" * 16, commit(content, SALT)
    )
    return bytes(header) + bytes(12 + 32 + len(content) + 16)


@dataclass
class Log:
    """A LogClient over `size` events; each field that is set makes it lie in one way."""

    size: int = 5
    story: str = ""
    """From the event `forked_at` on."""
    forked_at: int = 2
    signers: Sequence[Signer] = (LOG, WITNESS)
    answers_with: int | None = None
    """Proves this event, whichever was asked for."""
    entry_of: int | None = None
    """Puts this one's entry and place in the place of the right one."""
    shows: pb.Event | None = None
    """Shows this in the place of the event."""
    hashes: Sequence[bytes] | None = None
    """Says that these prove consistency."""
    asked: list[tuple[int, int]] = field(default_factory=list)
    """Between which sizes consistency was asked for."""

    @property
    def entries(self) -> list[bytes]:
        return [
            entry(event(number, self.story if number >= self.forked_at else ""))
            for number in range(self.size)
        ]

    @property
    def note(self) -> Note:
        made = Note(Checkpoint(LOG.key.name, self.size, tree_hash(self.entries)).text, ())
        for signer in self.signers:
            made = signer.sign(made)
        return made

    def checkpoint(self) -> LogWord:
        return LogWord(str(LOG.key), (str(WITNESS.key),), bytes(self.note))

    def event(self, asked: UUID) -> EventProof:
        number = asked.int - 1 if self.answers_with is None else self.answers_with
        if number >= self.size:
            raise NoProofError("There is no such event.")
        place = number if self.entry_of is None else self.entry_of
        shown = self.shows or event(number, self.story if number >= self.forked_at else "")
        proof = InclusionProof(place, tuple(path(place, self.entries)), self.note)
        return EventProof(self.entries[place], shown.SerializeToString(), SALT, proof)

    def consistency(self, first: int, second: int) -> Sequence[bytes]:
        self.asked.append((first, second))
        if self.hashes is not None:
            return self.hashes
        return () if first == 0 else consistency(first, self.entries[:second])
