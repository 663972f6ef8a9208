"""Comparing the tables that are about no single entry with what a walk through the log has seen."""

from services.audit.domain.index_check import SKEW_US, Finding, Walk, purge_names, until_is_recorded
from services.audit.domain.purged import keys_name
from services.audit.operations.index_check import IndexCheck
from services.audit.ports import Head, HeadStore, IndexStore, LogFiles, LogSigner
from services.chassis.clock import Clock
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.note import Note
from tlog.tiles import CHECKPOINT_PATH

_PAGE = 256
_HEAD = "the newest checkpoint"


class IndexTables:
    """Checkpoints, spools, data keys and purges. Writes nothing."""

    def __init__(
        self,
        store: IndexStore,
        heads: HeadStore,
        files: LogFiles,
        signer: LogSigner,
        check: IndexCheck,
        clock: Clock,
    ) -> None:
        """Read `store`, `heads` and `files`; `signer` has the log's public key, `check` opens data keys."""
        self._store = store
        self._heads = heads
        self._files = files
        self._signer = signer
        self._check = check
        self._clock = clock

    async def checkpoint(self) -> tuple[Checkpoint | None, list[Finding]]:
        """Return the newest checkpoint that the log's key vouches for, and how the database's is another.

        None for a log that has none. Raises DomainError and OSError while kms or the files are away.
        """
        trust = Trust(await self._signer.verifier_key())
        head, published = await self._heads.newest(), await self._files.get(CHECKPOINT_PATH)
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
            account, where = each.account, f"purge {each.purge_id}"
            names = purge_names(account.account_id, account.incarnation, each.purge_id)
            rows.add(names)
            # Versions before this one named no incarnations.
            if not walk.begun & {names, (names[0], names[2])}:
                found.append(Finding("purged_accounts", where, "is none that the log has an event of"))
            if not until_is_recorded(walk, account):
                found.append(Finding("purged_accounts", where, "differs from the log", ("until_us",)))
        for names in sorted(walk.purges - rows):
            if len(names) == len(purge_names("", "", "")):
                found.append(Finding("purged_accounts", " ".join(names), "is gone"))
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
                    Finding("spools", f"spool {each.spool_id}", "differs from the log", ("next_position",))
                )
        gone = walk.positions.keys() - {each.spool_id for each in spools}
        return found + [Finding("spools", f"spool {spool_id}", "is gone") for spool_id in sorted(gone)]

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


def _compare(trust: Trust, head: Head) -> tuple[Checkpoint | None, tuple[str, ...]]:
    """Return what a stored checkpoint says, None for one that proves nothing, and the columns that differ."""
    try:
        said = trust.checkpoint(Note.parse(head.note))
    except TlogError:
        return None, ("note",)
    pairs = (("size", said.size, head.size), ("root", said.root, head.root))
    return said, tuple(name for name, one, other in pairs if one != other)
