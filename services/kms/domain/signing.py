"""Digital signatures: RSASSA-PSS, RSASSA-PKCS1-v1_5 (RFC 8017), ECDSA (FIPS 186-5) and Ed25519 (RFC 8032).

AWS: https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
"""

import enum
from collections.abc import Mapping
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from services.kms.domain.material import PrivateKey, PublicKey
from services.kms.domain.specs import Algorithm, KeySpec, KeyUsage
from services.kms.domain.usage import require_algorithm
from services.kms.errors import invalid_signature, wrong_digest_length, wrong_message_type

_Hash = SHA256 | SHA384 | SHA512
_HASHES: Mapping[Algorithm, _Hash] = {
    each: kind()
    for suffix, kind in (("SHA_256", SHA256), ("SHA_384", SHA384), ("SHA_512", SHA512))
    for each in Algorithm
    if each.value.endswith(suffix)
}
"""By the algorithms that end with their names."""


class MessageType(enum.Enum):
    """What the message of a signature is."""

    RAW = "RAW"
    """The message itself: it is hashed here."""
    DIGEST = "DIGEST"
    """The message's digest, by the algorithm's own hash function."""


def sign(
    spec: KeySpec, key: PrivateKey, algorithm: Algorithm, message: bytes, message_type: MessageType
) -> bytes:
    """Sign a message.

    ECDSA signatures are DER (RFC 3279, section 2.2.3); those of RSA are as long as the modulus, PSS with a
    salt as long as the digest. Raises DomainError(INVALID_KEY_USAGE) for an algorithm of another spec, and
    INVALID_FIELD for a digest of another length or an Ed25519 digest.
    """
    digest = _checked(spec, algorithm, message, message_type)
    # A key is asked for its kind last: classes of `cryptography` take their time to say.
    if algorithm is Algorithm.ED25519_SHA_512:
        return cast("Ed25519PrivateKey", key).sign(message)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(digest))
    return cast("RSAPrivateKey", key).sign(message, _padding(algorithm), digest)


def verify(
    spec: KeySpec,
    key: PublicKey,
    algorithm: Algorithm,
    message: bytes,
    message_type: MessageType,
    signature: bytes,
) -> None:
    """Raise DomainError(INVALID_SIGNATURE) unless the signature is right; otherwise as `sign`."""
    digest = _checked(spec, algorithm, message, message_type)
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, message, _padding(algorithm), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(digest))
        else:
            key.verify(signature, message)
    except InvalidSignature:
        raise invalid_signature() from None


def _checked(
    spec: KeySpec, algorithm: Algorithm, message: bytes, message_type: MessageType
) -> _Hash | Prehashed:
    require_algorithm(spec, KeyUsage.SIGN_VERIFY, algorithm)
    digest = _HASHES[algorithm]
    if message_type is MessageType.RAW:
        return digest
    if algorithm is Algorithm.ED25519_SHA_512:
        raise wrong_message_type(message_type.value, algorithm.value)
    if len(message) != digest.digest_size:
        raise wrong_digest_length(algorithm.value)
    return Prehashed(digest)


def _padding(algorithm: Algorithm) -> padding.PSS | padding.PKCS1v15:
    if algorithm.value.startswith("RSASSA_PSS_"):
        return padding.PSS(padding.MGF1(_HASHES[algorithm]), padding.PSS.DIGEST_LENGTH)
    return padding.PKCS1v15()
