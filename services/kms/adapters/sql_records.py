"""Records in SQL, in a store that is not trusted. See docs/key-hierarchy.md."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.adapters.record_index import RecordIndex
from services.kms.adapters.record_rows import insert_head, load, read_head
from services.kms.adapters.record_sealing import RecordSealer, StoreState
from services.kms.adapters.store_ownership import Ownership, acquire, ownership_of
from services.kms.adapters.verified_store import CACHED_S, VerifiedStore
from services.kms.errors import sealed
from services.kms.operations.anchoring import Anchoring
from services.kms.ports import EpochAnchor, Record, RecordChange, RecordId, StoreAlteredError

T = TypeVar("T")

WATCH_S = 1.0
SCRUB_PERIOD_S = 30.0
"""Between the end of one pass over all rows and the beginning of the next."""
_SCRUB_PAUSE_S = 0.025
"""After each 100 rows: a pass takes about 30 s for 100,000 of them."""

_log = Log("store")


class SqlRecords:
    """See the port Records. Nothing is answered before `open` and after `close`."""

    def __init__(
        self,
        database: Database,
        store_id: str,
        anchor: EpochAnchor,
        clock: Clock,
        randomness: Randomness,
        *,
        restored: bool = False,
    ) -> None:
        """Keep the records of the store `store_id` in `database`, whose schema is current.

        With `restored` an operator says that the database was put back on purpose: it may be older than its
        anchor, but must be whole like any other.
        """
        self._database = database
        self._store_id = store_id
        self._anchor = anchor
        self._clock = clock
        self._randomness = randomness
        self._store: VerifiedStore | None = None
        self._anchoring: Anchoring | None = None
        self._restored = restored
        self._ownership: Ownership | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._changes: set[asyncio.Task[Any]] = set()
        self._failure: BaseException | None = None
        self._failed = asyncio.Event()

    @property
    def epoch(self) -> int:
        """Number of changes that the store has seen."""
        return self._opened().epoch

    @property
    def anchored_epoch(self) -> int:
        """The newest of them that the anchor is known to hold."""
        return 0 if self._anchoring is None else self._anchoring.reached

    async def open(self, store_key: SecretBytes, *, first_boot: bool = False) -> None:
        """Verify the whole store and begin to answer, as the port says."""
        ownership = ownership_of(self._database)
        try:
            await acquire(ownership)
            await self._open(store_key, ownership, first_boot=first_boot)
        except BaseException:
            await asyncio.to_thread(ownership.give_up)
            raise
        self._ownership = ownership

    async def _open(self, store_key: SecretBytes, ownership: Ownership, *, first_boot: bool) -> None:
        sealer = RecordSealer(store_key, self._store_id, self._randomness)
        index = RecordIndex(self._randomness)
        anchoring = Anchoring(self._anchor, self._store_id, self._clock)
        if first_boot:
            await self._create(sealer)
        # First the head: while the anchor is away, the rest of the store need not be read again and again.
        state = sealer.open_head(await self._database.read(read_head)).state
        epoch = await anchoring.begin(
            sealer.anchored(state), ever_anchored=state.anchored, restored=self._restored
        )
        head = await self._database.read(lambda connection: load(connection, sealer, index))
        if head.state != state:
            raise StoreAlteredError("the store was changed by somebody else while it was opened")
        store = VerifiedStore(self._database, sealer, index, head, anchoring, self._clock, self._fail)
        await store.take_over(epoch + 1)
        if ownership.outlived and not first_boot:
            # Whoever lost the store without knowing it has nothing left that it verified before.
            await asyncio.sleep(CACHED_S)
        self._store, self._anchoring = store, anchoring
        self._run("anchoring", anchoring.run)
        self._run("watch", lambda: self._watch(store, ownership))
        self._run("scrub", lambda: self._scrub(store))
        _log.info("store_opened", count=len(index))

    async def close(self) -> None:
        """Finish the changes that were begun, then forget keys and records."""
        self._store, self._anchoring = None, None
        if self._changes:
            await asyncio.wait(self._changes)
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        ownership, self._ownership = self._ownership, None
        if ownership is not None:
            await asyncio.to_thread(ownership.give_up)

    async def failed(self) -> None:
        """Wait until the store is refused as a whole, then raise: a server's background task."""
        await self._failed.wait()
        raise self._failure or StoreAlteredError("the store was altered")

    def recent(self, record_id: RecordId) -> Record | None:
        """Return a record, if that needs no waiting."""
        return self._opened().recent(record_id)

    def expect(self, collection: str, partition: str) -> None:
        """Say that the last record of a partition will be asked for."""
        self._opened().expect(collection, partition)

    async def get(self, record_id: RecordId) -> Record | None:
        """Return a record."""
        return await self._opened().get(record_id)

    async def list(
        self, collection: str, partition: str, after: str = "", limit: int = 1000
    ) -> Sequence[Record]:
        """Return records of a partition."""
        return await self._opened().list(collection, partition, after, limit)

    async def change(self, work: Callable[[RecordChange], T]) -> T:
        """Change records as the port says; return after the change is anchored, or was held back for it."""
        task = asyncio.get_running_loop().create_task(self._change(self._opened(), work))
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        # A caller that goes away must not keep memory from taking over what is committed.
        return await asyncio.shield(task)

    async def _change(self, store: VerifiedStore, work: Callable[[RecordChange], T]) -> T:
        anchoring = self._anchoring
        result, epoch = await store.change(work)
        if epoch and anchoring is not None:
            await anchoring.settled(epoch)
        return result

    async def _create(self, sealer: RecordSealer) -> None:
        """Make an empty store where there is none: the first boot may have come this far before."""
        head = sealer.seal_head(StoreState(epoch=1, count=0, total=0, anchored=False))

        def work(connection: sa.Connection) -> None:
            if not read_head(connection):
                insert_head(connection, head)

        await self._database.run(work)

    async def _watch(self, store: VerifiedStore, ownership: Ownership) -> None:
        """Notice soon that somebody else owns or has exchanged the store, also when nobody asks it."""
        while True:
            await asyncio.sleep(WATCH_S)
            await asyncio.to_thread(ownership.check)
            try:
                await store.check()
            except DomainError:
                # The database is away. Whoever needs it hears of it.
                continue

    async def _scrub(self, store: VerifiedStore) -> None:
        while True:
            await asyncio.sleep(SCRUB_PERIOD_S)
            try:
                await store.scrub(lambda: asyncio.sleep(_SCRUB_PAUSE_S))
            except DomainError:
                continue

    def _opened(self) -> VerifiedStore:
        if self._store is None:
            raise sealed()
        return self._store

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
            self._failed.set()

    def _run(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        def ended(task: "asyncio.Task[None]") -> None:
            if task.cancelled():
                return
            error = task.exception() or RuntimeError(f"{name} has ended")
            self._fail(error)
            if self._store is not None:
                # Whatever ended: nobody watches this store any more.
                self._store.fail(StoreAlteredError(str(error)))

        task = asyncio.get_running_loop().create_task(run(), name=name)
        task.add_done_callback(ended)
        self._tasks.append(task)
