"""Encryption under a key's material: a fresh derived key for every plaintext."""

from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.domain.ciphertext import IV_SIZE, SALT_SIZE, Ciphertext, Header, canonical_context
from services.kms.errors import invalid_ciphertext

_DERIVED_KEY_SIZE = 32


def encrypt(
    material: SecretBytes,
    key_name: str,
    key_version: int,
    plaintext: SecretBytes,
    context: Mapping[str, str],
    randomness: Randomness,
) -> bytes:
    """Encrypt `plaintext` under a version's material, bound to `context`.

    Each call derives its own AES key from a random 32-byte salt. No AES-GCM key is used twice, so
    neither the number of encryptions nor a repeated IV can bring a key near GCM's limits (NIST SP
    800-38D, section 8.3).
    """
    header = Header(key_name, key_version, randomness.token_bytes(SALT_SIZE), randomness.token_bytes(IV_SIZE))
    encoded = header.encode()
    sealed = _cipher(material, header).encrypt(
        header.iv, plaintext.reveal(), encoded + canonical_context(context)
    )
    return encoded + sealed


def decrypt(material: SecretBytes, ciphertext: Ciphertext, context: Mapping[str, str]) -> SecretBytes:
    """Open what `encrypt` made. Raises DomainError(INVALID_CIPHERTEXT) for anything else."""
    header = ciphertext.header
    associated = header.encode() + canonical_context(context)
    try:
        return SecretBytes(_cipher(material, header).decrypt(header.iv, ciphertext.sealed, associated))
    except InvalidTag:
        raise invalid_ciphertext() from None


def _cipher(material: SecretBytes, header: Header) -> AESGCM:
    derivation = HKDF(algorithm=SHA256(), length=_DERIVED_KEY_SIZE, salt=header.salt, info=header.key_part())
    return AESGCM(derivation.derive(material.reveal()))
