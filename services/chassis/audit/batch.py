"""Batches of records and the thread that makes them durable, one batch at a time."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from services.chassis.audit.segment import Lane, frame
from services.chassis.audit.writer import Committed, SegmentWriter


@dataclass(frozen=True, slots=True)
class Waiter:
    """A record and whoever waits for it to be durable."""

    payload: bytes
    lane: Lane
    done: "asyncio.Future[None]"


@dataclass(slots=True)
class Batch:
    """Records that share one commit; without any the commit begins a new segment."""

    waiters: list[Waiter]
    position: int
    chunk: bytes = field(init=False)
    """The framed records, made by the event loop: the thread should hold the interpreter briefly."""
    finished: bool = False
    """Set before the event loop is told: a late timer must not take a slow loop for a hung device."""
    sync_error: OSError | None = None
    """Why a chunk that was written ahead is not durable: all that is left is to end the writing."""
    committed: Committed | None = None
    error: Exception | None = None

    def __post_init__(self) -> None:
        """Frame the records."""
        first = self.position
        self.chunk = b"".join(
            frame(first + index, first, waiter.lane, waiter.payload)
            for index, waiter in enumerate(self.waiters)
        )


class WriterThread:
    """Takes batches from the event loop and wakes it once for each."""

    def __init__(
        self, writer: SegmentWriter, loop: asyncio.AbstractEventLoop, finish: Callable[[Batch], None]
    ) -> None:
        """Start the thread. `finish` is called on `loop` with every batch that was tried."""
        self._writer = writer
        self._loop = loop
        self._finish = finish
        self._queue: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        # A daemon, because a write to a hung device never returns and must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name="audit-spool", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch) -> None:
        """Write a batch after those before it."""
        self._queue.put(batch)

    def stop(self, timeout_s: float) -> bool:
        """End the thread after what was submitted; False when it hangs. Blocks for at most `timeout_s`."""
        self._queue.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (batch := self._queue.get()) is not None:
            try:
                batch.committed = self._write(batch)
            except Exception as error:
                batch.error = error
            batch.finished = True
            # The loop is closed when the process ends without waiting for a hung device.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._finish, batch)

    def _write(self, batch: Batch) -> Committed:
        if batch.sync_error is not None:
            raise self._writer.sync_failed(batch.sync_error)
        if not batch.waiters:
            return self._writer.begin(batch.position)
        return self._writer.append(batch.chunk, batch.position)
