"""Delivery: what trails are owed is put into their buckets, again and again until it is there.

A part of the log is written down before it is delivered, and what is put follows from it: after a crash, or
at two replicas at once, the same files are put under the same names.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from craton.audit.v1 import resources_pb2 as pb

from services.audit.domain import cloudtrail
from services.audit.domain.delivery import LogFile, compressed, log_file_body, log_file_key
from services.audit.domain.trail import Pending, Trail
from services.audit.errors import BucketError, code_of
from services.audit.operations.bucket_access import BucketAccess
from services.audit.operations.digests import Digests
from services.audit.operations.lookup import Lookup
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


@dataclass(frozen=True, slots=True)
class _File:
    region: str
    key: str
    sha256: str
    compressed: bytes
    oldest_us: int
    newest_us: int


class Delivery:
    """Delivers log files, and has them digested."""

    def __init__(
        self,
        trails: TrailStore,
        events: EventStore,
        lookup: Lookup,
        buckets: Buckets,
        access: BucketAccess,
        digests: Digests,
        clock: Clock,
        interval_s: float,
    ) -> None:
        """Deliver every `interval_s` seconds."""
        self._trails = trails
        self._events = events
        self._lookup = lookup
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
        except (BucketError, DomainError) as error:
            await self._note(trail, error)
            return
        if delivered is not None:
            await self._digests.extend(delivered)

    async def deliver(self, trail: Trail) -> Trail | None:
        """Deliver every part of the log that there is, and return the trail as it is then.

        None when somebody else has changed it meanwhile. Raises BucketError, DomainError.
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
        return replace(trail, pending=Pending(trail.delivered, upto, self._now_us(), trail.settings))

    async def _put(self, trail: Trail) -> Trail | None:
        """Put the files of the part that is pending. Raises BucketError, DomainError."""
        pending = trail.pending
        if pending is None:
            return trail
        rows = await self._events.records(trail.name.account_id, pending.after, pending.upto)
        events = [await self._lookup.event(row) for row in rows]
        # In a thread, as writing JSON and compressing it take their time: events are taken in meanwhile.
        files = await asyncio.to_thread(_files, trail, pending, events)
        bucket = pending.settings.target.bucket
        if files:
            await self._access.require(trail.name, bucket, [each.key for each in files])
        for each in files:
            await self._buckets.put(bucket, each.key, each.compressed, {})
        delivered = [
            (
                each.region,
                LogFile(bucket, each.key, each.sha256, each.oldest_us, each.newest_us),
            )
            for each in files
        ]
        now_us = self._now_us()
        status = trail.status
        if files:
            status = replace(status, delivered_us=now_us, attempted_us=now_us, delivery_error="")
        done = replace(trail, pending=None, delivered=pending.upto, status=status).past_pauses()
        if not await self._trails.replace(done, delivered if trail.settings.validation else ()):
            return None
        return replace(done, revision=done.revision + 1)

    async def _note(self, trail: Trail, error: BucketError | DomainError) -> None:
        """Let the trail's status say what went wrong."""
        code = code_of(error)
        _log.warning("trail_not_delivered", reason=code)
        await note(self._trails, trail, attempted_us=self._now_us(), delivery_error=code)

    def _now_us(self) -> int:
        return int(self._clock.now().timestamp() * 1e6)


def _files(trail: Trail, pending: Pending, events: Sequence[pb.Event]) -> Sequence[_File]:
    """Return the files of a part of the log, one a region."""
    settings = pending.settings
    regions: Mapping[str, list[tuple[cloudtrail.Record, int]]] = defaultdict(list)
    for event in events:
        record = cloudtrail.emit(event)
        seen, home = event.audit_context.region, trail.name.region
        folder = settings.folder_of(event.event_source, seen, home)
        if folder is not None and settings.selectors.choose(record):
            regions[folder].append((record, event.event_time.seconds * 1_000_000))
    return [_file(trail, region, pending, found) for region, found in sorted(regions.items())]


def _file(
    trail: Trail, region: str, pending: Pending, found: Sequence[tuple[cloudtrail.Record, int]]
) -> _File:
    body = log_file_body([record for record, _ in found])
    times_us = [time_us for _, time_us in found]
    return _File(
        region,
        log_file_key(trail, region, pending),
        sha256(body).hexdigest(),
        compressed(body),
        min(times_us),
        max(times_us),
    )
