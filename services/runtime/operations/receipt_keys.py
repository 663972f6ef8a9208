"""Keys that sign receipts: made here, certified by kms for an hour, renewed long before that ends."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from craton.common.v1.error_reason_pb2 import ErrorReason
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.runtime.domain.generation import LONGEST_CALL_S
from services.runtime.ports import ReceiptCertifier
from tlog.errors import TlogError
from tlog.note import Note, note_signature
from tlog.receipt_key import ReceiptKey

RENEW_S = 1800.0
"""A key with less time left is replaced: half of its hour is left for kms to come back in."""
_NEEDED = timedelta(seconds=LONGEST_CALL_S + 30)
"""A call gets its key when it begins, and no call is to end without the receipt that it was promised."""
_CHECK_S = 30.0
_FIRST_RETRY_S, _LAST_RETRY_S = 1.0, 10.0

_log = Log("receipts")


@dataclass(frozen=True, slots=True)
class CertifiedKey:
    """A key in use."""

    private_key: Ed25519PrivateKey = field(repr=False)
    certificate: ReceiptKey
    note: bytes
    """The certificate as it is given out."""

    def sign(self, text: str) -> bytes:
        """Return the signed note of a text."""
        signature = note_signature(self.certificate.key, self.private_key.sign(text.encode()))
        return bytes(Note(text, (signature,)))


class ReceiptKeys:
    """Holds the key that signs now. Keys are in memory alone and end with the process."""

    def __init__(self, certifier: ReceiptCertifier, clock: Clock) -> None:
        """Have keys certified by `certifier`."""
        self._certifier = certifier
        self._clock = clock
        self._key: CertifiedKey | None = None

    def current(self) -> CertifiedKey:
        """Return the key for a call that begins now, at once. Raises DomainError(DEPENDENCY_UNAVAILABLE)."""
        now, key = self._clock.now(), self._key
        if key is None or not key.certificate.not_before <= now < key.certificate.not_after - _NEEDED:
            raise DomainError(
                ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
                "no certified key for receipts: ask again later, or without a receipt",
                retry_after_s=5.0,
            )
        return key

    @property
    def seconds_left(self) -> float:
        """How long the key goes on signing, 0 without one: for metrics."""
        if self._key is None:
            return 0.0
        return max(0.0, (self._key.certificate.not_after - self._clock.now()).total_seconds())

    async def run(self) -> None:
        """Keep a certified key, for ever."""
        retry_s = _FIRST_RETRY_S
        while True:
            try:
                await self.renew_if_due()
            except (DomainError, TlogError) as error:
                _log.warning("receipt_key_not_certified", reason=type(error).__name__)
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _LAST_RETRY_S)
            else:
                retry_s = _FIRST_RETRY_S
                await asyncio.sleep(_CHECK_S)

    async def renew_if_due(self) -> None:
        """Make another key, when the one that there is ends soon or the clock is outside of its hour.

        The old one stays in use until the new one is certified. Raises what the certifier raises, and
        TlogError when its answer is no certificate of the key.
        """
        key, now = self._key, self._clock.now()
        if key is not None and self.seconds_left > RENEW_S and key.certificate.not_before <= now:
            return
        made = Ed25519PrivateKey.generate()
        public = made.public_key().public_bytes_raw()
        note = await self._certifier.certify(public)
        certificate = ReceiptKey.parse(Note.parse(note).text)
        if certificate.key.public_key != public:
            raise TlogError("the certificate is of another key")
        self._key = CertifiedKey(made, certificate, note)
        _log.info("receipt_key_certified")
