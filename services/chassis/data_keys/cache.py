"""Data keys in memory: for at most a minute and a number of uses, and never beyond the lease of their key."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.clock import Clock
from services.chassis.data_keys.leases import KeyLeases, KeyUse
from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes

MAX_LIFE_S = 60.0
"""How long a data key stays in memory, counted from before kms was asked for it."""
MAX_USES = 1 << 16
"""How often it is handed out. NIST SP 800-38D, 8.3, permits 2**32 messages under one AES-GCM key with random
IVs; with 2**16 two IVs are equal with a probability of 2**-65."""
MAX_KEYS = 10_000

_ATTEMPTS = 3

_Slot = tuple[str, bytes, tuple[tuple[str, str], ...]]
"""Key that a new data key is made under, or ""; the encrypted data key to open, or b""; the context."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key in both of its forms, as kms gave it out."""

    plaintext: SecretBytes
    ciphertext: bytes
    use: KeyUse
    """What has to be leased for it to be used."""


class DataKeySource(Protocol):
    """kms, under the certificate of one workload: that is whose rights count."""

    async def generate(self, key_name: str, context: Mapping[str, str]) -> DataKey:
        """Make a data key under a key, or under the workload's own when the name is empty.

        Raises DomainError.
        """

    async def open(self, ciphertext: bytes, context: Mapping[str, str]) -> DataKey:
        """Open an encrypted data key. Raises DomainError."""


@dataclass(slots=True)
class _Entry:
    key: DataKey
    term: int
    expires: float
    """Boot-time clock."""
    left: int
    """Uses."""


class DataKeyCache:
    """Data keys under the rights of one workload. What principals' rights open is asked for call by call."""

    def __init__(
        self,
        source: DataKeySource,
        leases: KeyLeases,
        clock: Clock,
        *,
        life_s: float = MAX_LIFE_S,
        uses: int = MAX_USES,
        size: int = MAX_KEYS,
    ) -> None:
        """Start empty. Raises ValueError for bounds beyond those of this module."""
        if not (0 < life_s <= MAX_LIFE_S and 0 < uses <= MAX_USES and size > 0):
            raise ValueError(f"a data key lives at most {MAX_LIFE_S:.0f} s and {MAX_USES} uses in memory")
        self._source = source
        self._leases = leases
        self._clock = clock
        self._life_s = life_s
        self._uses = uses
        self._size = size
        self._entries: OrderedDict[_Slot, _Entry] = OrderedDict()
        self._fetching: dict[_Slot, asyncio.Task[None]] = {}
        leases.on_end(self._forget)

    async def get(self, context: Mapping[str, str], key_name: str = "") -> DataKey:
        """Return a data key to encrypt with, the same for a while; its ciphertext goes with what it encrypts.

        Under the workload's own key when `key_name` is empty. Raises what DataKeySource and KeyLeases raise.
        """
        slot = (key_name, b"", _canonical(context))
        return await self._take(slot, lambda: self._source.generate(key_name, context))

    async def open(self, ciphertext: bytes, context: Mapping[str, str]) -> SecretBytes:
        """Open a data key that was encrypted by kms. Raises what DataKeySource and KeyLeases raise."""
        slot = ("", ciphertext, _canonical(context))
        return (await self._take(slot, lambda: self._source.open(ciphertext, context))).plaintext

    async def make(self, context: Mapping[str, str], key_name: str = "") -> DataKey:
        """Return a data key that is new, and that `open` finds in memory from now on.

        For keys that the caller keeps, encrypted, and uses for longer than they stay here. Raises as `get`.
        """
        asked, heard = self._clock.boottime(), self._leases.heard
        key = await self._source.generate(key_name, context)
        term = await self._leases.take(key.use)
        if not self._leases.revoked_since(key.use.key_name, heard):
            self._put(("", key.ciphertext, _canonical(context)), key, term, asked)
        return key

    def __len__(self) -> int:
        """Data keys in memory."""
        return len(self._entries)

    async def _take(self, slot: _Slot, fetch: Callable[[], Awaitable[DataKey]]) -> DataKey:
        for _ in range(_ATTEMPTS):
            while (entry := self._live(slot)) is not None:
                if entry.left > 0:
                    entry.left -= 1
                    return entry.key
                # Others have used it up: the next one is asked for, once for all who wait.
                await self._fetched(slot, fetch)
            await self._fetched(slot, fetch)
        raise DomainError(
            ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
            "Keys are being revoked faster than they can be read. Try again.",
            retry_after_s=1.0,
        )

    async def _fetched(self, slot: _Slot, fetch: Callable[[], Awaitable[DataKey]]) -> None:
        task = self._fetching.get(slot)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._fetch(slot, fetch), name="data key")
            self._fetching[slot] = task
            task.add_done_callback(lambda done: self._ended(slot, done))
        # Shielded: one caller's cancellation must not take the key from the others that wait for it.
        await asyncio.shield(task)

    async def _fetch(self, slot: _Slot, fetch: Callable[[], Awaitable[DataKey]]) -> None:
        asked, heard = self._clock.boottime(), self._leases.heard
        key = await fetch()
        # Leased after it was opened: whatever ended in between is refused here.
        term = await self._leases.take(key.use)
        if not self._leases.revoked_since(key.use.key_name, heard):
            self._put(slot, key, term, asked)

    def _put(self, slot: _Slot, key: DataKey, term: int, asked: float) -> None:
        self._entries[slot] = _Entry(key, term, asked + self._life_s, self._uses)
        self._entries.move_to_end(slot)
        # In the order of their age: those that have ended stand first.
        now = self._clock.boottime()
        while len(self._entries) > self._size or next(iter(self._entries.values())).expires <= now:
            self._entries.popitem(last=False)
            if not self._entries:
                break

    def _live(self, slot: _Slot) -> _Entry | None:
        entry = self._entries.get(slot)
        if entry is None:
            return None
        if self._clock.boottime() >= entry.expires:
            del self._entries[slot]
            return None
        # Without a lease it stays: if nothing was revoked, the next lease is of the same term.
        return entry if self._leases.term(entry.key.use) == entry.term else None

    def _forget(self, key_name: str) -> None:
        if not key_name:
            self._entries.clear()
            return
        for slot in [slot for slot, entry in self._entries.items() if entry.key.use.key_name == key_name]:
            del self._entries[slot]

    def _ended(self, slot: _Slot, task: "asyncio.Task[None]") -> None:
        self._fetching.pop(slot, None)
        if not task.cancelled():
            # Seen, also when everybody who waited has gone.
            task.exception()


def _canonical(context: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(context.items()))
