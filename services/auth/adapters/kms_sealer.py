"""Sealing under auth's service key: a data key from kms for each value, AES-256-GCM here.

Format: version 1 | length of the wrapped data key, 2 bytes | wrapped data key | 96-bit IV | ciphertext.
A data key is used for one value, so no IV can repeat under it.
"""

from collections.abc import Mapping
from typing import Any

import grpc
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.kms.v1 import service_key_service_pb2, service_key_service_pb2_grpc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.chassis.errors import DomainError
from services.chassis.randomness import Randomness
from services.chassis.rich_status import from_rpc_error
from services.chassis.secret import SecretBytes

_VERSION = b"\x01"
_LENGTH = 2
_IV = 12
_TIMEOUT_S = 2.0


class KmsSealer:
    """A Sealer over kms.v1.ServiceKeyService."""

    def __init__(self, channel: Any, randomness: Randomness) -> None:
        """Ask over `channel`, a channel to kms with auth's own certificate."""
        self._stub: Any = service_key_service_pb2_grpc.ServiceKeyServiceStub(channel)
        self._randomness = randomness

    async def seal(self, plaintext: SecretBytes, context: Mapping[str, str]) -> bytes:
        """Encrypt."""
        try:
            key = await self._stub.GenerateServiceDataKey(
                service_key_service_pb2.GenerateServiceDataKeyRequest(encryption_context=context),
                timeout=_TIMEOUT_S,
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "the key service") from error
        head = _VERSION + len(key.ciphertext).to_bytes(_LENGTH, "big") + key.ciphertext
        iv = self._randomness.token_bytes(_IV)
        sealed: bytes = head + iv + AESGCM(key.plaintext).encrypt(iv, plaintext.reveal(), head)
        return sealed

    async def open(self, sealed: bytes, context: Mapping[str, str]) -> SecretBytes:
        """Decrypt. The context is bound by kms, to the data key."""
        start = len(_VERSION) + _LENGTH
        end = start + int.from_bytes(sealed[len(_VERSION) : start], "big")
        if sealed[: len(_VERSION)] != _VERSION or len(sealed) < end + _IV:
            raise _damaged()
        try:
            key = await self._stub.DecryptWithServiceKey(
                service_key_service_pb2.DecryptWithServiceKeyRequest(
                    ciphertext=sealed[start:end], encryption_context=context
                ),
                timeout=_TIMEOUT_S,
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "the key service") from error
        iv = sealed[end : end + _IV]
        try:
            return SecretBytes(AESGCM(key.plaintext).decrypt(iv, sealed[end + _IV :], sealed[:end]))
        except InvalidTag:
            raise _damaged() from None


def _damaged() -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_INTERNAL, "A sealed record of auth does not open.")
