"""Encryption under RSA keys: RSAES-OAEP (RFC 8017, section 7.1), MGF1 over the same hash, no label.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html#rsa-encryption
"""

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from services.chassis.secret import SecretBytes
from services.kms.domain.material import PrivateKey, PublicKey
from services.kms.domain.specs import Algorithm, KeySpec, KeyUsage
from services.kms.domain.usage import require_algorithm
from services.kms.errors import incompatible_algorithm, invalid_ciphertext, plaintext_too_long

# OAEP asks no collision resistance of its hash: NIST SP 800-56B permits it for old peers, as AWS does.
_HASHES: Mapping[Algorithm, type[SHA1 | SHA256]] = {
    Algorithm.RSAES_OAEP_SHA_1: SHA1,
    Algorithm.RSAES_OAEP_SHA_256: SHA256,
}


def max_plaintext_size(spec: KeySpec, algorithm: Algorithm) -> int:
    """Return how many bytes can be encrypted at most: 190 for RSA_2048 and RSAES_OAEP_SHA_256."""
    require_algorithm(spec, KeyUsage.ENCRYPT_DECRYPT, algorithm)
    if algorithm not in _HASHES:
        raise incompatible_algorithm(algorithm.value, spec.value)
    return spec.rsa_bits // 8 - 2 * _HASHES[algorithm].digest_size - 2


def encrypt(spec: KeySpec, key: PublicKey, algorithm: Algorithm, plaintext: SecretBytes) -> bytes:
    """Encrypt under a public key; the ciphertext is as long as the modulus and names no key.

    Raises DomainError(INVALID_FIELD) for a plaintext that is too long, INVALID_KEY_USAGE for an algorithm of
    another spec.
    """
    bound = max_plaintext_size(spec, algorithm)
    if not isinstance(key, RSAPublicKey):
        raise incompatible_algorithm(algorithm.value, spec.value)
    if len(plaintext) > bound:
        raise plaintext_too_long(algorithm.value, spec.value, bound)
    return key.encrypt(plaintext.reveal(), oaep(_HASHES[algorithm]()))


def decrypt(spec: KeySpec, key: PrivateKey, algorithm: Algorithm, ciphertext: bytes) -> SecretBytes:
    """Open what `encrypt` made. Raises DomainError(INVALID_CIPHERTEXT) for whatever does not open.

    Others can encrypt under the public key, also nothing at all: that is no plaintext here, as in `encrypt`.
    """
    require_algorithm(spec, KeyUsage.ENCRYPT_DECRYPT, algorithm)
    if algorithm not in _HASHES or not isinstance(key, RSAPrivateKey):
        raise incompatible_algorithm(algorithm.value, spec.value)
    try:
        plaintext = key.decrypt(ciphertext, oaep(_HASHES[algorithm]()))
    except ValueError:
        raise invalid_ciphertext() from None
    if not plaintext:
        raise invalid_ciphertext()
    return SecretBytes(plaintext)


def oaep(digest: SHA1 | SHA256) -> OAEP:
    """Return OAEP with one hash for both of its uses, and without a label."""
    return OAEP(MGF1(digest), digest, None)
