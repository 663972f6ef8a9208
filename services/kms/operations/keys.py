"""Finding keys by the names that callers use, and what their states permit."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.kms.domain.keys import Key, KeyManager, KeyState, KeyVersion
from services.kms.domain.names import AliasName, KeyName
from services.kms.domain.request_facts import NO_FACTS, RequestFacts
from services.kms.errors import (
    caller_refused,
    dry_run_passed,
    invalid_field,
    key_disabled,
    key_not_found,
    key_state,
)
from services.kms.operations.access import Access
from services.kms.operations.key_records import KeyRecords

_STATES = {KeyState.PENDING_DELETION: "pending deletion", KeyState.PENDING_IMPORT: "pending import"}


class Keys:
    """Keys as callers find them."""

    def __init__(self, records: KeyRecords, access: Access) -> None:
        """Read from `records`; `access` says what is told of keys that there are not."""
        self._records = records
        self._access = access

    async def find(self, call: CallContext, text: str, action: str) -> tuple[Key, AliasName | None]:
        """Return the key that a key's or an alias' resource name means, and the alias if it was one.

        Raises DomainError(RESOURCE_NOT_FOUND, ACCESS_DENIED), also for names that cannot exist.
        """
        try:
            key_name = KeyName.parse(text)
        except ValueError:
            pass
        else:
            # Almost every request finds its key at hand: no coroutine is made for it.
            return self._records.recent(key_name) or await self._named(call, key_name, action), None
        try:
            name = AliasName.parse(text)
        except ValueError:
            raise key_not_found(text) from None
        alias = await self._records.alias(name)
        if alias is None:
            raise self._access.refuse_unknown_alias(call, name, action)
        return await self._named(call, alias.key, action), name

    async def meant(self, text: str) -> KeyName | None:
        """Return the name of the key that a key's or an alias' resource name means, whoever asks.

        None for names that mean none. Whether there is a key of this name, it does not say.
        """
        with suppress(ValueError):
            return KeyName.parse(text)
        try:
            alias = await self._records.alias(AliasName.parse(text))
        except ValueError:
            return None
        return None if alias is None else alias.key

    async def admit(
        self,
        call: CallContext,
        text: str,
        action: str,
        facts: RequestFacts = NO_FACTS,
        grant_tokens: Sequence[str] = (),
    ) -> Key:
        """Return the key that is meant, when the caller may do `action` to it as `described`."""
        key, alias = await self.find(call, text, action)
        if alias is None:
            await self._access.admit(call, key, action, facts, grant_tokens)
            return key
        try:
            await self._access.admit(call, key, action, facts._replace(alias=alias), grant_tokens)
        except DomainError as error:
            if error.reason == ErrorReason.ERROR_REASON_ACCESS_DENIED and not self._access.owns(call, alias):
                # Of another account: which key an alias means is told to nobody who may not use it.
                raise self._access.refuse_unknown_alias(call, alias, action) from None
            raise
        return key

    async def version(self, key: Key, number: int) -> KeyVersion | None:
        """Return a version of a key."""
        return await self._records.version(key.name, number)

    async def primary(self, key: Key) -> KeyVersion:
        """Return the version that is used now. Raises DomainError(RESOURCE_STATE)."""
        number = key.primary_version
        version = self._records.recent_version(key.name, number)
        if version is None:
            version = await self._records.version(key.name, number)
        if version is None or not version.wrapped:
            raise key_state(key.name.displayed, _STATES[KeyState.PENDING_IMPORT])
        return version

    async def _named(self, call: CallContext, name: KeyName, action: str) -> Key:
        key = await self._records.key(name)
        if key is None:
            raise self._access.refuse_unknown(call, name, action)
        return key


class Tried(Protocol):
    """A request that may ask for no more than whether it would succeed."""

    @property
    def dry_run(self) -> bool:
        """True when it does."""


def end_dry_run(asked: Tried) -> None:
    """Give nothing away of what was only tried: all that could fail has succeeded."""
    if asked.dry_run:
        raise dry_run_passed()


def parse_key_name(text: str) -> KeyName:
    """Parse a key's resource name. A name that cannot exist is answered like one that does not."""
    try:
        return KeyName.parse(text)
    except ValueError:
        raise key_not_found(text) from None


def parse_alias_name(text: str) -> AliasName:
    """Parse an alias' resource name. Raises DomainError(INVALID_FIELD)."""
    try:
        return AliasName.parse(text)
    except ValueError:
        raise invalid_field("name", "it is not the resource name of an alias") from None


def require_enabled(key: Key) -> None:
    """Refuse the use of a key that is not enabled. Raises DomainError(KEY_DISABLED, RESOURCE_STATE)."""
    if key.state is KeyState.DISABLED:
        raise key_disabled(key.name.displayed)
    require_not(key, KeyState.PENDING_DELETION, KeyState.PENDING_IMPORT)


def require_not(key: Key, *states: KeyState) -> None:
    """Refuse what a key's state forbids. Raises DomainError(RESOURCE_STATE).

    AWS: https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html#key-state-table
    """
    if key.state in states:
        raise key_state(key.name.displayed, _STATES.get(key.state, key.state.value.lower()))


def require_managed(key: Key) -> None:
    """Refuse to change a key that a service manages. Raises DomainError(ACCESS_DENIED)."""
    if key.manager is KeyManager.SERVICE:
        raise caller_refused(f"{key.name.displayed} is managed by a service: nobody else can change it.")
