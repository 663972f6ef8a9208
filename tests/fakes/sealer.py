"""A Sealer that keeps what it sealed, and can be away."""

from collections.abc import Mapping

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes


class MemorySealer:
    """Seals by remembering; opens only with the same context."""

    def __init__(self) -> None:
        self._sealed: dict[bytes, tuple[SecretBytes, dict[str, str]]] = {}
        self.down = False
        self.opened = 0

    async def seal(self, plaintext: SecretBytes, context: Mapping[str, str]) -> bytes:
        self._answer()
        handle = f"sealed-{len(self._sealed)}".encode()
        self._sealed[handle] = (plaintext, dict(context))
        return handle

    async def open(self, sealed: bytes, context: Mapping[str, str]) -> SecretBytes:
        self._answer()
        self.opened += 1
        plaintext, bound = self._sealed[sealed]
        if bound != dict(context):
            raise DomainError(ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT, "another context")
        return plaintext

    def _answer(self) -> None:
        if self.down:
            raise DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "the key service is down")
