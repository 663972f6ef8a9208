"""Pages: keys by the hundred whose material is wrapped under one page key.

Deleting a key for good takes a new page key, under which the page's other keys are wrapped again, and a new
shred key in custody, under which all page keys are: a few hundred operations of AES, however many keys there
are. (Reardon, Ritzdorf, Basin, Capkun, "Secure data deletion from persistent media", CCS 2013, has trees of
any height; with pages of this size a height of two serves millions of keys.)
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes

KEYS_OF_A_PAGE = 128
PAGE_KEY_SIZE = 32

_VERSION = b"\x01"
_INFO = b"craton-kms key material under a page v1"
_SALT_SIZE = 32
_IV_SIZE = 12
_TAG_SIZE = 16


class WrappedMaterialError(RuntimeError):
    """Wrapped material does not open: it was altered or moved, or the page's key is another one."""


@dataclass(frozen=True, slots=True)
class PageRecord:
    """A page, as it is stored."""

    number: int
    """From 1."""
    keys: int
    """How many keys have their material here."""
    generation: int
    """Number of the page's key, from 1: it is replaced when a key of the page is deleted."""
    shred: int
    """Generation of the shred key that wraps the page's key."""
    wrapped: bytes
    """The page's key, wrapped."""


def page_context(number: int) -> bytes:
    """Bytes that a wrapped page key is bound to."""
    return b"craton-kms page v1" + number.to_bytes(4, "big")


def wrap(material: SecretBytes, page_key: SecretBytes, associated: bytes, randomness: Randomness) -> bytes:
    """Encrypt material under a key of its own, derived from the page's key: version, salt, IV, sealed bytes.

    No AES-GCM key is used twice (NIST SP 800-38D, section 8.3).
    """
    salt = randomness.token_bytes(_SALT_SIZE)
    iv = randomness.token_bytes(_IV_SIZE)
    return _VERSION + salt + iv + _cipher(page_key, salt).encrypt(iv, material.reveal(), associated)


def unwrap(wrapped: bytes, page_key: SecretBytes, associated: bytes) -> SecretBytes:
    """Decrypt what `wrap` made. Raises WrappedMaterialError."""
    salt_end = len(_VERSION) + _SALT_SIZE
    iv_end = salt_end + _IV_SIZE
    if wrapped[:1] != _VERSION or len(wrapped) < iv_end + _TAG_SIZE:
        raise WrappedMaterialError("wrapped key material has an unknown format")
    try:
        return SecretBytes(
            _cipher(page_key, wrapped[1:salt_end]).decrypt(
                wrapped[salt_end:iv_end], wrapped[iv_end:], associated
            )
        )
    except InvalidTag:
        raise WrappedMaterialError("wrapped key material does not open: it was altered or moved") from None


def _cipher(page_key: SecretBytes, salt: bytes) -> AESGCM:
    derivation = HKDF(algorithm=SHA256(), length=PAGE_KEY_SIZE, salt=salt, info=_INFO)
    return AESGCM(derivation.derive(page_key.reveal()))
