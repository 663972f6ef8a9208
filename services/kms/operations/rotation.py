"""Renewing the material of symmetric keys, at regular intervals or on demand. Old versions go on decrypting.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.chassis.pages import Page, decode_page_token, encode_page_token
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.domain.keys import MATERIAL_SIZE, Key, KeyOrigin, KeyState, KeyVersion
from services.kms.domain.names import KeyName
from services.kms.domain.request_facts import NO_FACTS, RequestFacts
from services.kms.errors import invalid_field, key_disabled, key_not_found, limit_exceeded, unsupported
from services.kms.operations.access import Access
from services.kms.operations.key_admin import DEFAULT_PAGE, update_key
from services.kms.operations.key_making import new_material_id
from services.kms.operations.key_records import KeyChange, KeyRecords
from services.kms.operations.keys import Keys, require_managed, require_not
from services.kms.operations.material_store import MaterialStore

DEFAULT_DAYS = 365
_MIN_DAYS, _MAX_DAYS = 90, 2560
_ON_DEMAND = 25
"""Renewals on demand in the life of a key. AWS:
https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
"""
_AT_ONCE = 100

_log = Log("rotation")


@dataclass(frozen=True, slots=True)
class RotationStatus:
    """Whether and when material is renewed."""

    days: int
    """0 when it is not renewed regularly."""
    next: datetime | None


class Rotation:
    """Renews material."""

    def __init__(
        self,
        records: KeyRecords,
        material: MaterialStore,
        access: Access,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Renew the keys of `records`."""
        self._records = records
        self._keys = Keys(records, access)
        self._material = material
        self._clock = clock
        self._randomness = randomness

    async def enable(self, call: CallContext, name: KeyName, days: int) -> None:
        """Renew at regular intervals (kms:EnableKeyRotation)."""
        days = days or DEFAULT_DAYS
        if not _MIN_DAYS <= days <= _MAX_DAYS:
            raise invalid_field("period_days", f"must be between {_MIN_DAYS} and {_MAX_DAYS}")
        await self._admitted(call, name, "kms:EnableKeyRotation", RequestFacts(rotation_days=days))
        next_time = self._clock.now() + timedelta(days=days)

        def changed(key: Key) -> Key:
            _require_renewable(key)
            if key.rotation_days == days:
                return key
            return replace(key, rotation_days=days, rotate_at=next_time)

        await update_key(self._records, name, changed)

    async def disable(self, call: CallContext, name: KeyName) -> None:
        """End the regular renewal (kms:DisableKeyRotation)."""
        await self._admitted(call, name, "kms:DisableKeyRotation")

        def changed(key: Key) -> Key:
            _require_renewable(key)
            return replace(key, rotation_days=0, rotate_at=None)

        await update_key(self._records, name, changed)

    async def status(self, call: CallContext, name: KeyName) -> RotationStatus:
        """Say whether and when material is renewed (kms:GetKeyRotationStatus).

        Material of a key that waits for its deletion is not, unless that is cancelled. AWS:
        https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html
        """
        key = await self._admitted(call, name, "kms:GetKeyRotationStatus", managed=False)
        if key.state is KeyState.PENDING_DELETION:
            return RotationStatus(0, None)
        return RotationStatus(key.rotation_days, key.rotate_at)

    async def rotate(self, call: CallContext, name: KeyName) -> Key:
        """Renew the material now (kms:RotateKeyOnDemand)."""
        key = await self._admitted(call, name, "kms:RotateKeyOnDemand")
        _require_renewable(key)
        return await self._renew(key, on_demand=True)

    async def list(
        self, call: CallContext, name: KeyName, page_size: int, page_token: str, *, include_first: bool
    ) -> tuple[Page[KeyVersion], Key]:
        """Return one page of a key's renewals (kms:ListKeyRotations), and the key."""
        key = await self._admitted(call, name, "kms:ListKeyRotations", managed=False)
        size = page_size or DEFAULT_PAGE
        after = _number(decode_page_token(page_token)) or (0 if include_first else 1)
        found: Sequence[KeyVersion] = await self._records.versions(name, after, size + 1)
        more = len(found) > size
        return Page(found[:size], encode_page_token(str(found[size - 1].number)) if more else ""), key

    async def renew_due(self) -> int:
        """Renew what is due, and return how many keys that were. For a background task."""
        renewed = 0
        for name in await self._records.due("rotation", self._clock.now(), _AT_ONCE):
            key = await self._records.key(name)
            if key is None or key.rotate_at is None:
                continue
            try:
                await self._renew(key, on_demand=False)
                renewed += 1
            except DomainError as error:
                # A key that waits for its deletion is not renewed; anything else is tried again.
                _log.warning("rotation_failed", key=name.displayed, reason=error.reason_name)
        return renewed

    async def _renew(self, key: Key, *, on_demand: bool) -> Key:
        now = self._clock.now()
        secret = SecretBytes(self._randomness.token_bytes(MATERIAL_SIZE))
        number = key.primary_version + 1
        identity = new_material_id(key, self._randomness)
        version = KeyVersion(number, b"", now, identity, on_demand)

        def write(change: KeyChange, wrapped: KeyVersion) -> Key | None:
            current = change.key(key.name)
            if current is None:
                raise key_not_found(key.name.displayed)
            if current.primary_version != key.primary_version:
                # Somebody else renewed it meanwhile.
                return None
            if not on_demand and (current.rotate_at is None or current.rotate_at > now):
                return current
            require_not(current, KeyState.PENDING_DELETION)
            if on_demand and sum(each.on_demand for each in change.versions(key.name)) >= _ON_DEMAND:
                raise limit_exceeded(f"{key.name.displayed} was renewed on demand {_ON_DEMAND} times.")
            change.put_version(key.name, wrapped)
            following = None if on_demand else now + timedelta(days=current.rotation_days)
            new = replace(current, primary_version=number, rotate_at=following or current.rotate_at)
            change.put_key(new)
            return new

        renewed = await self._material.add(key, version, secret, write)
        if renewed is not None:
            return renewed
        # Twenty-five times at most: nobody can renew a key more often than that.
        return await self._renew(await self._records.named(key.name), on_demand=on_demand)

    async def _admitted(
        self,
        call: CallContext,
        name: KeyName,
        action: str,
        facts: RequestFacts = NO_FACTS,
        *,
        managed: bool = True,
    ) -> Key:
        key = await self._keys.admit(call, str(name), action, facts)
        if managed:
            require_managed(key)
        if not key.spec.rotatable:
            raise unsupported(f"{key.name.displayed} is not a symmetric encryption key: its material stays.")
        return key


def _require_renewable(key: Key) -> None:
    # Where material comes from does not depend on the state, so that it is said first, as by AWS.
    if key.origin is not KeyOrigin.KMS:
        raise unsupported(f"{key.name.displayed} has imported material: kms cannot make more.")
    if key.state is KeyState.DISABLED:
        raise key_disabled(key.name.displayed)
    require_not(key, KeyState.PENDING_DELETION, KeyState.PENDING_IMPORT)


def _number(text: str) -> int:
    try:
        return int(text or "0")
    except ValueError:
        raise invalid_field("page_token", "it is not a token of an earlier page") from None
