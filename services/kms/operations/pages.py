"""The pages' keys, unwrapped, and which page a new key goes to."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.domain.keys import Key
from services.kms.domain.names import KeyName
from services.kms.domain.pages import KEYS_OF_A_PAGE, PAGE_KEY_SIZE, PageRecord, page_context
from services.kms.domain.record_codecs import decode_page, encode_page
from services.kms.errors import sealed
from services.kms.operations.key_records import KeyChange
from services.kms.ports import RecordId, Records, RootCustody, WrapKind

_PAGES, _PAGE_KEYS = "pages", "page-keys"
_BATCH = 1000


class PageChangedError(RuntimeError):
    """The page has no room any more, or another key: what was wrapped for it must be wrapped again."""


def page_id_of(number: int) -> RecordId:
    """Where a page lies."""
    return RecordId(_PAGES, _PAGES, f"{number:08d}")


@dataclass(frozen=True, slots=True)
class PageKey:
    """A page's key, unwrapped."""

    generation: int
    secret: SecretBytes


class Pages:
    """Page keys in memory, from unsealing to sealing."""

    def __init__(self, records: Records, custody: RootCustody, randomness: Randomness) -> None:
        """Keep pages in `records`, their keys wrapped by `custody`."""
        self._records = records
        self._custody = custody
        self._randomness = randomness
        self._keys: dict[int, PageKey] | None = None
        self._coming: dict[int, PageKey] = {}
        self._open_page = 0
        self.making = asyncio.Lock()
        """Held by whoever makes pages, or replaces their keys."""

    async def open(self) -> None:
        """Read all pages and unwrap their keys. Raises CustodyError when one does not open."""
        pages = await self.stored()
        self._keys = await asyncio.to_thread(self._unwrapped, pages)
        roomy = [number for number, page in pages.items() if page.keys < KEYS_OF_A_PAGE]
        self._open_page = roomy[-1] if roomy else 0

    def close(self) -> None:
        """Forget the keys."""
        self._keys = None
        self._coming = {}

    async def stored(self) -> Mapping[int, PageRecord]:
        """Return all pages by their numbers, as they are stored."""
        pages: list[PageRecord] = []
        after = ""
        while found := await self._records.list(_PAGES, _PAGES, after, _BATCH):
            pages += [decode_page(each.body) for each in found]
            after = found[-1].id.sort
        return {page.number: page for page in pages}

    async def names(self) -> Sequence[KeyName]:
        """Return the names of all keys there are, page by page."""
        found: list[KeyName] = []
        for number in await self.stored():
            held = await self._records.list(_PAGE_KEYS, f"{number:08d}", limit=KEYS_OF_A_PAGE)
            found += [KeyName.parse(each.id.sort) for each in held]
        return found

    def key(self, number: int) -> PageKey:
        """Return the key under which material of a page is wrapped now. Raises DomainError(SEALED)."""
        return self._open()[number]

    def keys(self, number: int) -> Sequence[PageKey]:
        """Return the keys under which material of a page may be wrapped. Raises DomainError(SEALED)."""
        coming = self._coming.get(number)
        return (self.key(number),) if coming is None else (self.key(number), coming)

    def fresh(self, generation: int) -> PageKey:
        """Make a page's key of this generation."""
        return PageKey(generation, SecretBytes(self._randomness.token_bytes(PAGE_KEY_SIZE)))

    def wrapped(self, number: int, keys: int, page_key: PageKey, shred: int) -> PageRecord:
        """Wrap a page's key under a generation of the shred key. Blocks."""
        wrapped = self._custody.wrap(WrapKind.SHRED, shred, page_key.secret, page_context(number))
        return PageRecord(number, keys, page_key.generation, shred, wrapped)

    def expect(self, keys: Mapping[int, PageKey]) -> None:
        """Let material open under these keys as well: a transaction is about to wrap it under them."""
        self._coming = dict(keys)

    def replaced(self, keys: Mapping[int, PageKey]) -> None:
        """Use these keys from now on: the transaction is done. Without this call both go on opening."""
        if self._keys is not None:
            self._keys.update(keys)
        self._coming = {}

    async def adopt(self, stored: Mapping[int, PageRecord]) -> None:
        """Use the keys of the store where memory has none, or another one.

        A transaction whose end nobody was told of may have made or replaced them.
        """
        known = self._open()
        other = {
            number: page
            for number, page in stored.items()
            if number not in known or known[number].generation != page.generation
        }
        if other:
            known.update(await asyncio.to_thread(self._unwrapped, other))

    async def with_room(self) -> int:
        """Return the number of a page that has room, or had a moment ago; make one if none has."""
        if self._open_page == 0:
            async with self.making:
                if self._open_page == 0:
                    self._open_page = await self._make()
        return self._open_page

    async def changed(self, number: int) -> None:
        """Note that a page was not as it was believed to be, and look how it is."""
        if self._open_page == number:
            self._open_page = 0
        await self.adopt(await self.stored())

    def take(self, change: KeyChange, name: KeyName, number: int, generation: int) -> None:
        """Take room for a key in the transaction that creates it. Raises PageChangedError."""
        page = require_page(change, number, generation)
        if page.keys >= KEYS_OF_A_PAGE:
            raise PageChangedError
        put_page(change, replace(page, keys=page.keys + 1))
        change.records.put(_key_of_page(number, name), b"")

    def _open(self) -> dict[int, PageKey]:
        if self._keys is None:
            raise sealed()
        return self._keys

    def _unwrapped(self, pages: Mapping[int, PageRecord]) -> dict[int, PageKey]:
        unwrap = self._custody.unwrap
        return {
            number: PageKey(
                page.generation, unwrap(WrapKind.SHRED, page.shred, page.wrapped, page_context(number))
            )
            for number, page in pages.items()
        }

    async def _make(self) -> int:
        number = max(self._open(), default=0) + 1
        page_key = self.fresh(1)
        shred = (await asyncio.to_thread(self._custody.generations, WrapKind.SHRED))[-1]
        page = await asyncio.to_thread(self.wrapped, number, 0, page_key, shred)
        await self._records.change(lambda change: change.put(page_id_of(number), encode_page(page)))
        self._open()[number] = page_key
        return number


def require_page(change: KeyChange, number: int, generation: int) -> PageRecord:
    """Return a page whose key is of this generation. Raises PageChangedError.

    What is wrapped under a key that is being replaced would be lost with it: every transaction that writes
    wrapped material looks here first.
    """
    record = change.records.get(page_id_of(number))
    page = None if record is None else decode_page(record.body)
    if page is None or page.generation != generation:
        raise PageChangedError
    return page


def put_page(change: KeyChange, page: PageRecord) -> None:
    """Write a page."""
    change.records.put(page_id_of(page.number), encode_page(page))


def keys_of_page(change: KeyChange, number: int) -> Sequence[KeyName]:
    """Return the names of the keys whose material is on a page."""
    found = change.records.list(_PAGE_KEYS, f"{number:08d}", limit=KEYS_OF_A_PAGE)
    return [KeyName.parse(each.id.sort) for each in found]


def leave_page(change: KeyChange, key: Key) -> None:
    """Take a key off its page."""
    change.records.delete(_key_of_page(key.page, key.name))


def _key_of_page(number: int, name: KeyName) -> RecordId:
    return RecordId(_PAGE_KEYS, f"{number:08d}", str(name))
