"""A certifier of receipt keys that can be away, and what else signing receipts takes."""

from datetime import timedelta
from uuid import uuid4

from craton.common.v1.error_reason_pb2 import ErrorReason
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from tests.unit.tlog.keys import Signer
from tlog.note import Note, SignatureType, VerifierKey
from tlog.receipt_key import ReceiptKey

AUTHORITY = Signer("craton.local/receipts", SignatureType.NOTE)


class Certifier:
    """A ReceiptCertifier with a key in memory."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.down = False
        self.of_another_key = False
        self.certified: list[ReceiptKey] = []

    async def certify(self, public_key: bytes) -> bytes:
        if self.down:
            raise DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "kms is away")
        if self.of_another_key:
            public_key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        begins = self.clock.now() - timedelta(minutes=1)
        key = VerifierKey("craton.local/runtime/receipts", SignatureType.NOTE, public_key)
        certificate = ReceiptKey(
            uuid4(), key, "spiffe://craton.local/service/runtime", begins, begins + timedelta(hours=1)
        )
        self.certified.append(certificate)
        return bytes(AUTHORITY.sign(Note(certificate.text, ())))
