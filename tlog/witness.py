"""What a witness decides: whether a checkpoint continues the one it has seen (https://c2sp.org/tlog-witness)."""

from collections.abc import Sequence
from dataclasses import dataclass

from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.hashing import EMPTY_ROOT
from tlog.note import Note
from tlog.proofs import verify_consistency


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint that a witness has cosigned."""

    size: int
    root: bytes


NOTHING = Seen(0, EMPTY_ROOT)
SIZE = "size"
"""Under this name a refusal says how far a witness has seen the log."""


class StaleError(TlogError):
    """The proof begins at another size than what the witness has seen last: ask again from there."""

    def __init__(self, size: int) -> None:
        """Name the size that it has seen."""
        super().__init__(f"the newest checkpoint that was cosigned has size {size}")
        self.size = size


class ForkError(TlogError):
    """The log's own signature stands under a tree that does not continue the one that was seen."""


def judge(seen: Seen, trust: Trust, note: Note, old_size: int, proof: Sequence[bytes]) -> Checkpoint:
    """Return a checkpoint that may be cosigned, and has to be remembered before it is.

    Raises StaleError; ForkError, which nobody but the holder of the log's key can cause, or a proof that is
    no proof; TlogError for a note that the log has not signed.
    """
    checkpoint = trust.checkpoint(note)
    if old_size > checkpoint.size:
        raise TlogError("the old size is larger than the checkpoint's")
    if old_size != seen.size:
        raise StaleError(seen.size)
    try:
        verify_consistency(old_size, checkpoint.size, proof, seen.root, checkpoint.root)
    except TlogError as error:
        raise ForkError(f"it does not continue the tree of {seen.size}: {error}") from error
    return checkpoint
