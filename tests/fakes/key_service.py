"""The audit service's KeyService port, in memory: wraps with one key and counts what is asked of it."""

import os

from craton.common.v1.error_reason_pb2 import ErrorReason
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.audit.ports import DataKey
from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes


class InMemoryKeyService:
    """Obeys the port's rule that a key opens only for the id and account it was made for."""

    def __init__(self) -> None:
        self._root = AESGCM(os.urandom(32))
        self.down = False
        self.generated = 0
        self.opened = 0

    async def generate(self, key_id: bytes, account_id: str) -> tuple[SecretBytes, bytes]:
        self._check()
        self.generated += 1
        secret, nonce = os.urandom(32), os.urandom(12)
        return SecretBytes(secret), nonce + self._root.encrypt(nonce, secret, key_id + account_id.encode())

    async def open(self, key: DataKey) -> SecretBytes:
        self._check()
        self.opened += 1
        associated = key.key_id + key.account_id.encode()
        try:
            return SecretBytes(self._root.decrypt(key.wrapped[:12], key.wrapped[12:], associated))
        except InvalidTag:
            raise DomainError(ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT, "does not open") from None

    def _check(self) -> None:
        if self.down:
            raise DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "kms did not answer")
