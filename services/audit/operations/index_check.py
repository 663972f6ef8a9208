"""Comparing what the database says of events with the events themselves, which the log vouches for."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from craton.audit.v1 import resources_pb2 as pb
from craton.common.v1.error_reason_pb2 import ErrorReason
from google.protobuf.message import DecodeError

from services.audit.domain import leaf
from services.audit.domain.entry import Index, index_of
from services.audit.domain.index_check import Finding, Walk, rows_of_entry
from services.audit.domain.index_rows import (
    IndexRow,
    altered_columns,
    altered_resources,
    altered_unopened,
    columns_of,
    resources_of,
)
from services.audit.domain.purged import PURGED, emptied
from services.audit.operations.account_keys import AccountKeys
from services.audit.operations.nodes import Nodes, verified_tile
from services.audit.ports import DataKey, IndexStore, LogFiles, PurgeRow
from services.chassis.audit.local import recorder_name
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from tlog.checkpoint import Checkpoint
from tlog.errors import TlogError
from tlog.hashing import leaf_hash
from tlog.leaf import KEY_ID_BYTES, LeafHeader
from tlog.tiles import WIDTH, Bundle, Tile, entries_of, width_at

_KEYS_AT_ONCE = 16
_WRAPPED_BYTES = 4096
"""No wrapped key is as long: kms would refuse it as a request, and not as a ciphertext."""
_AT_ONCE = 16
"""Entries that are opened before others get the processor: about two milliseconds."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """What is known of the keys of a tile's entries."""

    wanted: Collection[bytes]
    keys: Mapping[bytes, tuple[str, leaf.SealingKey]]
    """Those that open, with their accounts."""
    held: Collection[bytes]
    """Those that are held at all."""
    purged: Collection[bytes]
    """Those that went with their accounts."""
    purges: Sequence[PurgeRow]
    """Whose accounts those may have been; read when something does not open."""


