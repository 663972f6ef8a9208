"""Message authentication codes: HMAC (RFC 2104, FIPS 198-1), never truncated.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/hmac.html
"""

from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA224, SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.hmac import HMAC

from services.chassis.secret import SecretBytes
from services.kms.domain.specs import Algorithm, KeySpec, KeyUsage
from services.kms.domain.usage import require_algorithm
from services.kms.errors import invalid_mac

_HASHES: Mapping[Algorithm, type[HashAlgorithm]] = {
    Algorithm.HMAC_SHA_224: SHA224,
    Algorithm.HMAC_SHA_256: SHA256,
    Algorithm.HMAC_SHA_384: SHA384,
    Algorithm.HMAC_SHA_512: SHA512,
}


def generate_mac(spec: KeySpec, secret: SecretBytes, algorithm: Algorithm, message: bytes) -> bytes:
    """Return the code. Raises DomainError(INVALID_KEY_USAGE) for an algorithm of another spec."""
    return _computation(spec, secret, algorithm, message).finalize()


def verify_mac(spec: KeySpec, secret: SecretBytes, algorithm: Algorithm, message: bytes, mac: bytes) -> None:
    """Raise DomainError(INVALID_MAC) unless the code is right and whole; otherwise as `generate_mac`.

    The comparison takes the same time wherever the codes differ.
    """
    try:
        _computation(spec, secret, algorithm, message).verify(mac)
    except InvalidSignature:
        raise invalid_mac() from None


def _computation(spec: KeySpec, secret: SecretBytes, algorithm: Algorithm, message: bytes) -> HMAC:
    require_algorithm(spec, KeyUsage.GENERATE_VERIFY_MAC, algorithm)
    computation = HMAC(secret.reveal(), _HASHES[algorithm]())
    computation.update(message)
    return computation
