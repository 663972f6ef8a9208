"""Delivery: what trails are owed is put into their buckets, again and again until it is there.

A part of the log is written down before it is delivered, and what is put follows from it: after a crash, or
at two replicas at once, the same files are put under the same names. What is sealed under a customer's key is
held as well, because sealing gives other bytes each time.
"""

import asyncio
from dataclasses import replace

from services.audit.domain.trail import Pending, Trail
from services.audit.errors import BucketError, DeliveryError, code_of
from services.audit.operations.bucket_access import BucketAccess
from services.audit.operations.digests import Digests
from services.audit.operations.trail_files import TrailFiles
from services.audit.operations.trail_status import note
from services.audit.ports import Buckets, EventStore, TrailStore
from services.chassis.clock import Clock
from services.chassis.database import StorageFailedError
from services.chassis.errors import DomainError
from services.chassis.logs import Log

_FILE_RECORDS = 500
_FILE_BYTES = 4 * 1024 * 1024
"""Of the entries that one part of the log has: what is in memory for it is a few times as much."""
_PARTS = 40
"""Of one trail before the next one has its turn."""

_log = Log("delivery")


class Delivery:
    """Delivers log files, and has them digested."""

    def __init__(
        self,
        trails: TrailStore,
        events: EventStore,
        files: TrailFiles,
        buckets: Buckets,
        access: BucketAccess,
        digests: Digests,
        clock: Clock,
        interval_s: float,
    ) -> None:
        """Deliver every `interval_s` seconds."""
        self._trails = trails
        self._events = events
        self._files = files
        self._buckets = buckets
        self._access = access
        self._digests = digests
        self._clock = clock
        self._interval_s = interval_s

    async def run(self) -> None:
        """Deliver for ever: a server's background task."""
        while True:
            try:
                for trail in await self._trails.active():
                    await self._serve_alone(trail)
            except StorageFailedError:
                raise
            except Exception as error:
                # A defect of delivery must not end the service: events are taken in meanwhile.
                _log.error("delivery_failed", error=error)
            await asyncio.sleep(self._interval_s)

    async def _serve_alone(self, trail: Trail) -> None:
        """Serve one trail, whose defects are no other one's."""
        try:
            await self._serve(trail)
        except StorageFailedError:
            raise
        except Exception as error:
            _log.error("delivery_failed", error=error)
            await self._note(trail, BucketError("InternalError"))

    async def _serve(self, trail: Trail) -> None:
        """Deliver what one trail is owed; its status says how it went."""
        try:
            delivered = await self.deliver(trail)
        except (DeliveryError, DomainError) as error:
            await self._note(trail, error)
            return
        if delivered is not None:
            await self._digests.extend(delivered)

    async def deliver(self, trail: Trail) -> Trail | None:
        """Deliver every part of the log that there is, and return the trail as it is then.

        None when somebody else has changed it meanwhile. Raises DeliveryError, DomainError.
        """
        for _ in range(_PARTS):
            if trail.pending is None:
                planned = await self._plan(trail)
                if planned is None:
                    return trail
                if not await self._trails.replace(planned):
                    return None
                trail = replace(planned, revision=planned.revision + 1)
            done = await self._put(trail)
            if done is None:
                return None
            trail = done
        return trail

    async def _plan(self, trail: Trail) -> Trail | None:
        """Return the trail with the next part of the log to deliver, None when there is none."""
        if not trail.logging and (trail.until is None or trail.delivered >= trail.until):
            return None
        trail = trail.past_pauses()
        account_id = trail.name.account_id
        upto = await self._events.span(account_id, trail.delivered, _FILE_RECORDS, _FILE_BYTES)
        if upto is None:
            return None
        # Up to the next pause, or to where logging was stopped for now.
        end = trail.pauses[0][0] if trail.pauses else trail.until
        if end is not None:
            upto = min(upto, end)
            if upto <= trail.delivered:
                return None
        elif trail.settings.key and await self._waits(trail, upto):
            return None
        return replace(trail, pending=Pending(trail.delivered, upto, self._now_us(), trail.settings))

    async def _waits(self, trail: Trail, upto: int) -> bool:
        """Say whether a part that ends at `upto` is all that there is, and no reason to use a key."""
        if await self._events.span(trail.name.account_id, upto, 1, 1) is not None:
            return False
        return not await self._files.begins(trail, upto)

    async def _put(self, trail: Trail) -> Trail | None:
        """Put the files of the part that is pending. Raises DeliveryError, DomainError."""
        pending = trail.pending
        if pending is None:
            return trail
        held = await self._trails.held(trail)
        owed = held or await self._files.plain(trail, pending)
        bucket = pending.settings.target.bucket
        if owed:
            await self._access.require(trail.name, bucket, [each.file.key for each in owed])
        if owed and pending.settings.key and not held:
            # Where the bucket refuses, the key was not used.
            sealed = await self._files.sealed(trail, pending, owed)
            if sealed is None:
                return None
            owed = sealed
        for each in owed:
            await self._buckets.put(bucket, each.file.key, each.body, {})
        delivered = [(each.region, each.file) for each in owed]
        now_us = self._now_us()
        status = trail.status
        if owed:
            status = replace(status, delivered_us=now_us, attempted_us=now_us, delivery_error="")
        done = replace(trail, pending=None, delivered=pending.upto, status=status).past_pauses()
        if not await self._trails.replace(done, delivered if trail.settings.validation else ()):
            return None
        return replace(done, revision=done.revision + 1)

    async def _note(self, trail: Trail, error: DeliveryError | DomainError) -> None:
        """Let the trail's status say what went wrong."""
        code = code_of(error)
        _log.warning("trail_not_delivered", reason=code)
        await note(self._trails, trail, attempted_us=self._now_us(), delivery_error=code)

    def _now_us(self) -> int:
        return int(self._clock.now().timestamp() * 1e6)
