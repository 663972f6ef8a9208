"""Records read together: whoever needs one while others are on their way shares the next snapshot.

A transaction that reads one record costs several times what reading one more record in it does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice

from services.kms.ports import Record, RecordId

Found = Record | Exception | None
"""A record, None where there is none, or why it cannot be had."""

_MOST = 200
"""Records of one snapshot: a few milliseconds of a thread."""
_SOON_S = 0.1
"""How long a renewal waits for company."""


class RecordReads:
    """Collects what is asked for while a batch is on its way, and reads that in the next one.

    What a batch returns was read after everybody who waits for it had asked.
    """

    def __init__(self, read: Callable[[Sequence[RecordId]], Awaitable[Mapping[RecordId, Found]]]) -> None:
        """Read with `read`, which answers for each id that it is given."""
        self._read = read
        self._waiting: dict[RecordId, asyncio.Future[Record | None]] = {}
        self._renewals: dict[RecordId, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Task[None] | None = None

    async def get(self, record_id: RecordId) -> Record | None:
        """Return a record, read after this call. Raises what `read` says of it, or raises."""
        future = self._waiting.get(record_id)
        if future is None:
            future = self._waiting[record_id] = asyncio.get_running_loop().create_future()
            # Whoever asked may have gone away: an error that nobody hears is none.
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._start()
        # Shielded: one caller's cancellation must not take the record from the others that wait for it.
        return await asyncio.shield(future)

    def renew(self, record_id: RecordId) -> None:
        """Have a record read with the next batch, or soon, for nobody who waits."""
        if record_id in self._renewals or record_id in self._waiting:
            return
        self._renewals[record_id] = None
        if self._running is None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SOON_S, self._start)

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run(), name="record-reads")

    async def _run(self) -> None:
        try:
            while self._waiting or self._renewals:
                await self._batch()
        finally:
            self._running = None

    async def _batch(self) -> None:
        waiting = {each: self._waiting.pop(each) for each in list(islice(self._waiting, _MOST))}
        room = _MOST - len(waiting)
        renewed = [each for each in list(islice(self._renewals, room)) if each not in waiting]
        for each in (*waiting, *renewed):
            self._renewals.pop(each, None)
        try:
            found = await self._read((*waiting, *renewed))
        except asyncio.CancelledError:
            for future in waiting.values():
                future.cancel()
            raise
        except Exception as error:
            # Nobody waits for renewals: whoever asks for the record next hears of it.
            found = dict.fromkeys(waiting, error)
        for record_id, future in waiting.items():
            result = found[record_id]
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
