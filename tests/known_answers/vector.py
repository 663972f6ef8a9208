"""What a known-answer vector is, and how the files of cryptography-vectors are read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cryptography_vectors
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from services.kms.domain.material import PrivateKey, PublicKey
from services.kms.domain.specs import Algorithm, KeySpec

FOLDER = Path(cryptography_vectors.__file__).parent

SIGNATURE, PLAINTEXT, CODE, SECRET, KEY = "signature", "plaintext", "code", "shared secret", "key"


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """One vector."""

    source: str
    """File and number."""
    asks: str
    """What is asked of the key: SIGNATURE and so on; KEY asks whether it is one."""
    spec: KeySpec
    algorithm: Algorithm | None
    key: bytes
    """PKCS#8, bare bytes, or SubjectPublicKeyInfo when it is not private."""
    private: bool
    given: bytes = b""
    """Message, ciphertext, or the peer's SubjectPublicKeyInfo."""
    answer: bytes = b""
    valid: bool = True


def text_of(path: str) -> str:
    """Return a file of the package."""
    return (FOLDER / path).read_text()


def records(path: str) -> Iterator[tuple[str, int, dict[str, str]]]:
    """Yield a file's records, which empty lines part, with the heading that they stand below."""
    section, number, record = "", 0, dict[str, str]()
    for line in [*text_of(path).splitlines(), ""]:
        text = line.strip()
        if text.startswith("["):
            section = text
        elif "=" in text and not text.startswith("#"):
            name, _, value = text.partition("=")
            record[name.strip()] = value.strip()
        elif not text and record:
            yield section, number, record
            number, record = number + 1, {}


def private_der(key: PrivateKey) -> bytes:
    """Encode a private key as PKCS#8."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def public_der(key: PublicKey) -> bytes:
    """Encode a public key as SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
