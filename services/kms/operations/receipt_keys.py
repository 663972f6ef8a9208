"""Keys that sign receipts: services make them, and a key of kms certifies each for an hour."""

from datetime import UTC, timedelta
from typing import cast
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.chassis.clock import Clock
from services.chassis.context import CallContext, Statement
from services.chassis.identity import WorkloadId
from services.chassis.randomness import Randomness, random_uuid
from services.kms.domain.material import load_public_key
from services.kms.domain.names import KeyClass, KeyParent
from services.kms.domain.specs import Algorithm, KeySpec
from services.kms.errors import caller_refused, invalid_field
from services.kms.operations.material_store import MaterialStore
from services.kms.operations.own_keys import OwnSigner
from services.kms.operations.workload_keys import WorkloadKeys
from tlog.errors import TlogError
from tlog.note import Note, SignatureType, VerifierKey, note_signature
from tlog.receipt_key import ReceiptKey

AUTHORITY_KEY = KeyParent(KeyClass.SERVICE, "kms").key("receipt-authority")
"""Of the key service itself: not of those who ask for certificates."""
LIFETIME = timedelta(hours=1)
BEFORE = timedelta(minutes=1)
"""A certificate begins that much in the past, because the clock of whoever signs may be behind ours."""
_SPEC = KeySpec.ECC_NIST_EDWARDS25519


class ReceiptKeys:
    """Certifies keys of the calling service."""

    def __init__(
        self,
        keys: WorkloadKeys,
        material: MaterialStore,
        trust_domain: str,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Certify workloads of this trust domain."""
        self._signer = OwnSigner(
            keys, material, _SPEC, Algorithm.ED25519_SHA_512, "Certifies receipt keys as"
        )
        self._trust_domain = trust_domain
        self._clock = clock
        self._randomness = randomness

    async def certify(self, call: CallContext, public_key: bytes) -> bytes:
        """Return the certificate of a key of the calling service; the call's event will carry its digest.

        Raises DomainError: INVALID_FIELD for bytes that are no public key, ACCESS_DENIED for workloads that
        are no services.
        """
        caller = _service(call.caller)
        try:
            key = VerifierKey(f"{self._trust_domain}/{caller.name}/receipts", SignatureType.NOTE, public_key)
            Ed25519PublicKey.from_public_bytes(public_key)
        except (TlogError, ValueError) as error:
            raise invalid_field("public_key", "32 bytes of an Ed25519 public key are expected") from error
        begins = self._clock.now().astimezone(UTC).replace(microsecond=0) - BEFORE
        certificate = ReceiptKey(
            event_id=UUID(random_uuid(self._randomness)),
            key=key,
            workload=str(caller),
            not_before=begins,
            not_after=begins + LIFETIME,
        )
        text, authority = certificate.text, await self.authority()
        signature = await self._signer.sign(AUTHORITY_KEY, text.encode())
        call.statement = Statement(str(certificate.event_id), certificate.digest)
        return bytes(Note(text, (note_signature(authority, signature),)))

    async def authority(self) -> VerifierKey:
        """Return the public key that certificates verify under."""
        version = await self._signer.version(AUTHORITY_KEY)
        public = cast("Ed25519PublicKey", load_public_key(_SPEC, version.public_key)).public_bytes_raw()
        return VerifierKey(f"{self._trust_domain}/receipts", SignatureType.NOTE, public)


def _service(caller: WorkloadId | None) -> WorkloadId:
    """Return the calling service. Raises DomainError(ACCESS_DENIED) for other workloads."""
    if caller is None or caller.kind != "service":
        raise caller_refused("Receipts are signed by services.")
    return caller
