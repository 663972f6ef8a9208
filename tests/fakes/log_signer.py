"""The LogSigner port with a key in memory."""

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from tests.unit.tlog.keys import LOG
from tlog.note import Signature, VerifierKey, note_signature


class InMemoryLogSigner:
    """Signs as LOG; `down` makes it a key service that is away."""

    origin = LOG.key.name

    def __init__(self) -> None:
        self.down = False
        self.signed: list[str] = []

    async def verifier_key(self) -> VerifierKey:
        self._check()
        return LOG.key

    async def sign(self, text: str) -> Signature:
        self._check()
        self.signed.append(text)
        return note_signature(LOG.key, LOG.private_key.sign(text.encode()))

    def _check(self) -> None:
        if self.down:
            raise DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "kms did not answer")
