"""The local durable spool: appends records with group commit, and never says "durable" when unsure.

asyncio callers wait in a list; a commit takes the whole list and makes it durable with one write(2)
and one fdatasync(2). While more than two calls are in progress a commit is held back for a millisecond:
it costs them little, and saves most of the syncs, which would otherwise be half of what a busy service
spends on a call.
"""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.audit import recovery
from services.chassis.audit.batch import Batch, Waiter
from services.chassis.audit.budget import Budget, SpoolLimits
from services.chassis.audit.commits import Commits
from services.chassis.audit.files import Files, OsFiles
from services.chassis.audit.recovery import Segment
from services.chassis.audit.segment import FRAME_BYTES, HEADER_BYTES, MAX_PAYLOAD_BYTES, Lane
from services.chassis.audit.writer import ChunkRefusedError, Committed, SegmentWriter, WriterStoppedError
from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.chassis.randomness import Randomness

_BATCH_RECORDS = 1024
"""At 400 bytes an event one commit writes 0.4 MB at most, far from what a healthy disk does in 250 ms."""
_CROWD = 2
"""With more calls in progress than this, a commit lingers."""

_log = Log("audit")


class SpoolFailedError(Exception):
    """The spool's device failed. The process must stop; a new one recovers what was acknowledged."""


