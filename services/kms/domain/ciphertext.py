"""The ciphertext format, version 1. docs/ciphertext-format.md describes it byte by byte."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.kms.errors import invalid_ciphertext, invalid_field

FORMAT_VERSION = 1
SUITE_HKDF_SHA256_AES256_GCM = 1
SALT_SIZE = 32
IV_SIZE = 12
TAG_SIZE = 16
MAX_CONTEXT_SIZE = 8_192
"""Bytes of a canonical encryption context; AWS KMS has the same bound."""

_PREFIX_SIZE = 4
_VERSION_SIZE = 4


@dataclass(frozen=True, slots=True)
class Header:
    """The part of a ciphertext that is authenticated but not encrypted."""

    key_name: str
    key_version: int
    salt: bytes
    iv: bytes

    def key_part(self) -> bytes:
        """The bytes that name format, suite, key and version: also HKDF's info."""
        name = self.key_name.encode("ascii")
        return (
            bytes((FORMAT_VERSION, SUITE_HKDF_SHA256_AES256_GCM))
            + len(name).to_bytes(2, "big")
            + name
            + self.key_version.to_bytes(_VERSION_SIZE, "big")
        )

    def encode(self) -> bytes:
        """The header as it stands at the start of the ciphertext."""
        return self.key_part() + self.salt + self.iv


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """A parsed ciphertext. Nothing of it is to be believed before it has been opened."""

    header: Header
    sealed: bytes
    """AES-GCM's ciphertext and tag."""

    @classmethod
    def parse(cls, blob: bytes) -> "Ciphertext":
        """Parse a ciphertext. Raises DomainError(INVALID_CIPHERTEXT).

        There is exactly one encoding of every header, so that parsing and encoding give the same bytes.
        """
        name_end = _PREFIX_SIZE + int.from_bytes(blob[2:_PREFIX_SIZE], "big")
        version_end = name_end + _VERSION_SIZE
        salt_end = version_end + SALT_SIZE
        iv_end = salt_end + IV_SIZE
        if blob[:2] != bytes((FORMAT_VERSION, SUITE_HKDF_SHA256_AES256_GCM)) or len(blob) < iv_end + TAG_SIZE:
            raise invalid_ciphertext()
        try:
            key_name = blob[_PREFIX_SIZE:name_end].decode("ascii")
        except UnicodeDecodeError:
            # Without the cause: its text would quote bytes of the ciphertext.
            raise invalid_ciphertext() from None
        version = int.from_bytes(blob[name_end:version_end], "big")
        header = Header(key_name, version, blob[version_end:salt_end], blob[salt_end:iv_end])
        return cls(header, blob[iv_end:])


def canonical_context(context: Mapping[str, str]) -> bytes:
    """Encode an encryption context so that equal contexts, and only those, give equal bytes.

    Raises DomainError(INVALID_FIELD) when it is longer than MAX_CONTEXT_SIZE.
    """
    pairs = sorted((key.encode(), value.encode()) for key, value in context.items())
    encoded = len(pairs).to_bytes(4, "big") + b"".join(
        len(text).to_bytes(4, "big") + text for pair in pairs for text in pair
    )
    if len(encoded) > MAX_CONTEXT_SIZE:
        raise invalid_field(
            "encryption_context", f"its encoded length must be at most {MAX_CONTEXT_SIZE:,} bytes"
        )
    return encoded
