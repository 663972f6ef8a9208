"""What a witness needs of the outside."""

from dataclasses import dataclass
from typing import Protocol

from tlog.note import VerifierKey
from tlog.witness import Seen


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log as the witness knows it."""

    key: VerifierKey
    """Pinned with the first checkpoint, for ever."""
    seen: Seen


class KnownLogs(Protocol):
    """Remembers the newest checkpoint that was cosigned of each log, by its origin."""

    async def get(self, origin: str) -> KnownLog | None:
        """Return a log, None for one that was never cosigned."""

    async def advance(self, before: KnownLog | None, now: KnownLog) -> bool:
        """Remember `now` in the place of `before`, of the same origin.

        MUST compare and write in one transaction, and return False when what is held is not `before`. MUST
        return True only after it is durable: a cosignature follows, and there is no second one.
        """


class Cosigner(Protocol):
    """Holds the witness' own key."""

    @property
    def key(self) -> VerifierKey:
        """The public half, for cosignatures."""

    def sign(self, message: bytes) -> bytes:
        """Sign with Ed25519 (64 bytes)."""