class IndexCheck:
    """Opens every entry and compares all rows about it. Writes nothing."""

    def __init__(self, store: IndexStore, files: LogFiles, keys: AccountKeys, own: WorkloadId) -> None:
        """Read `store` and `files`, open with `keys`. `own` is this service, whose word on purges counts."""
        self._store = store
        self._files = files
        self._keys = keys
        self._own = recorder_name(own)

    async def tile(self, walk: Walk, nodes: Nodes, log: Checkpoint) -> list[Finding]:
        """Compare the entries from `walk.reached` on, up to the end of their tile, and go on behind them.

        Raises DomainError and OSError while kms, the database or the files are away: nothing was walked then.
        """
        first, index = walk.reached, walk.reached // WIDTH
        tile = Tile(0, index, width_at(0, index, log.size))
        end = index * WIDTH + tile.width
        rows = await self._rows(first, end)
        try:
            hashes = await verified_tile(nodes, tile, log.size, log.root)
        except TlogError as error:
            walk.lose(end)
            return [Finding("log", tile.path, str(error))]
        held = dict(enumerate(hashes, start=index * WIDTH))
        entries = {number: row.leaf for number, row in rows.items() if leaf_hash(row.leaf) == held[number]}
        if len(entries) < end - first:
            entries |= await self._bundle(tile, held)
        opened = await self._open(entries.values(), rows.values())
        if len(opened.keys) < len(opened.wanted):
            # A purge may have come in between: it has emptied rows before it says that it is done.
            rows = await self._rows(first, end)
        found: list[Finding] = []
        for number in range(first, end):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            found += self._entry(walk, number, entries.get(number), rows.get(number), opened)
        walk.reached = end
        return found

    async def _rows(self, first: int, end: int) -> dict[int, IndexRow]:
        return {row.sequence: row for row in await self._store.rows(first, end - first)}

    def _entry(
        self, walk: Walk, number: int, entry: bytes | None, row: IndexRow | None, opened: _Opened
    ) -> list[Finding]:
        header = None if entry is None else _header(entry)
        if entry is None or header is None:
            # fsck of the files says what is wrong with them, where it is they.
            state = "is gone" if row is None else "is another than in the log"
            return [Finding("entries", f"entry {number}", state, ("leaf",), number)]
        event_id = str(UUID(bytes=header.event_id))
        event = _event(entry, opened.keys.get(header.key_id))
        found, expected = self._expected(walk, number, header, event, row, opened)
        if row is None:
            if event is not None:
                walk.missing(event.recorder)
            return [*found, Finding("entries", f"entry {number}", "is gone", (), number, event_id)]
        columns = [] if row.leaf == entry else ["leaf"]
        columns += self._place(walk, row, event)
        if expected is None:
            altered, resources = altered_unopened(row, header.event_id, header.time_us)
            columns += altered
        else:
            columns += altered_columns(row, columns_of(expected))
            resources = altered_resources(row, resources_of(expected))
        return [*found, *rows_of_entry((number, event_id), columns, resources)]

    def _expected(
        self,
        walk: Walk,
        number: int,
        header: LeafHeader,
        event: pb.Event | None,
        row: IndexRow | None,
        opened: _Opened,
    ) -> tuple[list[Finding], Index | None]:
        """Return what the rows of an entry follow from; None when nobody can say."""
        empty = emptied(Index(header.event_id, header.time_us, "", "", "", "", ()))
        account = None if row is None else row.columns.get("account_id")
        event_id = str(UUID(bytes=header.event_id))
        if event is not None:
            try:
                index = index_of(event)
            except DomainError:
                return [Finding("entries", f"entry {number}", "is no event", (), number, event_id)], None
            walk.saw(event, index, self._own)
            late = account == PURGED and any(each.account.covers(index) for each in opened.purges)
            walk.purged += late
            return [], empty if late else index
        if header.key_id in opened.purged:
            walk.purged += 1
            # Entries of an account whose purge has not come so far are as they were, its keys go first. That
            # it has come to its end the log says: see IndexTables.purges.
            begun = any(each.account.account_id == account and not each.finished for each in opened.purges)
            return [], None if begun else empty
        state = "does not open the entry" if header.key_id in opened.held else "is gone"
        where = f"key {header.key_id.hex()} of entry {number}"
        return [Finding("data_keys", where, state, (), number, event_id)], None

    def _place(self, walk: Walk, row: IndexRow, event: pb.Event | None) -> list[str]:
        found = []
        recorder = None if row.workload is None else _recorder(row.workload)
        if recorder is None or (event is not None and event.recorder != recorder):
            found.append("spool_id")
        if walk.misplaced(row, recorder or ""):
            found.append("position")
        return found

    async def _bundle(self, tile: Tile, held: Mapping[int, bytes]) -> dict[int, bytes]:
        """Return the entries of a tile as the log's files have them, those of them that are the log's."""
        for width in dict.fromkeys((tile.width, WIDTH)):
            content = await self._files.get(Bundle(tile.index, width).path)
            if content is None:
                continue
            try:
                entries = enumerate(entries_of(content, width), start=tile.index * WIDTH)
            except TlogError:
                return {}
            return {number: each for number, each in entries if leaf_hash(each) == held.get(number)}
        return {}

    async def _open(self, entries: Collection[bytes], rows: Collection[IndexRow]) -> _Opened:
        """Open keys as they are held now, some at a time: kms is there for others as well."""
        wanted = {header.key_id for header in map(_header, entries) if header is not None}
        held = await self._store.keys(wanted)
        keys = await self.open_keys(list(held.values()))
        missing = wanted - set(keys)
        if not missing and all(row.columns.get("account_id") != PURGED for row in rows):
            return _Opened(wanted, keys, held, (), ())
        purges = await self._store.purges()
        return _Opened(wanted, keys, held, await self._store.purged_keys(missing), purges)

    async def open_keys(self, stored: Sequence[DataKey]) -> dict[bytes, tuple[str, leaf.SealingKey]]:
        """Return data keys that open, with their accounts. Raises DomainError while kms is away."""
        found = {}
        for start in range(0, len(stored), _KEYS_AT_ONCE):
            part = stored[start : start + _KEYS_AT_ONCE]
            for key, cipher in zip(part, await asyncio.gather(*map(self._open_key, part)), strict=True):
                if cipher is not None:
                    found[key.key_id] = key.account_id, cipher
        return found

    async def _open_key(self, key: DataKey) -> leaf.SealingKey | None:
        if len(key.key_id) != KEY_ID_BYTES or not 0 < len(key.wrapped) <= _WRAPPED_BYTES:
            return None
        try:
            return await self._keys.open(key)
        except DomainError as error:
            if error.reason != ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT:
                raise
            return None


def _header(entry: bytes) -> LeafHeader | None:
    try:
        return leaf.parse_leaf(entry)
    except leaf.LeafDamagedError:
        return None


def _event(entry: bytes, key: tuple[str, leaf.SealingKey] | None) -> pb.Event | None:
    if key is None:
        return None
    account_id, opened = key
    try:
        return pb.Event.FromString(leaf.open_leaf(entry, account_id, opened.cipher).event)
    except (leaf.LeafDamagedError, DecodeError):
        return None


def _recorder(workload: str) -> str:
    kind, _, name = workload.partition("/")
    return recorder_name(WorkloadId("", kind, name))
