"""Aliases: names of customer keys that their owners choose.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
"""

from dataclasses import replace

from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page, decode_page_token, encode_page_token
from services.kms.domain.aliases import Alias
from services.kms.domain.keys import Key, KeyState
from services.kms.domain.names import AliasName, KeyName, KeyParent
from services.kms.errors import (
    alias_not_found,
    already_exists,
    invalid_alias_name,
    invalid_field,
    key_not_found,
    limit_exceeded,
)
from services.kms.operations.access import Access
from services.kms.operations.key_admin import DEFAULT_PAGE
from services.kms.operations.key_records import KeyChange, KeyRecords
from services.kms.operations.keys import Keys, require_managed, require_not
from services.kms.ports import KeyRevocations

_OF_A_KEY = 50
"""AWS: https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html"""


class Aliases:
    """Creates, moves, deletes and lists aliases. Both the alias and the key must permit it."""

    def __init__(
        self, records: KeyRecords, access: Access, revocations: KeyRevocations, clock: Clock
    ) -> None:
        """Keep aliases in `records`."""
        self._records = records
        self._keys = Keys(records, access)
        self._access = access
        self._revocations = revocations
        self._clock = clock

    async def create(self, call: CallContext, name: AliasName, key_name: KeyName) -> None:
        """Create an alias (kms:CreateAlias)."""
        await self._admit(call, name, key_name, "kms:CreateAlias")
        now = self._clock.now()

        def work(change: KeyChange) -> None:
            key = _target(change, key_name)
            if change.alias(name) is not None:
                raise already_exists(f"An alias with the name {name.displayed} already exists")
            _require_room(change, key_name)
            change.put_alias(Alias(name, key.name, now, now))

        await self._records.change(work)
        # Who may use a key can hang on its aliases (kms:ResourceAliases).
        await self._revocations.revoke(key_name)

    async def update(self, call: CallContext, name: AliasName, key_name: KeyName) -> None:
        """Let an alias point to another key (kms:UpdateAlias), of the same kind and usage."""
        await self._admit(call, name, key_name, "kms:UpdateAlias")
        found = await self._found(name)
        await self._keys.admit(call, str(found.key), "kms:UpdateAlias")
        now = self._clock.now()

        def work(change: KeyChange) -> KeyName:
            new = _target(change, key_name)
            alias = change.alias(name)
            if alias is None:
                raise alias_not_found(name.displayed)
            if alias.key != found.key:
                raise already_exists(f"{name.displayed} was changed meanwhile. Try again.")
            old = change.key(alias.key)
            if old is not None and _kind(old) != _kind(new):
                raise invalid_field("key_name", "it must be of the same type and usage as the present key")
            if alias.key != key_name:
                _require_room(change, key_name)
            change.put_alias(replace(alias, key=key_name, updated=now))
            return alias.key

        before = await self._records.change(work)
        await self._revocations.revoke(before)
        await self._revocations.revoke(key_name)

    async def delete(self, call: CallContext, name: AliasName) -> None:
        """Delete an alias (kms:DeleteAlias)."""
        _refuse_reserved(name)
        await self._access.admit_to_alias(call, name, "kms:DeleteAlias")
        found = await self._found(name)
        await self._keys.admit(call, str(found.key), "kms:DeleteAlias")

        def work(change: KeyChange) -> None:
            alias = change.alias(name)
            if alias is None:
                raise alias_not_found(name.displayed)
            change.delete_alias(name)

        await self._records.change(work)
        await self._revocations.revoke(found.key)

    async def list(
        self, call: CallContext, parent: KeyParent, key_name: str, page_size: int, page_token: str
    ) -> Page[Alias]:
        """Return one page of the aliases of an account in a region, or of one key (kms:ListAliases)."""
        incarnation = await self._access.admit_to_parent(call, parent, "kms:ListAliases")
        size = page_size or DEFAULT_PAGE
        after = decode_page_token(page_token)
        if key_name:
            meant = await self._keys.meant(key_name)
            if meant is None or meant.parent != parent:
                raise key_not_found(key_name if meant is None else meant.displayed)
            key, _ = await self._keys.find(call, str(meant), "kms:ListAliases")
            if key.incarnation != incarnation:
                raise key_not_found(key.name.displayed)
            found = await self._records.aliases_of(key.name, after, size + 1)
        else:
            found = await self._records.aliases(parent, after, size + 1)
        more = len(found) > size
        return Page(found[:size], encode_page_token(found[size - 1].name.name) if more else "")

    async def _admit(self, call: CallContext, name: AliasName, key_name: KeyName, action: str) -> Key:
        _refuse_reserved(name)
        if name.parent != key_name.parent:
            raise invalid_field("key_name", "the key must be of the alias' account and region")
        await self._access.admit_to_alias(call, name, action)
        key = await self._keys.admit(call, str(key_name), action)
        require_managed(key)
        return key

    async def _found(self, name: AliasName) -> Alias:
        alias = await self._records.alias(name)
        if alias is None:
            raise alias_not_found(name.displayed)
        return alias


def _refuse_reserved(name: AliasName) -> None:
    if name.reserved:
        raise invalid_alias_name("Alias names that begin with alias/aws/ are reserved.")


def _target(change: KeyChange, name: KeyName) -> Key:
    key = change.key(name)
    if key is None:
        raise key_not_found(name.displayed)
    require_not(key, KeyState.PENDING_DELETION)
    return key


def _require_room(change: KeyChange, name: KeyName) -> None:
    if len(change.alias_names(name)) >= _OF_A_KEY:
        raise limit_exceeded(f"{name.displayed} has {_OF_A_KEY} aliases, which is the limit.")


def _kind(key: Key) -> tuple[object, ...]:
    return key.spec.asymmetric, key.usage
