"""The data keys of accounts: one an hour."""

import asyncio
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from craton.common.v1.error_reason_pb2 import ErrorReason
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.audit.domain.leaf import SealingKey
from services.audit.ports import DataKey, DataKeyStore, KeyService
from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.randomness import Randomness
from tlog.leaf import KEY_ID_BYTES

K = TypeVar("K")
V = TypeVar("V")

_KEY_LIFE_US = 3_600_000_000
_KNOWN = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AccountKeys:
    """Finds and makes data keys. How long one stays open in memory is the key service's to say."""

    def __init__(
        self, store: DataKeyStore, service: KeyService, clock: Clock, randomness: Randomness
    ) -> None:
        """Keep encrypted keys in `store`; have them made and opened by `service`."""
        self._store = store
        self._service = service
        self._clock = clock
        self._randomness = randomness
        # As they are stored, encrypted: they never change.
        self._known: OrderedDict[bytes, DataKey] = OrderedDict()
        self._current: OrderedDict[str, DataKey] = OrderedDict()
        self._lock = asyncio.Lock()

    async def for_sealing(self, account_id: str) -> SealingKey:
        """Return the key under which the account's events are sealed now. Raises DomainError."""
        stored = self._current.get(account_id)
        if stored is None or not self._seals(stored):
            async with self._lock:
                stored = self._current.get(account_id)
                if stored is None or not self._seals(stored):
                    stored = await self._find_or_make(account_id)
        try:
            return await self.open(stored)
        except DomainError as error:
            if error.reason != ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT:
                raise
        # Its key in kms has ended with an account of this id: another incarnation's begins.
        async with self._lock:
            if self._current.get(account_id) in (None, stored):
                await self._make(account_id)
            stored = self._current[account_id]
        return await self.open(stored)

    def forget(self, account_id: str) -> None:
        """Forget the keys of an account, which is purged."""
        self._current.pop(account_id, None)
        for key_id in [key_id for key_id, key in self._known.items() if key.account_id == account_id]:
            del self._known[key_id]

    async def for_opening(self, key_id: bytes) -> SealingKey | None:
        """Return a key by its id, None when it does not exist any more. Raises DomainError."""
        stored = self._known.get(key_id)
        if stored is None:
            stored = await self._store.get(key_id)
            if stored is None:
                return None
            _put(self._known, key_id, stored)
        return await self.open(stored)

    async def _find_or_make(self, account_id: str) -> DataKey:
        stored = await self._store.newest(account_id)
        if stored is None or not self._seals(stored):
            return await self._make(account_id)
        return self._remember(stored)

    async def _make(self, account_id: str) -> DataKey:
        key_id = self._randomness.token_bytes(KEY_ID_BYTES)
        _, wrapped = await self._service.generate(key_id, account_id)
        stored = DataKey(key_id, account_id, wrapped, self._now_us())
        await self._store.add(stored)
        return self._remember(stored)

    def _remember(self, stored: DataKey) -> DataKey:
        _put(self._current, stored.account_id, stored)
        _put(self._known, stored.key_id, stored)
        return stored

    async def open(self, stored: DataKey) -> SealingKey:
        """Open a key as it is stored. Raises DomainError: INVALID_CIPHERTEXT when it is not what kms made."""
        secret = await self._service.open(stored)
        return SealingKey(stored.key_id, AESGCM(secret.reveal()))

    def _seals(self, stored: DataKey) -> bool:
        return stored.created_us + _KEY_LIFE_US > self._now_us()

    def _now_us(self) -> int:
        return (self._clock.now() - _EPOCH) // timedelta(microseconds=1)


def _put(cache: OrderedDict[K, V], key: K, value: V) -> None:
    cache[key] = value
    cache.move_to_end(key)
    if len(cache) > _KNOWN:
        cache.popitem(last=False)
