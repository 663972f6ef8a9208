"""Changes a store without end, and says which change was acknowledged: for a test that kills it."""

import asyncio
import json
import os
import sys
from pathlib import Path

from services.kms.ports import Anchored, RecordChange, RecordId, StoreAlteredError
from tests.fakes.kms_stores import Stores

KEPT = 5
"""Changes whose own record is there; older ones have been removed."""
SHARED = [RecordId(collection, "p", "now") for collection in ("keys", "versions", "grants")]


class FileAnchor:
    """An EpochAnchor in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def newest(self, store_id: str, *, restored: bool = False) -> Anchored | None:
        if not self._file.exists():
            return None
        epoch, digest = json.loads(self._file.read_text())
        return Anchored(epoch, bytes.fromhex(digest))

    async def append(self, store_id: str, state: Anchored) -> None:
        newest = await self.newest(store_id)
        if newest is not None and state.epoch <= newest.epoch and state != newest:
            raise StoreAlteredError("another state was anchored")
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps([state.epoch, state.digest.hex()]))
        draft.rename(self._file)


def own(number: int) -> RecordId:
    """Return the place of a change's own record."""
    return RecordId("keys", "own", f"{number:06d}")


async def write(url: str, anchor: Path) -> None:
    """Write until the end of this process: three shared records, an own one, and one that goes."""
    stores = Stores(url)
    stores.anchor = FileAnchor(anchor)  # type: ignore[assignment]
    records = await stores.open()
    found = await records.get(SHARED[0])
    number = int(found.body) if found is not None else 0
    while True:
        number += 1

        def work(change: RecordChange, number: int = number) -> None:
            for place in SHARED:
                change.put(place, b"%d" % number)
            change.put(own(number), b"%d" % number * 500)
            change.delete(own(number - KEPT))

        await records.change(work)
        os.write(1, b"%d\n" % number)


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], Path(sys.argv[2])))
