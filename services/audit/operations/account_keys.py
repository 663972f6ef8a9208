"""The data keys of accounts: one an hour, held in memory for at most a minute."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.audit.domain.leaf import KEY_ID_BYTES
from services.audit.ports import DataKey, DataKeyStore, KeyService
from services.chassis.clock import Clock
from services.chassis.randomness import Randomness

K = TypeVar("K")
V = TypeVar("V")

_CACHE_S = 60.0
"""How long an opened key is used without asking the key service: a disabled key takes effect within it."""
_KEY_LIFE_US = 3_600_000_000
_CACHED = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A data key that is ready for use."""

    key_id: bytes
    cipher: AESGCM
    retires_us: int
    """Wall-clock time after which nothing new is sealed under it."""


class AccountKeys:
    """Finds, makes and caches data keys."""

    def __init__(
        self, store: DataKeyStore, service: KeyService, clock: Clock, randomness: Randomness
    ) -> None:
        """Keep encrypted keys in `store`; have them made and opened by `service`."""
        self._store = store
        self._service = service
        self._clock = clock
        self._randomness = randomness
        self._opened: OrderedDict[bytes, tuple[OpenKey, float]] = OrderedDict()
        self._current: OrderedDict[str, bytes] = OrderedDict()
        self._lock = asyncio.Lock()

    async def for_sealing(self, account_id: str) -> OpenKey:
        """Return the key under which the account's events are sealed now. Raises DomainError."""
        key = self._usable(account_id)
        if key is not None:
            return key
        async with self._lock:
            return self._usable(account_id) or await self._find_or_make(account_id)

    async def for_opening(self, key_id: bytes) -> OpenKey | None:
        """Return a key by its id, None when it does not exist any more. Raises DomainError."""
        cached = self._cached(key_id)
        if cached is not None:
            return cached
        stored = await self._store.get(key_id)
        return None if stored is None else await self._open(stored)

    def _usable(self, account_id: str) -> OpenKey | None:
        key = self._cached(self._current.get(account_id, b""))
        return None if key is None or key.retires_us <= self._now_us() else key

    def _cached(self, key_id: bytes) -> OpenKey | None:
        found = self._opened.get(key_id)
        if found is None or self._clock.boottime() >= found[1]:
            return None
        return found[0]

    async def _find_or_make(self, account_id: str) -> OpenKey:
        stored = await self._store.newest(account_id)
        if stored is not None and stored.created_us + _KEY_LIFE_US > self._now_us():
            key = await self._open(stored)
        else:
            key_id = self._randomness.token_bytes(KEY_ID_BYTES)
            asked = self._clock.boottime()
            secret, wrapped = await self._service.generate(key_id, account_id)
            stored = DataKey(key_id, account_id, wrapped, self._now_us())
            await self._store.add(stored)
            key = self._remember(stored, AESGCM(secret.reveal()), asked)
        _put(self._current, account_id, key.key_id)
        return key

    async def _open(self, stored: DataKey) -> OpenKey:
        asked = self._clock.boottime()
        secret = await self._service.open(stored)
        return self._remember(stored, AESGCM(secret.reveal()), asked)

    def _remember(self, stored: DataKey, cipher: AESGCM, asked: float) -> OpenKey:
        key = OpenKey(stored.key_id, cipher, stored.created_us + _KEY_LIFE_US)
        _put(self._opened, stored.key_id, (key, asked + _CACHE_S))
        return key

    def _now_us(self) -> int:
        return (self._clock.now() - _EPOCH) // timedelta(microseconds=1)


def _put(cache: OrderedDict[K, V], key: K, value: V) -> None:
    cache[key] = value
    cache.move_to_end(key)
    if len(cache) > _CACHED:
        cache.popitem(last=False)
