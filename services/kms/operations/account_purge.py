"""The end of an account's keys: all are shredded at once, with those that services have for it."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from services.chassis.account_purge import Progress, Purge
from services.kms.domain.keys import Key
from services.kms.domain.names import KeyClass, KeyName
from services.kms.domain.purges import PurgeRecord
from services.kms.operations.grant_records import count_grants
from services.kms.operations.key_records import KeyChange, KeyRecords, purge_id_of
from services.kms.operations.material_store import MaterialStore
from services.kms.operations.pages import Pages
from services.kms.operations.service_keys import account_key_id
from services.kms.operations.shredding import Shredder
from services.kms.ports import KeyRevocations, Records

PURGED = frozenset(
    {
        *("keys", "versions", "aliases", "key-aliases", "requests", "due", "page-keys"),
        *("grants", "grants-by-grantee", "grants-by-retiring", "grant-requests", "grant-counts"),
    }
)
"""Collections of records that nothing of an account's keys is left in."""
KEPT = {
    "pages": "A page is no account's: its key is another one after the purge.",
    "certificates": "They say that earlier keys are gone, and name them.",
    "purges": "It is what kms remembers of purges.",
    "signing-keys": "The installation's.",
    "secrets": "The installation's.",
}
"""Collections that a purge leaves alone, and why."""
_AT_ONCE = 1024
"""Keys that one transaction shreds: more take several calls, and as many shred keys."""


class AccountKeyPurge:
    """An AccountPurger."""

    def __init__(
        self,
        records: Records,
        keys: KeyRecords,
        pages: Pages,
        material: MaterialStore,
        shredder: Shredder,
        revocations: KeyRevocations,
    ) -> None:
        """Remove keys with `shredder`, and have `revocations` empty the memory of others."""
        self._records = records
        self._keys = keys
        self._pages = pages
        self._material = material
        self._shredder = shredder
        self._revocations = revocations

    async def purge(self, purge: Purge) -> Progress:
        """Shred the keys; return when nobody uses any more what was opened under them."""
        stored = await self._records.get(purge_id_of(purge.account_id, purge.incarnation))
        before = None if stored is None else PurgeRecord.decode(stored.body)
        if before is not None and before.finished:
            # Whether others were told before a crash is not known.
            await self._revocations.revoke_all()
            return Progress(before.removed, finished=True)
        dead = await self._owned(purge)
        now = dead[:_AT_ONCE]
        finished = len(dead) <= _AT_ONCE

        def note(change: KeyChange, counts: Counter[str], shred: int) -> PurgeRecord:
            place = purge_id_of(purge.account_id, purge.incarnation)
            held = change.records.get(place)
            said = {"keys": 0, "aliases": 0, "grants": 0, "keys of services": 0}
            if held is not None:
                said |= PurgeRecord.decode(held.body).removed
            for kind, count in counts.items():
                said[kind] += count
            written = PurgeRecord(purge.purge_id, said, shred, finished)
            change.records.put(place, written.encode())
            return written

        done = await self._shredder.purge(now, _count, note)
        for name in now:
            self._material.forget(name)
        await asyncio.gather(*map(self._revocations.revoke, now))
        return Progress(done.removed, done.finished)

    async def _owned(self, purge: Purge) -> Sequence[KeyName]:
        """Return the account's keys, in whichever region: every key with material stands on a page."""
        found = []
        for name in await self._pages.names():
            if name.parent.key_class is KeyClass.SERVICE:
                if name.key_id == account_key_id(purge.account_id):
                    found.append(name)
            elif name.parent.key_class is KeyClass.CUSTOMER and name.parent.owner == purge.account_id:
                key = await self._keys.key(name)
                if key is not None and key.incarnation == purge.incarnation:
                    found.append(name)
        return found


def _count(change: KeyChange, key: Key) -> Counter[str]:
    kind = "keys of services" if key.name.parent.key_class is KeyClass.SERVICE else "keys"
    aliases, grants = len(change.alias_names(key.name)), count_grants(change.records, key.name)
    return Counter({kind: 1, "aliases": aliases, "grants": grants})
