"""Deletion for good: what was wrapped for a deleted key opens no more, whatever was kept of the store.

1. Custody gets another shred key.
2. One transaction gives every page that loses keys another page key, wraps the material of its other keys
   again, wraps all page keys under the new shred key, removes the dead keys, and records their certificates.
3. Custody destroys the shred keys from before.

Whoever has a copy of the store from before step 2 has page keys that hang on a shred key which there is no
more. A crash after step 1 or 2 is noticed at the next start: there are two shred keys then, and the pages say
which of them counts.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.chassis.clock import Clock
from services.chassis.logs import Log
from services.chassis.randomness import Randomness
from services.kms.domain.keys import Key, KeyState, wrapping_context
from services.kms.domain.names import KeyName
from services.kms.domain.pages import PageRecord, unwrap, wrap
from services.kms.operations.certificates import Certificates, certify
from services.kms.operations.key_records import KeyChange, KeyRecords
from services.kms.operations.pages import PageKey, Pages, keys_of_page, leave_page, put_page, require_page
from services.kms.ports import DeletionAudit, RootCustody, WrapKind

T = TypeVar("T")

_AT_ONCE = 256

_log = Log("shredding")

ForgetKey = Callable[[KeyChange, Key], None]
"""Removes what else is kept of a key, its grants for example, in the transaction that deletes it."""


class Shredder:
    """Deletes keys whose waiting period is over."""

    def __init__(
        self,
        records: KeyRecords,
        pages: Pages,
        custody: RootCustody,
        certificates: Certificates,
        audit: DeletionAudit,
        clock: Clock,
        randomness: Randomness,
        forget: Sequence[ForgetKey] = (),
    ) -> None:
        """Delete keys of `records`, with what each of `forget` removes; `audit` writes it down."""
        self._records = records
        self._pages = pages
        self._custody = custody
        self._certificates = certificates
        self._audit = audit
        self._clock = clock
        self._randomness = randomness
        self._forget = forget

    async def finish(self) -> None:
        """End what a crash interrupted: after unsealing, before keys are used."""
        async with self._pages.making:
            generations = await self._generations()
            if len(generations) > 1:
                pages = await self._pages.stored()
                oldest = min((page.shred for page in pages.values()), default=generations[-1])
                # With pages under the older one, the newer one serves the next deletion.
                await asyncio.to_thread(self._custody.destroy_before, WrapKind.SHRED, oldest)

    async def delete_due(self) -> Sequence[KeyName]:
        """Delete what is due, and return its names. For a background task."""
        now = self._clock.now()
        due = await self._records.due("deletion", now, _AT_ONCE)
        if not due:
            return ()
        async with self._pages.making:
            deleted = await self._delete(due, now)
        for name in deleted:
            _log.info("key_deleted", key=name.displayed)
        return deleted

    async def _delete(self, due: Sequence[KeyName], now: datetime) -> Sequence[KeyName]:
        dead = {name: key for name in due if (key := await self._records.key(name)) is not None}
        for name in dead:
            await self._audit.intend(name)
        signer = await self._certificates.signer()

        def work(change: KeyChange, shred: int) -> dict[KeyName, bytes | None]:
            return {name: self._remove(change, name, shred, now, signer) for name in dead}

        deleted = await self._shred(dead, work)
        for name, certificate in deleted.items():
            if certificate is None:
                await self._audit.spared(name)
            else:
                await self._audit.deleted(name, certificate)
        return [name for name, certificate in deleted.items() if certificate is not None]

    async def purge(
        self,
        names: Sequence[KeyName],
        count: Callable[[KeyChange, Key], Counter[str]],
        note: Callable[[KeyChange, Counter[str], int], T],
    ) -> T:
        """Delete keys now, whatever their state, and return what `note` does.

        It is called in the same transaction with what `count` says of all that were deleted, and with the
        newest shred key that is destroyed (0 for none). The keys have no certificates of their own: that of
        the purge is theirs.
        """

        def work(change: KeyChange, shred: int) -> T:
            total: Counter[str] = Counter()
            for name in names:
                key = change.key(name)
                if key is not None:
                    total += count(change, key)
                    self._take_away(change, key)
            return note(change, total, shred - 1)

        async with self._pages.making:
            dead = {name: key for name in names if (key := await self._records.key(name)) is not None}
            if not dead:
                return await self._records.change(lambda change: work(change, 1))
            return await self._shred(dead, work)

    async def _shred(self, dead: Mapping[KeyName, Key], remove: Callable[[KeyChange, int], T]) -> T:
        """Run `remove` in the transaction that gives pages of `dead` other keys, under a new shred key."""
        pages = await self._pages.stored()
        await self._pages.adopt(pages)
        generations = await self._generations()
        used = max((page.shred for page in pages.values()), default=0)
        shred = generations[-1]
        if shred <= used:
            shred = await asyncio.to_thread(self._custody.add_generation, WrapKind.SHRED)
        affected = {key.page for key in dead.values()}
        fresh = {number: self._pages.fresh(pages[number].generation + 1) for number in affected}
        keys = {number: fresh.get(number) or self._pages.key(number) for number in pages}
        wrapped = await asyncio.to_thread(self._wrapped, keys, shred)

        def work(change: KeyChange) -> T:
            done = remove(change, shred)
            for number, page in wrapped.items():
                stored = require_page(change, number, pages[number].generation)
                left = keys_of_page(change, number)
                if number in fresh:
                    for name in left:
                        self._wrap_again(change, name, self._pages.key(number), fresh[number])
                put_page(change, replace(page, keys=len(left) if number in fresh else stored.keys))
            return done

        self._pages.expect(fresh)
        # When this raises, the transaction may be done all the same: until the store is asked, material opens
        # under both keys, and no shred key is destroyed.
        done = await self._records.change(work)
        self._pages.replaced(fresh)
        await asyncio.to_thread(self._custody.destroy_before, WrapKind.SHRED, shred)
        return done

    def _remove(
        self, change: KeyChange, name: KeyName, shred: int, now: datetime, signer: Ed25519PrivateKey
    ) -> bytes | None:
        """Remove a key and return the certificate; None when it is not to be deleted after all."""
        key = change.key(name)
        if key is None or key.state is not KeyState.PENDING_DELETION:
            return None
        if key.delete_at is None or key.delete_at > now:
            # Called off, and scheduled again, since we looked.
            return None
        certificate = certify(
            change,
            key,
            list(change.versions(name)),
            store_id=self._custody.store_id,
            shred_generation=shred - 1,
            when=now,
            signer=signer,
        )
        self._take_away(change, key)
        return certificate

    def _take_away(self, change: KeyChange, key: Key) -> None:
        for forget in self._forget:
            forget(change, key)
        leave_page(change, key)
        change.delete_key(key)

    def _wrap_again(self, change: KeyChange, name: KeyName, old: PageKey, new: PageKey) -> None:
        key = change.key(name)
        if key is None:
            return
        for version in change.versions(name):
            if version.wrapped:
                associated = wrapping_context(key, version.number)
                secret = unwrap(version.wrapped, old.secret, associated)
                again = wrap(secret, new.secret, associated, self._randomness)
                change.put_version(name, replace(version, wrapped=again))

    async def _generations(self) -> Sequence[int]:
        return await asyncio.to_thread(self._custody.generations, WrapKind.SHRED)

    def _wrapped(self, keys: Mapping[int, PageKey], shred: int) -> dict[int, PageRecord]:
        return {number: self._pages.wrapped(number, 0, page_key, shred) for number, page_key in keys.items()}
