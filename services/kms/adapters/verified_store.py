"""An open store: what was read is verified against the index and the head in memory before it is returned."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar

import sqlalchemy as sa

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.kms.adapters.record_cache import RangeId, RecordCache
from services.kms.adapters.record_change import Commit, SqlRecordChange
from services.kms.adapters.record_index import RecordIndex
from services.kms.adapters.record_reads import Found, RecordReads
from services.kms.adapters.record_rows import (
    Expected,
    RecordAlteredError,
    count_records,
    digests,
    exchange_head,
    read_head,
    read_range,
    read_records,
    verify_page,
)
from services.kms.adapters.record_sealing import Head, RecordSealer
from services.kms.operations.anchoring import Anchoring
from services.kms.ports import Record, RecordChange, RecordId, StoreAlteredError

T = TypeVar("T")
E = TypeVar("E")

CACHED_S = 1.0
"""How long a verified record is used without a look at the store."""
_RENEWED_BEFORE_S = 0.4
"""A record that is used with less than this left is read again meanwhile, so that nobody waits for it."""
_PIECE = 100
"""Rows that are verified in one piece by the scrub: a millisecond or two of a thread."""

_log = Log("store")


class _OtherHeadError(Exception):
    """The head in the database is not the one in memory."""

    def __init__(self, seen: bytes) -> None:
        super().__init__()
        self.seen = seen


class _Tried(Generic[T]):
    """What a transaction came to before its commit."""

    def __init__(self) -> None:
        self.commit: Commit | None = None
        self.result: T


class VerifiedStore:
    """Reads and changes one store, of which it is the only writer.

    The head in memory and the index belong together; both change in one step of the event loop, after the
    transaction that they describe was committed. A read takes both, reads rows and head in one snapshot
    beside writers, and when the head has moved on meanwhile it is repeated with changes locked out. Then a
    head that is not ours is the work of somebody else, and nothing is answered any more.
    """

    def __init__(
        self,
        database: Database,
        sealer: RecordSealer,
        index: RecordIndex,
        head: Head,
        anchoring: Anchoring,
        clock: Clock,
        failed: Callable[[StoreAlteredError], None],
    ) -> None:
        """Use the store whose verified content `index` and `head` describe; `failed` hears of its end."""
        self._database = database
        self._sealer = sealer
        self._index = index
        self._head = head
        self._clock = clock
        self._anchoring = anchoring
        self._failed = failed
        self._lock = asyncio.Lock()
        self._uncertain: Commit | None = None
        self._refused: set[bytes] = set()
        self._cache = RecordCache()
        self._reads = RecordReads(self._read)
        self._failure = ""

    @property
    def epoch(self) -> int:
        """Number of changes that the store has seen."""
        return self._head.state.epoch

    def recent(self, record_id: RecordId) -> Record | None:
        """Return a record that was verified at most CACHED_S ago and after the last change of it."""
        now = self._clock.boottime()
        cached = self._cache.record(record_id, now)
        if cached is None:
            return None
        record, until = cached
        if until - now < _RENEWED_BEFORE_S:
            self._reads.renew(record_id)
        return record

    def expect(self, collection: str, partition: str) -> None:
        """Have the last record of a partition read with the next ones, if it is not at hand."""
        place = self._index.last(collection, partition)
        if place is not None and self._cache.record(place, self._clock.boottime()) is None:
            self._reads.renew(place)

    async def get(self, record_id: RecordId) -> Record | None:
        """Return a record, as fresh as that of `recent`."""
        known = self.recent(record_id)
        if known is not None:
            return known
        self.require_sound()
        if self._index.expected_tag(record_id, self._refused) is None:
            # The index says what there is. A row that somebody added is found by listings and the scrub.
            return None
        return await self._reads.get(record_id)

    async def list(self, collection: str, partition: str, after: str, limit: int) -> Sequence[Record]:
        """Return records of a partition, none of them missing and none added, as old as those of `get`."""
        now, asked = self._clock.boottime(), RangeId(collection, partition, after, limit)
        cached = self._cache.range(asked, now)
        if cached is not None:
            return cached
        self.require_sound()
        before = self._head, len(self._refused)
        start = RecordId(collection, partition, after)

        def read(connection: sa.Connection, expected: tuple[Expected, bool]) -> list[Record]:
            return read_range(connection, self._sealer, start, expected[0], more=expected[1])

        found = await self._snapshot(
            lambda: self._index.expected(collection, partition, after, limit, self._refused), read
        )
        if before == (self._head, len(self._refused)) and not self._failure:
            # Nothing was changed or refused while it was on its way here.
            self._cache.put_range(asked, found, now + CACHED_S)
        return found

    async def check(self) -> None:
        """Compare the head. Raises StoreAlteredError when it is not ours."""
        self.require_sound()
        await self._snapshot(lambda: None, lambda _connection, _nothing: None)

    async def change(self, work: Callable[[RecordChange], T]) -> tuple[T, int]:
        """Run `work` in a transaction; return its result and the new epoch, 0 when it changed nothing."""
        async with self._lock:
            return await self._settled(lambda: self._change(work))

    async def scrub(self, pause: Callable[[], Awaitable[None]]) -> None:
        """Verify every row once, in pieces between which `pause` waits; changes wait for one piece at most.

        Afterwards every record that is changed, missing or not ours is refused, whoever asks for it.
        """
        after: RecordId | None = None
        sound = True
        while True:
            found, after = await self._alone(
                partial(verify_page, sealer=self._sealer, index=self._index, after=after, limit=_PIECE)
            )
            for error in found:
                sound = False
                self._refuse(error)
            if after is None:
                break
            await pause()
        # As many rows as there should be, and each of them genuine: then none is missing.
        if not sound or await self._alone(count_records) != len(self._index):
            stored = await self._alone(partial(digests, index=self._index))
            self._refuse_digests(self._index.missing(stored))

    async def take_over(self, epoch: int) -> None:
        """Begin at `epoch`, changing nothing else: whoever else used this store is behind from now on."""
        async with self._lock:
            await self._settled(lambda: self._commit(lambda _change: None, epoch))

    def require_sound(self) -> None:
        """Raise StoreAlteredError once the whole store is refused."""
        if self._failure:
            raise StoreAlteredError(self._failure)

    def fail(self, error: StoreAlteredError) -> None:
        """Refuse everything from now on."""
        if not self._failure:
            self._failure = str(error)
            self._cache.clear()
            self._failed(error)

    async def _read(self, ids: Sequence[RecordId]) -> Mapping[RecordId, Found]:
        now = self._clock.boottime()
        known = {each: record for each in ids if (record := self._cache.known(each)) is not None}

        def read(
            connection: sa.Connection, expected: Expected
        ) -> dict[RecordId, Record | RecordAlteredError]:
            return read_records(connection, self._sealer, expected, known)

        refused: dict[RecordId, Found] = {}
        found = await self._snapshot(partial(self._expected, ids, refused), read)
        for each in found.values():
            if isinstance(each, RecordAlteredError):
                self._refuse(each)
        for record_id, each in found.items():
            if isinstance(each, RecordAlteredError) or self._failure:
                continue
            if self._index.tag(record_id) == each.tag and self._index.digest(record_id) not in self._refused:
                # Neither changed nor refused while it was on its way here.
                self._cache.put_record(each, now + CACHED_S)
        return {**dict.fromkeys(ids), **refused, **found}

    def _expected(self, ids: Sequence[RecordId], refused: dict[RecordId, Found]) -> Expected:
        """Return the tags of those that there must be; say in `refused` which may not be read."""
        refused.clear()
        expected = []
        for record_id in ids:
            try:
                tag = self._index.expected_tag(record_id, self._refused)
            except StoreAlteredError as error:
                refused[record_id] = error
                continue
            if tag is not None:
                expected.append((record_id, tag))
        return expected

    async def _change(self, work: Callable[[RecordChange], T]) -> tuple[T, int]:
        before = self._head
        result = await self._commit(work, None)
        return result, (self._head.state.epoch if self._head is not before else 0)

    async def _commit(self, work: Callable[[RecordChange], T], bare_epoch: int | None) -> T:
        head, index = self._head, self._index
        epoch = bare_epoch or head.state.epoch + 1
        tried = _Tried[T]()

        def transaction(connection: sa.Connection) -> T:
            tried.commit = None
            _require_head(connection, head)
            change = SqlRecordChange(connection, self._sealer, index, self._refused, epoch)
            result = work(change)
            commit = change.flush(
                head.state, anchored=self._anchoring.reached > 0, even_nothing=bare_epoch is not None
            )
            if commit is not None:
                # What changes nothing goes on while the anchor is away.
                self._anchoring.require_current()
                if not exchange_head(connection, head, commit.head):
                    raise _OtherHeadError(read_head(connection))
                # From here on the transaction may have been committed, whatever is heard of it.
                tried.commit, tried.result = commit, result
            return result

        try:
            result = await self._database.run(transaction)
        except RecordAlteredError as error:
            self._refuse(error)
            raise
        except Exception:
            if tried.commit is None or not await self._was_committed(tried.commit):
                raise
            return tried.result
        if tried.commit is not None:
            self._apply(tried.commit)
        return result

    async def _was_committed(self, commit: Commit) -> bool:
        """Find out what became of a transaction whose end nobody reported."""
        self._uncertain = commit
        _log.warning("outcome_of_commit_unknown")
        try:
            await self._database.read(lambda connection: _require_head(connection, self._head))
        except _OtherHeadError as other:
            return self._adopt(other.seen)
        except DomainError:
            # Whoever comes next finds out.
            return False
        return False

    async def _alone(self, read: Callable[[sa.Connection], T]) -> T:
        async with self._lock:
            return await self._settled(
                lambda: self._attempt(lambda: None, lambda found, _nothing: read(found))
            )

    async def _snapshot(self, expect: Callable[[], E], read: Callable[[sa.Connection, E], T]) -> T:
        try:
            return await self._attempt(expect, read)
        except _OtherHeadError:
            async with self._lock:
                return await self._settled(lambda: self._attempt(expect, read))

    async def _settled(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Run `attempt` with changes locked out; again when an uncertain one turns out to be committed."""
        for _ in range(2):
            self.require_sound()
            try:
                return await attempt()
            except _OtherHeadError as other:
                if not self._adopt(other.seen):
                    break
        error = StoreAlteredError("the store was changed by somebody else, or put back to an earlier state")
        self.fail(error)
        raise error

    def _adopt(self, seen: bytes) -> bool:
        uncertain = self._uncertain
        if uncertain is None or not hmac.compare_digest(seen, uncertain.head.sealed):
            return False
        self._apply(uncertain)
        return True

    def _apply(self, commit: Commit) -> None:
        self._uncertain = None
        self._head = commit.head
        for record_id, tag in commit.tags:
            self._cache.drop(record_id)
            if tag is None:
                self._index.remove(record_id)
            else:
                self._index.put(record_id, tag)
        self._anchoring.committed(self._sealer.anchored(commit.head.state))

    def _refuse(self, error: RecordAlteredError) -> None:
        place = error.record_id
        if error.in_partition:
            self._refuse_digests({self._index.partition_digest(place.collection, place.partition)})
        else:
            self._refuse_digests({self._index.digest(place)})

    def _refuse_digests(self, altered: set[bytes]) -> None:
        new = altered - self._refused
        if new:
            self._refused |= new
            # Whoever was let in before may be among them.
            self._cache.clear()
            _log.error("records_altered", count=len(new))

    async def _attempt(self, expect: Callable[[], E], read: Callable[[sa.Connection, E], T]) -> T:
        head, expected = self._head, expect()

        def transaction(connection: sa.Connection) -> T:
            _require_head(connection, head)
            return read(connection, expected)

        try:
            return await self._database.read(transaction)
        except RecordAlteredError as error:
            self._refuse(error)
            raise


def _require_head(connection: sa.Connection, head: Head) -> None:
    seen = read_head(connection)
    if not hmac.compare_digest(seen, head.sealed):
        raise _OtherHeadError(seen)
