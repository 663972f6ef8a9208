"""Comparing the tables that are about no single entry with what a walk through the log has seen."""

import re

from services.audit.domain.index_check import SKEW_US, Finding, Walk, purge_names, until_is_recorded
from services.audit.domain.purged import keys_name
from services.audit.operations.index_check import IndexCheck
from services.audit.ports import Head, IndexStore, LogFiles, LogSigner
from services.chassis.clock import Clock
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.note import Note
from tlog.tiles import CHECKPOINT_PATH

_PAGE = 256
_HEAD = "the newest checkpoint"
_IDENTIFIER = re.compile(r"[0-9A-Za-z-]{1,64}")


class IndexTables:
    """Checkpoints, spools, data keys and purges. Writes nothing."""

    def __init__(
        self,
        store: IndexStore,
        files: LogFiles,
        signer: LogSigner,
        check: IndexCheck,
        clock: Clock,
    ) -> None:
        """Read `store` and `files`; `signer` has the log's public key, `check` opens data keys."""
        self._store = store
        self._files = files
        self._signer = signer
        self._check = check
        self._clock = clock

    async def checkpoint(self) -> tuple[Checkpoint | None, list[Finding]]:
        """Return the newest checkpoint that the log's key vouches for, and how the database's is another.

        None for a log that has none. Raises DomainError and OSError while kms or the files are away.
        """
        trust = Trust(await self._signer.verifier_key())
        # The log writes the database first: read the other way round, one that grows would look put back.
        published = await self._files.get(CHECKPOINT_PATH)
        head = await self._store.head()
        found: list[Finding] = []
        known: list[Checkpoint] = []
        if published is not None:
            try:
                known.append(trust.checkpoint(Note.parse(published)))
            except TlogError as error:
                found.append(Finding("log", CHECKPOINT_PATH, str(error)))
        if head is not None:
            said, columns = _compare(trust, head)
            known += [] if said is None else [said]
            if columns:
                found.append(Finding("heads", _HEAD, "is not what was signed", columns))
        newest = max(known, key=lambda each: each.size, default=None)
        if newest is not None and (head is None or head.size < newest.size):
            found.append(Finding("heads", _HEAD, "is gone" if head is None else "was put back"))
        return newest, found

    async def strays(self, size: int) -> list[Finding]:
        """Find rows that no entry has."""
        return [Finding(table, row, "is of no entry") for table, row in await self._store.strays(size)]

    async def purges(self, walk: Walk) -> list[Finding]:
        """Compare purges with the log's events about them, which may come some seconds later."""
        found, rows = [], set()
        for each in await self._store.purges():
            account, where = each.account, f"purge {_shown(each.purge_id)}"
            names = purge_names(account.account_id, account.incarnation, each.purge_id)
            rows.add(names)
            if names not in walk.begun:
                found.append(Finding("purged_accounts", where, "is none that the log has an event of"))
            if not until_is_recorded(walk, account):
                found.append(Finding("purged_accounts", where, "differs from the log", ("until_us",)))
            if names in walk.finished and not each.finished:
                found.append(Finding("purged_accounts", where, "differs from the log", ("finished",)))
        gone = sorted(walk.purges - rows)
        found += [Finding("purged_accounts", " ".join(names), "is gone") for names in gone]
        keys = await self._store.all_purged_keys()
        if (keys or walk.key_names) and keys_name(keys) not in walk.key_names:
            found.append(Finding("purged_keys", f"{len(keys)} rows", "are not those that the log names"))
        return found

    async def structure(self) -> list[Finding]:
        """Have the database compare its tables with its indexes, as far as it can."""
        return [Finding(table, "its indexes", what) for table, what in await self._store.structure()]

    async def spools(self, walk: Walk) -> list[Finding]:
        """Compare how far spools are held with how many entries have come of each."""
        found = []
        spools = await self._store.spools(walk.reached)
        for each in spools:
            held = walk.positions.get(each.spool_id, 0) + each.beyond
            if held != each.next_position or held == 0:
                found.append(
                    Finding(
                        "spools", f"spool {_shown(each.spool_id)}", "differs from the log", ("next_position",)
                    )
                )
        gone = walk.positions.keys() - {each.spool_id for each in spools}
        return found + [
            Finding("spools", f"spool {_shown(spool_id)}", "is gone") for spool_id in sorted(gone)
        ]

    async def keys(self, after: bytes) -> tuple[list[Finding], bytes | None]:
        """Open the next data keys behind an id. Returns the last id as well, None when there is none."""
        page = await self._store.keys_after(after, _PAGE)
        opened = await self._check.open_keys(page)
        latest = int(self._clock.now().timestamp() * 1e6) + SKEW_US
        found = []
        for key in page:
            where = f"key {key.key_id.hex()}"
            if key.key_id not in opened:
                found.append(Finding("data_keys", where, "is not what kms made"))
            if not 0 <= key.created_us <= latest:
                found.append(Finding("data_keys", where, "is of another time", ("created_us",)))
        return found, page[-1].key_id if page else None


def _shown(identifier: str) -> str:
    """Return an id as it stands in the database, where it can be one."""
    return identifier if _IDENTIFIER.fullmatch(identifier) else "whose id is none"


def _compare(trust: Trust, head: Head) -> tuple[Checkpoint | None, tuple[str, ...]]:
    """Return what a stored checkpoint says, None for one that proves nothing, and the columns that differ."""
    try:
        said = trust.checkpoint(Note.parse(head.note))
    except TlogError:
        return None, ("note",)
    pairs = (("size", said.size, head.size), ("root", said.root, head.root))
    return said, tuple(name for name, one, other in pairs if one != other)
