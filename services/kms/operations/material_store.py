"""Key material in use: the one place where it is unwrapped, and only for the length of one operation.

Private keys alone stay loaded for a few seconds: see LoadedKeys.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from services.chassis.clock import Clock
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.domain.keys import Key, KeyVersion, wrapping_context
from services.kms.domain.material import PrivateKey, load_private_key
from services.kms.domain.names import KeyName
from services.kms.domain.pages import WrappedMaterialError, unwrap, wrap
from services.kms.operations.key_records import KeyChange, KeyRecords
from services.kms.operations.loaded_keys import LoadedKeys
from services.kms.operations.pages import PageChangedError, Pages, require_page

T = TypeVar("T")

_ATTEMPTS = 8
"""Pages change by deletions alone, and fill up once: more than two in a row is a defect."""


class MaterialStore:
    """Wraps material under the key of its key's page."""

    def __init__(self, records: KeyRecords, pages: Pages, clock: Clock, randomness: Randomness) -> None:
        """Use the page keys of `pages`."""
        self._loaded = LoadedKeys(clock)
        self._records = records
        self._pages = pages
        self._randomness = randomness

    async def private_key(self, key: Key, version: KeyVersion) -> PrivateKey:
        """Return the private key of a version of a key pair, which any thread may use."""
        loaded = self._loaded.get(key, version)
        if loaded is None:
            loaded = load_private_key(key.spec, await self.unwrap(key, version))
            self._loaded.put(key, version, loaded)
        return loaded

    def forget(self, name: KeyName | None = None) -> None:
        """Let go of what is loaded of one key, or of all."""
        self._loaded.forget(name)

    async def unwrap(self, key: Key, version: KeyVersion) -> SecretBytes:
        """Unwrap it. WrappedMaterialError is no fault of the caller's."""
        for _ in range(_ATTEMPTS):
            try:
                return self._unwrapped(key, version)
            except WrappedMaterialError:
                # A deletion may have wrapped it again since it was read: then it is there now, otherwise.
                again = await self._records.version(key.name, version.number)
                if again is None or again.wrapped == version.wrapped:
                    raise
                version = again
        raise RuntimeError("the key's page does not keep still")

    def _unwrapped(self, key: Key, version: KeyVersion) -> SecretBytes:
        associated = wrapping_context(key, version.number)
        *others, last = self._pages.keys(key.page)
        for page_key in others:
            # A deletion replaces the page's key while others use the page.
            with suppress(WrappedMaterialError):
                return unwrap(version.wrapped, page_key.secret, associated)
        return unwrap(version.wrapped, last.secret, associated)

    async def create(
        self, key: Key, version: KeyVersion, material: SecretBytes, write: Callable[[KeyChange, Key], T]
    ) -> T:
        """Put a new key on a page, with its first version unless `material` is empty.

        `write(change, key)` is called first in the transaction. When it returns anything but None, that is
        what stands in the key's place, and nothing is written.
        """
        for _ in range(_ATTEMPTS):
            number = await self._pages.with_room()
            generation = self._pages.key(number).generation
            placed = replace(key, page=number)
            wrapped = self._wrap(placed, version.number, material) if material else b""

            def work(
                change: KeyChange,
                number: int = number,
                generation: int = generation,
                placed: Key = placed,
                wrapped: bytes = wrapped,
            ) -> T:
                change.require_present(placed)
                result = write(change, placed)
                if result is not None:
                    return result
                self._pages.take(change, placed.name, number, generation)
                change.put_key(placed)
                if wrapped:
                    change.put_version(placed.name, replace(version, wrapped=wrapped))
                return result

            try:
                return await self._records.change(work)
            except PageChangedError:
                await self._pages.changed(number)
        raise RuntimeError("no page keeps still for a new key")

    async def add(
        self,
        key: Key,
        version: KeyVersion,
        material: SecretBytes,
        write: Callable[[KeyChange, KeyVersion], T],
    ) -> T:
        """Wrap a version of an existing key; `write(change, version)` puts it where it belongs."""
        for _ in range(_ATTEMPTS):
            generation = self._pages.key(key.page).generation
            wrapped = replace(version, wrapped=self._wrap(key, version.number, material))

            def work(change: KeyChange, generation: int = generation, wrapped: KeyVersion = wrapped) -> T:
                require_page(change, key.page, generation)
                return write(change, wrapped)

            try:
                return await self._records.change(work)
            except PageChangedError:
                await self._pages.changed(key.page)
        raise RuntimeError("the key's page does not keep still")

    def _wrap(self, key: Key, number: int, material: SecretBytes) -> bytes:
        page_key = self._pages.key(key.page)
        return wrap(material, page_key.secret, wrapping_context(key, number), self._randomness)
