"""TrailService: trails of the caller's account."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from hashlib import sha256
from typing import Any

from craton.audit.v1 import trail_service_pb2 as pb
from craton.audit.v1 import trail_service_pb2_grpc as rpc
from google.protobuf.timestamp_pb2 import Timestamp

from services.audit.domain.selectors import (
    DEFAULT,
    AdvancedSelector,
    BasicSelector,
    FieldSelector,
    Selectors,
)
from services.audit.domain.trail import Settings, Target, Trail
from services.audit.operations.digest_keys import PublicKeys
from services.audit.operations.trails import Changes, Trails
from services.chassis.context import current_call

_OPERATORS = ("equals", "starts_with", "ends_with", "not_equals", "not_starts_with", "not_ends_with")
_LIFE = timedelta(days=365)


class TrailServicer(rpc.TrailServiceServicer):
    """Translates between messages and trails."""

    def __init__(self, trails: Trails, keys: PublicKeys) -> None:
        """Serve `trails`, and the keys of digests."""
        self._trails = trails
        self._keys = keys

    async def CreateTrail(self, request: Any, context: Any) -> Any:
        """See the contract."""
        settings = Settings(
            Target(request.bucket, request.prefix),
            multi_region=request.multi_region,
            global_events=request.global_events if request.HasField("global_events") else True,
            validation=request.validation,
            tags={each.key: each.value for each in request.tags},
            key=request.key_name,
        )
        made = await self._trails.create(current_call(), request.name, settings)
        return pb.CreateTrailResponse(trail=_trail(made))

    async def UpdateTrail(self, request: Any, context: Any) -> Any:
        """See the contract."""
        names = ("bucket", "prefix", "multi_region", "global_events", "validation")
        named = {name: getattr(request, name) for name in names if request.HasField(name)}
        changes = Changes(**named, key=request.key_name if request.HasField("key_name") else None)
        changed = await self._trails.update(current_call(), request.name, changes)
        return pb.UpdateTrailResponse(trail=_trail(changed))

    async def DeleteTrail(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._trails.delete(current_call(), request.name)
        return pb.DeleteTrailResponse()

    async def GetTrail(self, request: Any, context: Any) -> Any:
        """See the contract."""
        return pb.GetTrailResponse(trail=_trail(await self._trails.get(current_call(), request.name)))

    async def ListTrails(self, request: Any, context: Any) -> Any:
        """See the contract."""
        action = "DescribeTrails" if request.described else "ListTrails"
        return pb.ListTrailsResponse(trails=map(_trail, await self._trails.every(current_call(), action)))

    async def StartLogging(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._trails.start(current_call(), request.name)
        return pb.StartLoggingResponse()

    async def StopLogging(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._trails.stop(current_call(), request.name)
        return pb.StopLoggingResponse()

    async def GetTrailStatus(self, request: Any, context: Any) -> Any:
        """See the contract."""
        trail = await self._trails.get(current_call(), request.name, "GetTrailStatus")
        status = trail.status
        return pb.GetTrailStatusResponse(
            logging=trail.logging,
            start_time=_time(trail.started_us),
            stop_time=_time(trail.stopped_us),
            delivery_time=_time(status.delivered_us),
            attempt_time=_time(status.attempted_us),
            delivery_error=status.delivery_error,
            digest_time=_time(status.digest_us),
            digest_error=status.digest_error,
        )

    async def PutEventSelectors(self, request: Any, context: Any) -> Any:
        """See the contract."""
        selectors = Selectors(
            tuple(
                BasicSelector(each.read_write_type, each.management_events, tuple(each.excluded_sources))
                for each in request.selectors.basic
            ),
            tuple(
                AdvancedSelector(each.name, tuple(map(_field, each.fields)))
                for each in request.selectors.advanced
            ),
        )
        kept = await self._trails.select(current_call(), request.name, selectors)
        return pb.PutEventSelectorsResponse(selectors=_selectors(kept))

    async def GetEventSelectors(self, request: Any, context: Any) -> Any:
        """See the contract."""
        trail = await self._trails.get(current_call(), request.name, "GetEventSelectors")
        return pb.GetEventSelectorsResponse(selectors=_selectors(trail.settings.selectors))

    async def TagTrail(self, request: Any, context: Any) -> Any:
        """See the contract."""
        tags = {each.key: each.value for each in request.tags}
        await self._trails.tag(current_call(), request.name, tags)
        return pb.TagTrailResponse()

    async def UntagTrail(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._trails.untag(current_call(), request.name, tuple(request.keys))
        return pb.UntagTrailResponse()

    async def ListTrailTags(self, request: Any, context: Any) -> Any:
        """See the contract."""
        trail = await self._trails.get(current_call(), request.name, "ListTags")
        tags = sorted(trail.settings.tags.items())
        return pb.ListTrailTagsResponse(tags=[pb.TrailTag(key=key, value=value) for key, value in tags])

    async def ListDigestPublicKeys(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key, until = await self._keys.asked(current_call())
        end = request.end_time.ToDatetime(UTC) if request.HasField("end_time") else None
        keys: Sequence[Any] = ()
        # Times are whole seconds here: the one in which the key was made counts.
        if end is None or key.created.replace(microsecond=0) <= end:
            found = pb.DigestPublicKey(value=key.der, fingerprint=sha256(key.der).hexdigest())
            found.start_time.FromDatetime(key.created)
            found.end_time.FromDatetime(until + _LIFE)
            keys = (found,)
        return pb.ListDigestPublicKeysResponse(keys=keys)


def _trail(trail: Trail) -> Any:
    settings = trail.settings
    return pb.Trail(
        name=str(trail.name),
        bucket=settings.target.bucket,
        prefix=settings.target.prefix,
        multi_region=settings.multi_region,
        global_events=settings.global_events,
        validation=settings.validation,
        has_selectors=settings.selectors != DEFAULT,
        key_name=settings.key,
    )


def _field(field: Any) -> FieldSelector:
    return FieldSelector(field.field, **{name: tuple(getattr(field, name)) for name in _OPERATORS})


def _selectors(selectors: Selectors) -> Any:
    return pb.EventSelectors(
        basic=[
            pb.EventSelector(
                read_write_type=each.read_write_type,
                management_events=each.management_events,
                excluded_sources=each.excluded_sources,
            )
            for each in selectors.basic
        ],
        advanced=[
            pb.AdvancedEventSelector(
                name=each.name,
                fields=[
                    pb.FieldSelector(field=field.field, **{name: getattr(field, name) for name in _OPERATORS})
                    for field in each.fields
                ],
            )
            for each in selectors.advanced
        ],
    )


def _time(time_us: int | None) -> Timestamp | None:
    return None if time_us is None else Timestamp(seconds=time_us // 1_000_000)
