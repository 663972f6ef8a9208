"""The witness' key in a file of its own, 0600, made at the first start."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from services.chassis.audit.files import OsFiles
from tlog.note import SignatureType, VerifierKey


class KeyFile:
    """See the port Cosigner."""

    def __init__(self, file: Path, name: str) -> None:
        """Read the key, or make it. Raises OSError, and ValueError for a file that holds none."""
        if not file.exists():
            _make(file)
        # Also when it was there: a life that ended while it made the file has left a name that only the page
        # cache may hold. A power cut would take it after something was signed, and another key would be made.
        OsFiles().sync_directory(file.parent)
        key = load_pem_private_key(file.read_bytes(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the key of the witness is no Ed25519 key")  # noqa: TRY004 - of the file
        self._private_key = key
        self._key = VerifierKey(name, SignatureType.COSIGNATURE, key.public_key().public_bytes_raw())

    @property
    def key(self) -> VerifierKey:
        """The public half."""
        return self._key

    def sign(self, message: bytes) -> bytes:
        """Sign."""
        return self._private_key.sign(message)


def _make(file: Path) -> None:
    """Make the file whole or not at all. Its name is not durable yet."""
    draft = file.with_name(f"{file.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        os.write(descriptor, pem)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(file)
