"""Keys of digests: each signs the digests of the trails that one service delivers, and can sign nothing else.

AWS: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html
"""

from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.chassis.identity import WorkloadId
from services.kms.domain.digest_text import require_digest_text
from services.kms.domain.material import load_public_key
from services.kms.domain.specs import Algorithm, KeySpec
from services.kms.operations.material_store import MaterialStore
from services.kms.operations.own_keys import OwnKey, OwnSigner
from services.kms.operations.workload_keys import WorkloadKeys

DIGEST_KEY = OwnKey("digest", "Digests are of services: this workload has none.")
"""Whoever verifies finds the key of a digest by the time that the digest covers; this one is there from its
first use on, and for all trails."""
_SPEC = KeySpec.RSA_2048
"""CloudTrail's keys have this size, and `aws cloudtrail validate-logs` takes no other kind."""


@dataclass(frozen=True, slots=True)
class DigestPublicKey:
    """What digests are verified with."""

    der: bytes
    """RSAPublicKey (RFC 8017, appendix A.1.1), not SubjectPublicKeyInfo."""
    created: datetime


class DigestKeys:
    """Signs for the calling service."""

    def __init__(self, keys: WorkloadKeys, material: MaterialStore) -> None:
        """Use these keys."""
        self._signer = OwnSigner(
            keys, material, _SPEC, Algorithm.RSASSA_PKCS1_V1_5_SHA_256, "Signs the digests of"
        )

    async def sign(self, caller: WorkloadId | None, text: str) -> bytes:
        """Sign the text of a digest (256 bytes). Raises DomainError(INVALID_FIELD) for any other text."""
        name = DIGEST_KEY.name(caller)
        require_digest_text(text)
        return await self._signer.sign(name, text.encode())

    async def public_key(self, caller: WorkloadId | None) -> DigestPublicKey:
        """Return the public key of the caller's digests."""
        version = await self._signer.version(DIGEST_KEY.name(caller))
        key = load_public_key(_SPEC, version.public_key)
        return DigestPublicKey(key.public_bytes(Encoding.DER, PublicFormat.PKCS1), version.created)