class Spool:
    """An append-only spool in one directory, used from one event loop.

    `append` MUST return only after the record is on stable storage, and raises
    DomainError(AUDIT_UNAVAILABLE) when it is not, or when nobody knows. Positions are consecutive from
    0 for the life of the directory; a refused record takes none, unless its commit was merely too
    late. Records below a position given to `trim` are forgotten by whole segments.
    """

    def __init__(
        self,
        directory: Path,
        *,
        randomness: Randomness,
        limits: SpoolLimits | None = None,
        files: Files | None = None,
    ) -> None:
        """Open or create the spool, check it and repair a torn end. Blocks: for the boot.

        Raises SpoolInUseError, SpoolCorruptError, or OSError.
        """
        self.limits = limits or SpoolLimits()
        self._files = files or OsFiles()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = recovery.lock(directory)
        try:
            identity = recovery.identity(directory, self._files, randomness)
            found = recovery.recover(directory, identity)
            self._segments = found.segments
            self._writer = SegmentWriter(directory, identity, self._files, self.limits.segment_bytes)
            if self._segments and self._segments[-1].size < HEADER_BYTES:
                # The machine died while it began a segment; nothing in it was acknowledged.
                self._files.unlink(self._segments.pop().path)
            if self._segments:
                tail = self._segments[-1]
                self._writer.continue_at(tail.path, tail.first_position, tail.size)
                # A life that ended while it made this segment has left a name that only the page cache may
                # hold: a power cut would take it, with all that is acknowledged from now on.
                self._files.sync_directory(directory)
        except BaseException:
            os.close(self._lock)
            raise
        self.spool_id = identity.hex()
        self.torn_bytes = found.torn_bytes
        self.in_flight = 0
        """Calls in progress, as the recorder counts them; beyond two of them commits linger."""
        self.growth = asyncio.Event()
        """Set whenever more records have become durable; whoever waits for it clears it."""
        self._durable = self._segments[-1].next_position if self._segments else 0
        self._budget = Budget(
            self.limits,
            sum(segment.size for segment in self._segments),
            sum(segment.summary_bytes for segment in self._segments),
        )
        self._waiting: list[Waiter] = []
        self._batch: Batch | None = None
        self._scheduled = False
        self._hung = False
        self._began = 0.0
        """When the commit in progress began."""
        self._closing = False
        self._failure: SpoolFailedError | None = None
        self._failed = asyncio.Event()
        self._watchdog: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._commits: Commits | None = None

    @property
    def first_position(self) -> int:
        """Position of the oldest record that is still held."""
        return self._segments[0].first_position if self._segments else 0

    @property
    def durable_position(self) -> int:
        """Position after the last durable record."""
        return self._durable

    @property
    def used_bytes(self) -> int:
        """Bytes on disk and about to be written, against the cap."""
        return self._budget.used

    @property
    def closed(self) -> bool:
        """True once `close` was called."""
        return self._closing

    def segments(self) -> tuple[Segment, ...]:
        """Return the segments, oldest first, with their durable sizes as of now."""
        return tuple(replace(segment) for segment in self._segments)

    async def append(self, payload: bytes, lane: Lane) -> None:
        """Make one record durable.

        Raises DomainError(AUDIT_UNAVAILABLE) at the lane's cap, and when the device is full, hung or
        has failed. The record of a caller that is cancelled while it waits is written all the same.
        """
        await self.begin(payload, lane)

    def begin(self, payload: bytes, lane: Lane) -> "asyncio.Future[None]":
        """Begin to make one record durable; the future ends when it is. Raises, or ends, as `append`."""
        if self._failure is not None or self._closing:
            raise _unavailable("has stopped")
        if self._hung:
            raise _unavailable("waits for its device")
        if len(payload) > MAX_PAYLOAD_BYTES or not self._budget.reserve(len(payload) + FRAME_BYTES, lane):
            raise _unavailable("is full")
        loop = self._loop = self._loop or asyncio.get_running_loop()
        waiter = Waiter(payload, lane, loop.create_future())
        self._waiting.append(waiter)
        if self._batch is None and not self._scheduled:
            self._schedule(loop)
        return waiter.done

    def trim(self, position: int) -> None:
        """Delete the segments that lie wholly below `position`, but never the newest.

        The newest one's name carries the position from which the next life of the spool counts.
        Raises OSError when a file cannot be removed.
        """
        while len(self._segments) > 1 and self._segments[1].first_position <= position:
            segment = self._segments[0]
            self._files.unlink(segment.path)
            del self._segments[0]
            self._budget.forget(segment.size, segment.summary_bytes)

    def rotate(self) -> None:
        """Begin a new segment soon, so that a `trim` can delete all that was shipped.

        Events lie in the spool in clear; a service that falls silent must not keep its last ones. Does
        nothing while a commit is running or the newest segment is empty.
        """
        idle = self._batch is None and not self._waiting and not (self._closing or self._failure)
        if idle and self._segments and self._segments[-1].first_position < self._durable:
            self._loop = self._loop = self._loop or asyncio.get_running_loop()
            self._commit(self._loop, [])

    async def failed(self) -> None:
        """Wait until the device fails, then raise SpoolFailedError: a task that ends the process."""
        await self._failed.wait()
        raise self._failure or SpoolFailedError("the audit spool failed")

    async def close(self) -> None:
        """Write what waits, then close. A hung device is not waited for longer than a commit may take."""
        self._closing = True
        while not (self._failure or self._hung) and (unfinished := self._unfinished()):
            await asyncio.wait([unfinished[-1].done], timeout=self.limits.commit_timeout_s)
        if self._commits is not None:
            if self._hung or not await asyncio.to_thread(self._commits.stop, self.limits.commit_timeout_s):
                return
            self._commits.close()
        self._writer.close()
        os.close(self._lock)

    def _unfinished(self) -> list[Waiter]:
        return self._waiting or ([] if self._batch is None else self._batch.waiters)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        crowd = self.in_flight > _CROWD or len(self._waiting) > _CROWD
        if crowd and not self._closing:
            self._scheduled = True
            loop.call_later(self.limits.linger_s, self._submit)
        else:
            # Not even a pass of the loop later: a lone caller waits for nothing but this.
            self._submit()

    def _submit(self) -> None:
        self._scheduled = False
        if self._batch is not None or not self._waiting or self._loop is None:
            return
        waiters = self._waiting[:_BATCH_RECORDS]
        del self._waiting[:_BATCH_RECORDS]
        self._commit(self._loop, waiters)

    def _commit(self, loop: asyncio.AbstractEventLoop, waiters: list[Waiter]) -> None:
        """Begin to make a batch durable; one without waiters begins a new segment."""
        self._batch = batch = Batch(waiters, self._durable)
        self._began = loop.time()
        self._watchdog = loop.call_later(self.limits.commit_timeout_s, self._overdue, batch)
        if self._commits is None:
            self._commits = Commits(self._writer, self._files.syncs(loop), loop, self._finish)
        self._commits.submit(batch)

    def _finish(self, batch: Batch) -> None:
        """Run on the event loop once for every commit."""
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._batch = None
        if self._hung and self._loop is not None:
            waited_s = self._loop.time() - self._began
            _log.warning("audit_device_hung_until_now", duration_ms=round(waited_s * 1000))
        self._hung = False
        if batch.committed is not None:
            self._extend(batch, batch.committed)
            for waiter in batch.waiters:
                if not waiter.done.done():
                    waiter.done.set_result(None)
            self.growth.set()
        else:
            self._refuse(batch.waiters, "is full")
            if not isinstance(batch.error, ChunkRefusedError):
                self._stop(batch.error)
        if self._waiting and self._loop is not None and not self._scheduled:
            self._schedule(self._loop)

    def _extend(self, batch: Batch, committed: Committed) -> None:
        if not self._segments or self._segments[-1].path != committed.path:
            self._segments.append(Segment(committed.path, committed.first_position, batch.position, 0, 0))
            self._budget.add_header(HEADER_BYTES)
        segment = self._segments[-1]
        segment.size = committed.size
        segment.next_position = self._durable = batch.position + len(batch.waiters)
        segment.summary_bytes += sum(
            len(waiter.payload) + FRAME_BYTES for waiter in batch.waiters if waiter.lane is Lane.SUMMARY
        )

    def _overdue(self, batch: Batch) -> None:
        if self._commits is not None:
            self._commits.collect()
        if batch.finished:
            return
        self._hung = True
        _log.warning("audit_device_hangs", count=len(batch.waiters) + len(self._waiting))
        # These may become durable later: a record of a refused call does no harm.
        for waiter in batch.waiters:
            if not waiter.done.done():
                waiter.done.set_exception(_unavailable("waits for its device"))
        waiting, self._waiting = self._waiting, []
        self._refuse(waiting, "waits for its device")

    def _refuse(self, waiters: list[Waiter], why: str) -> None:
        for waiter in waiters:
            self._budget.release(len(waiter.payload) + FRAME_BYTES, waiter.lane)
            if not waiter.done.done():
                waiter.done.set_exception(_unavailable(why))

    def _stop(self, error: Exception | None) -> None:
        self._failure = SpoolFailedError(f"the audit spool failed: {error}")
        if not isinstance(error, WriterStoppedError):
            self._failure.__cause__ = error
        self._failed.set()
        waiting, self._waiting = self._waiting, []
        self._refuse(waiting, "has stopped")


def _unavailable(why: str) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_AUDIT_UNAVAILABLE,
        f"The call cannot be recorded: the audit spool {why}. Try again later.",
        retry_after_s=1.0,
    )
