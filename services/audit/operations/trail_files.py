"""The log files of a part of the log, as a trail delivers them: plain, or sealed under the customer's key."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from craton.audit.v1 import resources_pb2 as pb

from services.audit.domain import cloudtrail
from services.audit.domain.delivery import OwedFile, log_file_body, log_file_key, owed_file
from services.audit.domain.trail import SERVICE, Pending, Settings, Trail
from services.audit.operations.lookup import Lookup
from services.audit.ports import EventStore, TrailSealer, TrailStore

_Found = list[tuple[cloudtrail.Record, int]]


class TrailFiles:
    """Makes what is put of a part of the log."""

    def __init__(self, trails: TrailStore, events: EventStore, lookup: Lookup, sealer: TrailSealer) -> None:
        """Read records from `events` by `lookup`; hold what was sealed in `trails`."""
        self._trails = trails
        self._events = events
        self._lookup = lookup
        self._sealer = sealer

    async def plain(self, trail: Trail, pending: Pending) -> Sequence[OwedFile]:
        """Return the files of a part, one a region: the same bytes whenever they are made."""
        events = await self._read(trail, pending.after, pending.upto)
        # In a thread, as writing JSON and compressing it take their time: events are taken in meanwhile.
        return await asyncio.to_thread(_files, trail, pending, events)

    async def sealed(
        self, trail: Trail, pending: Pending, plain: Sequence[OwedFile]
    ) -> Sequence[OwedFile] | None:
        """Return files sealed under the key of the part's settings, held from now on.

        None when somebody else has changed the trail meanwhile, or has sealed them. Raises TrailKeyError,
        DomainError.
        """
        key, sealed = pending.settings.key, []
        for each in plain:
            file = each.file
            message = await self._sealer.seal(trail.name, key, f"{file.bucket}/{file.key}", each.body)
            times_us = file.oldest_us, file.newest_us
            sealed.append(owed_file(each.region, (file.bucket, file.key), times_us, message))
        return sealed if await self._trails.hold(trail, sealed) else None

    async def begins(self, trail: Trail, upto: int) -> bool:
        """Say whether the records after what was delivered, up to `upto`, are reason enough for a file.

        Sealing a file is a use of the customer's key, of which there is a record. A trail that delivered that
        one by itself would use the key for it, and so on for ever: it waits until there is another record.
        """
        rows = await self._events.records(trail.name.account_id, trail.delivered, upto)
        for row in rows:
            event = await self._lookup.event(row)
            if event.invoked_by == SERVICE:
                continue
            record = cloudtrail.emit(event)
            if _folder(trail, trail.settings, event) and trail.settings.selectors.choose(record):
                return True
        return False

    async def _read(self, trail: Trail, after: int, upto: int) -> Sequence[pb.Event]:
        rows = await self._events.records(trail.name.account_id, after, upto)
        return [await self._lookup.event(row) for row in rows]


def _folder(trail: Trail, settings: Settings, event: pb.Event) -> str | None:
    return settings.folder_of(event.event_source, event.audit_context.region, trail.name.region)


def _files(trail: Trail, pending: Pending, events: Sequence[pb.Event]) -> Sequence[OwedFile]:
    settings = pending.settings
    regions: Mapping[str, _Found] = defaultdict(list)
    for event in events:
        record = cloudtrail.emit(event)
        folder = _folder(trail, settings, event)
        if folder is not None and settings.selectors.choose(record):
            regions[folder].append((record, event.event_time.seconds * 1_000_000))
    bucket = settings.target.bucket
    return [
        owed_file(
            region,
            (bucket, log_file_key(trail, region, pending)),
            [time_us for _, time_us in found],
            log_file_body([record for record, _ in found]),
        )
        for region, found in sorted(regions.items())
    ]
