"""The log: entries become bundles, tiles and checkpoints.

All files follow from the entries, which are durable before they come here: replicas that write the same log
write the same bytes, and what a crash left unwritten is written again. Only a checkpoint says something new.
Its size goes up alone, because the store compares before it holds another one.
"""

import asyncio
from collections.abc import Mapping

from services.audit.errors import LogDamagedError, code_of
from services.audit.operations.cosigning import Cosigning
from services.audit.operations.nodes import read_tile
from services.audit.ports import EventStore, Head, HeadStore, LogFiles, LogSigner
from services.chassis.database import StorageFailedError
from services.chassis.errors import DomainError
from services.chassis.logs import Log as ServiceLog
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.note import Note
from tlog.tiles import CHECKPOINT_PATH, WIDTH, Tile, edge_tiles, parse_path
from tlog.tree import EMPTY, Edge, grow

BATCH = 4 * WIDTH
"""Entries that one checkpoint adds at most."""
INTERVAL_S = 0.5
"""Between looks at what has come: an event is proved within a second or two of its answer."""
_DAMAGED_S = 60.0
"""Between looks at a log that cannot go on before somebody has looked at it."""

_log = ServiceLog("log")


class Log:
    """Lets the log grow by what the store has taken in."""

    def __init__(
        self,
        events: EventStore,
        heads: HeadStore,
        files: LogFiles,
        signer: LogSigner,
        cosigning: Cosigning,
        origin: str,
    ) -> None:
        """Write `files`; nothing is read or written yet. `origin` names the log for ever."""
        self._events = events
        self._heads = heads
        self._files = files
        self._signer = signer
        self._cosigning = cosigning
        self._origin = origin
        self._edge: Edge | None = None
        self._filled: set[str] = set()
        self.waiting = False
        """Whether kms or the place of the files is away."""
        self.damaged = False
        """Whether the log has stopped growing because something is not what it was."""
        self.size = 0
        """Entries that the newest checkpoint covers, as far as this replica knows."""

    async def run(self) -> None:
        """Grow for ever: a server's background task."""
        while True:
            pause = INTERVAL_S
            try:
                # What comes meanwhile waits for the next checkpoint, unless there is a whole batch of it.
                while await self.extend() > BATCH - WIDTH:
                    pass
                self.waiting = self.damaged = False
            except LogDamagedError as error:
                self.damaged = True
                # Events are taken in all the same: they are not less true because the log has been damaged.
                _log.error("log_damaged", reason=str(error))
                pause = _DAMAGED_S
            except StorageFailedError:
                raise
            except (DomainError, OSError) as error:
                self._wait(code_of(error))
            except Exception as error:
                # A defect of the log's must not end the service: events are taken in meanwhile.
                _log.error("log_failed", error=error)
                self._wait(type(error).__name__)
            await asyncio.sleep(pause)

    def _wait(self, reason: str) -> None:
        if not self.waiting:
            _log.warning("log_waits", reason=reason)
        self.waiting = True

    async def extend(self) -> int:
        """Add what has come, up to a batch, and return how many entries a new checkpoint has more.

        Raises LogDamagedError; DomainError and OSError while kms, the database or the files are away.
        """
        edge = self._edge
        if edge is None:
            edge = self._edge = await self._load()
            self.size = edge.size
        entries = await self._events.leaves(edge.bundle_start, BATCH)
        try:
            growth = grow(edge, entries)
        except TlogError as error:
            raise LogDamagedError(str(error)) from error
        if growth.edge.size == edge.size:
            await self._tidy()
            return 0
        await self._write(growth.files)
        head = await self._sign(growth.edge)
        # Until all of it is written, what is there is found out again.
        self._edge = None
        if not await self._heads.advance(edge.size, head):
            # Another replica was faster.
            return 0
        await self._files.put({CHECKPOINT_PATH: head.note})
        self._edge, self.size = growth.edge, growth.edge.size
        self._filled.update(path for path in growth.files if parse_path(path).width == WIDTH)
        await self._tidy()
        return growth.edge.size - edge.size

    async def _tidy(self) -> None:
        """Remove what full tiles and bundles replace. What cannot be removed is tried again next time."""
        for path in tuple(self._filled):
            await self._files.remove_partial(path)
            self._filled.discard(path)

    async def _write(self, files: Mapping[str, bytes]) -> None:
        """Write tiles and bundles. They never change: what is there already must be the same."""
        there = await asyncio.gather(*map(self._files.get, files))
        for (path, content), held in zip(files.items(), there, strict=True):
            if held is not None and held != content:
                raise LogDamagedError(f"{path} is there already, and is another")
        await self._files.put(files)

    async def _sign(self, edge: Edge) -> Head:
        text = Checkpoint(self._origin, edge.size, edge.root).text
        signed = Note(text, (await self._signer.sign(text),))
        # A signature by another key would be found by every reader, and be in the log's way for ever.
        await self._verified(bytes(signed), "the signature of kms")
        note = await self._cosigning.cosign(signed, edge.size)
        return Head(edge.size, edge.root, bytes(note))

    async def _load(self) -> Edge:
        """Return the edge of the tree as it was left, after comparing files and database."""
        head = await self._heads.newest()
        published = await self._files.get(CHECKPOINT_PATH)
        if published is not None:
            await self._compare(published, head)
        if head is None:
            return EMPTY
        rows = [await self._row(tile) for tile in edge_tiles(head.size)]
        edge = Edge(head.size, tuple(rows))
        if edge.root != head.root:
            raise LogDamagedError("the files have another root than the checkpoint")
        checkpoint = await self._verified(head.note, "the checkpoint in the database")
        if (checkpoint.size, checkpoint.root) != (head.size, head.root):
            raise LogDamagedError("the checkpoint in the database is another than its row says")
        if published != head.note:
            await self._files.put({CHECKPOINT_PATH: head.note})
        return edge

    async def _compare(self, published: bytes, head: Head | None) -> None:
        """Refuse a database that was put back: the log would sign what contradicts its own word."""
        checkpoint = await self._verified(published, "the published checkpoint")
        size, root = (0, EMPTY.root) if head is None else (head.size, head.root)
        if checkpoint.size > size or (checkpoint.size == size and checkpoint.root != root):
            raise LogDamagedError(f"entry {size} is in the log, and not in the database")

    async def _verified(self, note: bytes, what: str) -> Checkpoint:
        try:
            return Trust(await self._signer.verifier_key()).checkpoint(Note.parse(note))
        except TlogError as error:
            raise LogDamagedError(f"{what}: {error}") from error

    async def _row(self, tile: Tile | None) -> tuple[bytes, ...]:
        if tile is None:
            return ()
        try:
            return tuple(await read_tile(self._files, tile))
        except TlogError as error:
            raise LogDamagedError(str(error)) from error
