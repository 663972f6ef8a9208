"""Sealing under auth's service key: a data key from kms for each value, AES-256-GCM here.

Format: version 1 | length of the wrapped data key, 2 bytes | wrapped data key | 96-bit IV | ciphertext.
A data key is used for one value, so no IV can repeat under it.
"""

from collections.abc import Mapping

from craton.common.v1.error_reason_pb2 import ErrorReason
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.chassis.data_keys.cache import DataKeyCache
from services.chassis.errors import DomainError
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes

_VERSION = b"\x01"
_LENGTH = 2
_IV = 12


class KmsSealer:
    """A Sealer over kms, which keeps opened data keys in memory as DataKeyCache permits."""

    def __init__(self, keys: DataKeyCache, randomness: Randomness) -> None:
        """Use `keys`, of auth's own key."""
        self._keys = keys
        self._randomness = randomness

    async def seal(self, plaintext: SecretBytes, context: Mapping[str, str]) -> bytes:
        """Encrypt."""
        key = await self._keys.make(context)
        head = _VERSION + len(key.ciphertext).to_bytes(_LENGTH, "big") + key.ciphertext
        iv = self._randomness.token_bytes(_IV)
        cipher = AESGCM(key.plaintext.reveal())
        sealed: bytes = head + iv + cipher.encrypt(iv, plaintext.reveal(), head)
        return sealed

    async def open(self, sealed: bytes, context: Mapping[str, str]) -> SecretBytes:
        """Decrypt. The context is bound by kms, to the data key."""
        start = len(_VERSION) + _LENGTH
        end = start + int.from_bytes(sealed[len(_VERSION) : start], "big")
        if sealed[: len(_VERSION)] != _VERSION or len(sealed) < end + _IV:
            raise _damaged()
        key = await self._keys.open(sealed[start:end], context)
        iv = sealed[end : end + _IV]
        try:
            return SecretBytes(AESGCM(key.reveal()).decrypt(iv, sealed[end + _IV :], sealed[:end]))
        except InvalidTag:
            raise _damaged() from None


def _damaged() -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_INTERNAL, "A sealed record of auth does not open.")
