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
from services.audit.errors import BucketError
from services.audit.operations.bucket_access import BucketAccess
from services.audit.operations.digests import Digests
from services.audit.operations.lookup import Lookup
from services.audit.ports import Buckets, EventStore, TrailStore
from services.chassis.clock import Clock
from services.chassis.database import StorageFailedError
from services.chassis.errors import DomainError
from services.chassis.logs import Log

_FILE_RECORDS = 2_000
_FILE_BYTES = 8 * 1024 * 1024
"""Of the entries that one part of the log has: what is in memory for it is a few times as much."""
_PARTS = 20
"""Of one trail before the next one has its turn."""

_log = Log("delivery")


@dataclass(frozen=True, slots=True)
class _File:
    region: str
    key: str
    body: bytes
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
                    await self._serve(trail)
            except StorageFailedError:
                raise
            except Exception as error:
                # A defect of delivery must not end the service: events are taken in meanwhile.
                _log.error("delivery_failed", error=error)
            await asyncio.sleep(self._interval_s)

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
        account_id = trail.name.account_id
        upto = await self._events.span(account_id, trail.delivered, _FILE_RECORDS, _FILE_BYTES)
        if upto is None:
            return None
        if trail.until is not None:
            if upto > trail.until:
                upto = trail.until
            if upto <= trail.delivered:
                return None
        return replace(trail, pending=Pending(trail.delivered, upto, self._now_us()))

    async def _put(self, trail: Trail) -> Trail | None:
        """Put the files of the part that is pending. Raises BucketError, DomainError."""
        pending = trail.pending
        if pending is None:
            return trail
        rows = await self._events.records(trail.name.account_id, pending.after, pending.upto)
        events = [await self._lookup.event(row) for row in rows]
        files = self._files(trail, pending, events)
        if files:
            await self._access.require(trail.name, trail.settings.target)
        bucket = trail.settings.target.bucket
        for each in files:
            await self._buckets.put(bucket, each.key, compressed(each.body), {})
        delivered = [
            (
                each.region,
                LogFile(bucket, each.key, sha256(each.body).hexdigest(), each.oldest_us, each.newest_us),
            )
            for each in files
        ]
        now_us = self._now_us()
        status = trail.status
        if files:
            status = replace(status, delivered_us=now_us, attempted_us=now_us, delivery_error="")
        done = replace(trail, pending=None, delivered=pending.upto, status=status)
        if not await self._trails.replace(done, delivered if trail.settings.validation else ()):
            return None
        return replace(done, revision=done.revision + 1)

    def _files(self, trail: Trail, pending: Pending, events: Sequence[pb.Event]) -> Sequence[_File]:
        regions: Mapping[str, list[tuple[cloudtrail.Record, int]]] = defaultdict(list)
        for event in events:
            record = cloudtrail.emit(event)
            region = event.audit_context.region
            is_global = event.event_source in _GLOBAL
            if trail.takes_region(region, global_service=is_global) and trail.settings.selectors.choose(
                record
            ):
                regions[region if trail.settings.multi_region and region else trail.name.region].append(
                    (record, event.event_time.seconds * 1_000_000)
                )
        return [
            _File(
                region,
                log_file_key(trail, region, pending.planned_us, pending.after, pending.upto),
                log_file_body([record for record, _ in found]),
                min(time_us for _, time_us in found),
                max(time_us for _, time_us in found),
            )
            for region, found in sorted(regions.items())
        ]

    async def _note(self, trail: Trail, error: BucketError | DomainError) -> None:
        """Let the trail's status say what went wrong, on the trail as it is now."""
        code = error.code if isinstance(error, BucketError) else error.reason_name
        _log.warning("trail_not_delivered", reason=code)
        now = await self._trails.get(trail.name)
        if now is not None and now.trail_id == trail.trail_id:
            status = replace(now.status, attempted_us=self._now_us(), delivery_error=code)
            await self._trails.replace(replace(now, status=status))

    def _now_us(self) -> int:
        return int(self._clock.now().timestamp() * 1e6)


_GLOBAL = frozenset({"iam.amazonaws.com", "sts.amazonaws.com"})
"""Services without a region."""
