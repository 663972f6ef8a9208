"""Trails of the caller's account: made, changed and asked about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.audit.domain.selectors import Selectors
from services.audit.domain.trail import TAGS_A_TRAIL, Settings, Target, Trail, TrailName, checked_tags
from services.audit.errors import (
    BucketError,
    TrailKeyError,
    changed_meanwhile,
    foreign_trail,
    not_at_home,
    too_many_tags,
    unknown_trail,
    unusable_bucket,
    unusable_key,
)
from services.audit.operations.bucket_access import BucketAccess
from services.audit.ports import Authorization, EventStore, TrailSealer, TrailStore
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pipeline import require_principal
from services.chassis.randomness import Randomness

_TRIES = 5
"""A change is made again on what somebody else, often the delivery, has changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be another; None for what stays."""

    bucket: str | None = None
    prefix: str | None = None
    multi_region: bool | None = None
    global_events: bool | None = None
    validation: bool | None = None
    key: str | None = None
    """Resource name of a key or an alias; empty for none."""

    def apply(self, settings: Settings) -> Settings:
        """Return settings with the changes. Raises DomainError(INVALID_FIELD)."""
        target = settings.target
        if self.bucket is not None or self.prefix is not None:
            target = Target(
                target.bucket if self.bucket is None else self.bucket,
                target.prefix if self.prefix is None else self.prefix,
            ).checked()
        return replace(
            settings,
            target=target,
            multi_region=_or(self.multi_region, settings.multi_region),
            global_events=_or(self.global_events, settings.global_events),
            validation=_or(self.validation, settings.validation),
            key=settings.key if self.key is None else self.key,
        )


class Trails:
    """Answers for the caller's account alone; every call is asked about at its policies."""

    def __init__(
        self,
        store: TrailStore,
        events: EventStore,
        access: BucketAccess,
        sealer: TrailSealer,
        authorization: Authorization,
        clock: Clock,
        randomness: Randomness,
        partition: str,
    ) -> None:
        """Keep trails in `store`; they begin at the newest entry of `events`."""
        self._store = store
        self._events = events
        self._access = access
        self._sealer = sealer
        self._authorization = authorization
        self._clock = clock
        self._randomness = randomness
        self._partition = partition

    async def create(self, call: CallContext, name: str, settings: Settings) -> Trail:
        """Make a trail (cloudtrail:CreateTrail).

        Raises DomainError: INVALID_FIELD, RESOURCE_EXISTS, QUOTA_EXCEEDED, RESOURCE_STATE with the field
        "bucket" for one to which nothing can be delivered, with "key_name" for a key under which nothing can
        be sealed, and what deciding raises.
        """
        named = await self._permitted(call, name, "CreateTrail", changing=True)
        settings.target.checked()
        checked_tags(settings.tags)
        await self._require_bucket(named, settings.target)
        settings = replace(settings, key=await self._usable_key(named, settings))
        trail = Trail(self._randomness.token_bytes(16).hex(), named, settings, self._now_us())
        await self._store.create(trail, require_principal(call).account_incarnation)
        return trail

    async def update(self, call: CallContext, name: str, changes: Changes) -> Trail:
        """Change a trail (cloudtrail:UpdateTrail). Raises DomainError as `create`, RESOURCE_NOT_FOUND."""
        named = await self._permitted(call, name, "UpdateTrail", changing=True)
        trail = await self._get(named)
        settings = changes.apply(trail.settings)
        moved = settings.target != trail.settings.target
        if moved:
            await self._require_bucket(named, settings.target)
        if changes.key is not None:
            changes = replace(changes, key=await self._usable_key(named, settings))
        elif moved:
            # The key stays whatever it is by then: somebody may name one meanwhile.
            await self._usable_key(named, settings)

        def change(now: Trail) -> Trail:
            changed = changes.apply(now.settings)
            begins = changed.validation and not now.settings.validation and now.logging
            # A part that is being delivered goes to where the trail's files go now, and as they go now: one
            # that was to be plain is not put any more once a key is named.
            begun = changed.target, changed.key
            moved = begun != (now.settings.target, now.settings.key)
            return replace(
                now,
                settings=changed,
                chain_us=self._now_us() if begins else now.chain_us,
                pending=None if moved else now.pending,
            )

        return await self._change(named, change)

    async def delete(self, call: CallContext, name: str) -> None:
        """End a trail (cloudtrail:DeleteTrail). Raises DomainError: RESOURCE_NOT_FOUND."""
        named = await self._permitted(call, name, "DeleteTrail", changing=True)
        for _ in range(_TRIES):
            if await self._store.delete(await self._get(named)):
                return
        raise changed_meanwhile()

    async def get(self, call: CallContext, name: str, action: str = "GetTrail") -> Trail:
        """Return a trail (cloudtrail:GetTrail, or another `action`). Raises DomainError."""
        return await self._get(await self._permitted(call, name, action))

    async def every(self, call: CallContext, action: str) -> Sequence[Trail]:
        """Return the trails of the caller's account (cloudtrail:ListTrails or DescribeTrails)."""
        claims = require_principal(call)
        await self._authorization.authorize(call, f"cloudtrail:{action}", "*")
        return await self._store.of_account(claims.account_id)

    async def start(self, call: CallContext, name: str) -> None:
        """Deliver what comes from now on (cloudtrail:StartLogging); what a stop left over as well."""
        named = await self._permitted(call, name, "StartLogging", changing=True)
        newest, now_us = await self._events.newest(), self._now_us()

        def change(now: Trail) -> Trail:
            if now.logging:
                return now
            began = replace(now, logging=True, started_us=now_us, chain_us=now_us, until=None)
            if now.until is None:
                return replace(began, delivered=newest)
            # What came before the stop is delivered still, and what came since then never.
            return replace(began, pauses=(*now.pauses, (now.until, max(newest, now.until)))).past_pauses()

        await self._change(named, change)

    async def stop(self, call: CallContext, name: str) -> None:
        """Deliver what has come, and nothing that comes from now on (cloudtrail:StopLogging)."""
        named = await self._permitted(call, name, "StopLogging", changing=True)
        newest, now_us = await self._events.newest(), self._now_us()

        def change(now: Trail) -> Trail:
            if not now.logging:
                return now
            return replace(now, logging=False, stopped_us=now_us, until=max(newest, now.delivered))

        await self._change(named, change)

    async def select(self, call: CallContext, name: str, selectors: Selectors) -> Selectors:
        """Say which records are delivered (cloudtrail:PutEventSelectors). Raises DomainError."""
        named = await self._permitted(call, name, "PutEventSelectors", changing=True)
        selectors.checked()
        await self._change(
            named, lambda now: replace(now, settings=replace(now.settings, selectors=selectors))
        )
        return selectors

    async def tag(self, call: CallContext, name: str, tags: Mapping[str, str]) -> None:
        """Add labels (cloudtrail:AddTags). Raises DomainError: INVALID_FIELD, QUOTA_EXCEEDED."""
        named = await self._permitted(call, name, "AddTags")
        checked_tags(tags)

        def change(now: Trail) -> Trail:
            merged = {**now.settings.tags, **tags}
            if len(merged) > TAGS_A_TRAIL:
                raise too_many_tags(TAGS_A_TRAIL)
            return replace(now, settings=replace(now.settings, tags=merged))

        await self._change(named, change)

    async def untag(self, call: CallContext, name: str, keys: Sequence[str]) -> None:
        """Remove labels (cloudtrail:RemoveTags)."""
        named = await self._permitted(call, name, "RemoveTags")

        def change(now: Trail) -> Trail:
            left = {key: value for key, value in now.settings.tags.items() if key not in keys}
            return replace(now, settings=replace(now.settings, tags=left))

        await self._change(named, change)

    async def _permitted(
        self, call: CallContext, name: str, action: str, *, changing: bool = False
    ) -> TrailName:
        """Return the name of a trail of the caller's account that its policies let it use so."""
        claims = require_principal(call)
        named = TrailName.parse(name)
        if named.account_id != claims.account_id:
            raise foreign_trail()
        await self._authorization.authorize(call, f"cloudtrail:{action}", named.arn(self._partition))
        if changing and named.region != claims.region:
            raise not_at_home(named.region)
        return named

    async def _get(self, name: TrailName) -> Trail:
        trail = await self._store.get(name)
        if trail is None:
            raise unknown_trail()
        return trail

    async def _change(self, name: TrailName, change: Callable[[Trail], Trail]) -> Trail:
        for _ in range(_TRIES):
            trail = await self._get(name)
            changed = change(trail)
            if changed == trail or await self._store.replace(changed):
                return changed
        raise changed_meanwhile()

    async def _require_bucket(self, name: TrailName, target: Target) -> None:
        try:
            # What will be there stands for it: each object is asked about when it is written.
            folder = f"{target.folder}/{name.account_id}"
            keys = [f"{folder}/{kind}/{name.region}/" for kind in ("CloudTrail", "CloudTrail-Digest")]
            await self._access.require(name, target.bucket, keys)
        except BucketError as error:
            raise unusable_bucket(error.code) from error

    async def _usable_key(self, name: TrailName, settings: Settings) -> str:
        """Return the resource name of the key that the settings mean; empty for none."""
        if not settings.key:
            return ""
        place = f"{settings.target.bucket}/{settings.target.folder}/{name.account_id}/CloudTrail/"
        try:
            return await self._sealer.resolve(name, settings.key, place)
        except TrailKeyError as error:
            raise unusable_key(error.code) from error

    def _now_us(self) -> int:
        return int(self._clock.now().timestamp() * 1e6)


def _or(value: bool | None, otherwise: bool) -> bool:
    return otherwise if value is None else value
