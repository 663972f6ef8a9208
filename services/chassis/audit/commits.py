"""How a batch becomes durable: by the kernel's queue where it can, else by the writer's thread.

The event loop copies a chunk into the page cache, which takes a few microseconds, and the kernel syncs.
It never does so while an earlier sync is still running: a device that hangs holds a commit, and no
event loop. What may wait for the device in the middle goes to the thread: a new segment, a full disk,
and everything after an error.
"""

import asyncio
import os
from collections.abc import Callable
from functools import partial

from services.chassis.audit.batch import Batch, WriterThread
from services.chassis.audit.kernel_syncs import Syncs
from services.chassis.audit.writer import SegmentWriter

_COPIED_BYTES = 64 * 1024
"""Larger chunks are copied by the thread, so that the event loop never stands still for long."""

_FEW = 2
"""Records of a commit for which somebody waits who has the machine almost for himself."""


class Commits:
    """Takes one batch at a time and calls `finish` with it, on the event loop, when it was tried."""

    def __init__(
        self,
        writer: SegmentWriter,
        syncs: Syncs | None,
        loop: asyncio.AbstractEventLoop,
        finish: Callable[[Batch], None],
    ) -> None:
        """Start the thread."""
        self._writer = writer
        self._syncs = syncs
        self._finish = finish
        self._thread = WriterThread(writer, loop, finish)

    def submit(self, batch: Batch) -> None:
        """Begin to make a batch durable; the one before it has finished."""
        if self._syncs is not None and 0 < len(batch.chunk) <= _COPIED_BYTES:
            descriptor = self._writer.write_ahead(batch.chunk)
            if descriptor is not None and self._syncs.start(descriptor, partial(self._synced, batch)):
                if len(batch.waiters) <= _FEW:
                    # The kernel's worker is bound to this processor. Given way to once, it hands the write
                    # to the device now, and not when this thread next waits.
                    os.sched_yield()
                return
        self._thread.submit(batch)

    def collect(self) -> None:
        """Finish what has ended by now, also when the event loop is late in noticing."""
        if self._syncs is not None:
            self._syncs.collect()

    def stop(self, timeout_s: float) -> bool:
        """End the thread after what was submitted; False when it hangs. Blocks for at most `timeout_s`."""
        return self._thread.stop(timeout_s)

    def close(self) -> None:
        """Give back what the kernel holds; nothing may be in progress."""
        if self._syncs is not None:
            self._syncs.close()

    def _synced(self, batch: Batch, error: OSError | None) -> None:
        if error is not None:
            batch.sync_error = error
            self._thread.submit(batch)
            return
        batch.committed = self._writer.written_ahead(batch.chunk)
        batch.finished = True
        self._finish(batch)
