"""Keys, their versions and aliases as records. Rules are elsewhere: here is where things lie."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from services.chassis.clock import Clock
from services.kms.domain.aliases import Alias
from services.kms.domain.keys import Key, KeyVersion, as_of, without_material
from services.kms.domain.names import AliasName, KeyClass, KeyName, KeyParent
from services.kms.domain.record_codecs import (
    decode_alias,
    decode_key,
    decode_version,
    encode_alias,
    encode_key,
    encode_version,
)
from services.kms.errors import caller_refused, key_not_found
from services.kms.operations.grant_records import delete_grants
from services.kms.ports import Record, RecordChange, RecordId, Records

T = TypeVar("T")

_KEYS, _VERSIONS, _ALIASES, _KEY_ALIASES = "keys", "versions", "aliases", "key-aliases"
_REQUESTS, _DUE = "requests", "due"
_PURGES = "purges"
_DECODED = 4096
"""Decoded records that are kept: a record that is read again is not decoded again."""
_EVERYTHING = 1_000_000


def key_id_of(name: KeyName) -> RecordId:
    """Where a key lies."""
    return RecordId(_KEYS, str(name.parent), name.key_id)


def version_id_of(name: KeyName, number: int) -> RecordId:
    """Where a version of a key lies."""
    return RecordId(_VERSIONS, str(name), f"{number:08d}")


def alias_id_of(name: AliasName) -> RecordId:
    """Where an alias lies."""
    return RecordId(_ALIASES, str(name.parent), name.name)


def due_id_of(what: str, when: datetime, name: KeyName) -> RecordId:
    """Where it is noted that something is due for a key: in the order of time."""
    return RecordId(_DUE, what, f"{when:%Y-%m-%dT%H:%M:%S.%f} {name}")


def purge_id_of(account_id: str, incarnation: str) -> RecordId:
    """Where it is noted that an incarnation of an account was purged."""
    return RecordId(_PURGES, account_id, incarnation)


class KeyChange:
    """What a transaction does to keys. See RecordChange."""

    def __init__(self, change: RecordChange, now: datetime) -> None:
        """Work within `change`, which is made at `now`."""
        self.records = change
        self._now = now

    def key(self, name: KeyName) -> Key | None:
        """Return a key as it is now. Material that has expired is taken away with this change."""
        stored = self._stored(name)
        if stored is None:
            return None
        current = as_of(stored, self._now)
        if current is not stored:
            self.take_material(current)
        return current

    def take_material(self, key: Key) -> None:
        """Leave a key without its imported material, which the same can be imported for again."""
        version = self.version(key.name, key.primary_version)
        if version is not None and version.wrapped:
            self.put_version(key.name, replace(version, wrapped=b""))
        self.put_key(without_material(key))

    def _stored(self, name: KeyName) -> Key | None:
        record = self.records.get(key_id_of(name))
        return None if record is None else decode_key(record.body)

    def put_key(self, key: Key) -> None:
        """Write a key, and what is due for it."""
        before = self._stored(key.name)
        for what, moment in () if before is None else _due(before):
            self.records.delete(due_id_of(what, moment, key.name))
        for what, moment in _due(key):
            self.records.put(due_id_of(what, moment, key.name), str(key.name).encode())
        self.records.put(key_id_of(key.name), encode_key(key))

    def version(self, name: KeyName, number: int) -> KeyVersion | None:
        """Return a version of a key."""
        record = self.records.get(version_id_of(name, number))
        return None if record is None else decode_version(record.body)

    def versions(self, name: KeyName) -> Sequence[KeyVersion]:
        """Return all versions of a key, in their order."""
        found = self.records.list(_VERSIONS, str(name), limit=_EVERYTHING)
        return [decode_version(each.body) for each in found]

    def put_version(self, name: KeyName, version: KeyVersion) -> None:
        """Write a version."""
        self.records.put(version_id_of(name, version.number), encode_version(version))

    def delete_version(self, name: KeyName, number: int) -> None:
        """Remove a version."""
        self.records.delete(version_id_of(name, number))

    def alias(self, name: AliasName) -> Alias | None:
        """Return an alias."""
        record = self.records.get(alias_id_of(name))
        return None if record is None else decode_alias(record.body)

    def put_alias(self, alias: Alias) -> None:
        """Write an alias, which may have pointed elsewhere before."""
        self.delete_alias(alias.name)
        self.records.put(alias_id_of(alias.name), encode_alias(alias))
        self.records.put(RecordId(_KEY_ALIASES, str(alias.key), alias.name.name), b"")

    def delete_alias(self, name: AliasName) -> None:
        """Remove an alias."""
        found = self.alias(name)
        if found is not None:
            self.records.delete(alias_id_of(name))
            self.records.delete(RecordId(_KEY_ALIASES, str(found.key), name.name))

    def alias_names(self, key: KeyName) -> Sequence[AliasName]:
        """Return the names of a key's aliases."""
        found = self.records.list(_KEY_ALIASES, str(key), limit=_EVERYTHING)
        return [AliasName(key.parent, each.id.sort) for each in found]

    def require_present(self, key: Key) -> None:
        """Return unless a key is of an account that was purged. Raises DomainError(ACCESS_DENIED)."""
        parent = key.name.parent
        purged = parent.key_class is KeyClass.CUSTOMER and self.records.get(
            purge_id_of(parent.owner, key.incarnation)
        )
        if purged:
            # The call was admitted before, and is late.
            raise caller_refused("The account of this key is being purged.")

    def requested(self, parent: KeyParent, incarnation: str, request_id: str) -> KeyName | None:
        """Return the key that a request has created before."""
        record = self.records.get(_request(parent, incarnation, request_id))
        return None if record is None else KeyName.parse(record.body.decode())

    def put_request(self, key: Key) -> None:
        """Remember which request has created a key."""
        place = _request(key.name.parent, key.incarnation, key.request_id)
        self.records.put(place, str(key.name).encode())

    def delete_key(self, key: Key) -> None:
        """Remove a key with its versions, aliases, grants and notes."""
        for version in self.versions(key.name):
            self.delete_version(key.name, version.number)
        for alias in self.alias_names(key.name):
            self.delete_alias(alias)
        delete_grants(self.records, key.name)
        for what, moment in _due(key):
            self.records.delete(due_id_of(what, moment, key.name))
        if key.request_id:
            self.records.delete(_request(key.name.parent, key.incarnation, key.request_id))
        self.records.delete(key_id_of(key.name))


class KeyRecords:
    """Reads keys, and changes them in transactions."""

    def __init__(self, records: Records, clock: Clock) -> None:
        """Use `records`. A key is as `clock` makes it: material that has expired is gone, noted or not."""
        self._records = records
        self._clock = clock
        self._decoded: dict[bytes, Any] = {}

    def recent(self, name: KeyName) -> Key | None:
        """Return a key, if that needs no waiting."""
        record = self._records.recent(key_id_of(name))
        return None if record is None else self._current(record)

    def recent_version(self, name: KeyName, number: int) -> KeyVersion | None:
        """Return a version of a key, if that needs no waiting."""
        record = self._records.recent(version_id_of(name, number))
        return None if record is None else self._once(record, decode_version)

    async def key(self, name: KeyName) -> Key | None:
        """Return a key."""
        found = self.recent(name)
        if found is not None:
            return found
        # Whoever wants a key wants its last version next: both are read at once.
        self._records.expect(_VERSIONS, str(name))
        record = await self._records.get(key_id_of(name))
        return None if record is None else self._current(record)

    async def named(self, name: KeyName) -> Key:
        """Return a key. Raises DomainError(RESOURCE_NOT_FOUND)."""
        key = await self.key(name)
        if key is None:
            raise key_not_found(name.displayed)
        return key

    async def version(self, name: KeyName, number: int) -> KeyVersion | None:
        """Return a version of a key."""
        found = self.recent_version(name, number)
        if found is not None:
            return found
        record = await self._records.get(version_id_of(name, number))
        return None if record is None else self._once(record, decode_version)

    async def versions(self, name: KeyName, after: int, limit: int) -> Sequence[KeyVersion]:
        """Return at most `limit` versions whose numbers come after `after`."""
        found = await self._records.list(_VERSIONS, str(name), f"{after:08d}", limit)
        return [self._once(each, decode_version) for each in found]

    async def keys(self, parent: KeyParent, after: str, limit: int) -> Sequence[Key]:
        """Return at most `limit` keys below `parent` whose ids come after `after`."""
        found = await self._records.list(_KEYS, str(parent), after, limit)
        return [self._current(each) for each in found]

    async def alias(self, name: AliasName) -> Alias | None:
        """Return an alias."""
        record = await self._records.get(alias_id_of(name))
        return None if record is None else self._once(record, decode_alias)

    async def aliases(self, parent: KeyParent, after: str, limit: int) -> Sequence[Alias]:
        """Return at most `limit` aliases below `parent` whose names come after `after`."""
        found = await self._records.list(_ALIASES, str(parent), after, limit)
        return [self._once(each, decode_alias) for each in found]

    async def aliases_of(self, key: KeyName, after: str, limit: int) -> Sequence[Alias]:
        """Return at most `limit` aliases of a key whose names come after `after`."""
        found = await self._records.list(_KEY_ALIASES, str(key), after, limit)
        aliases = [await self.alias(AliasName(key.parent, each.id.sort)) for each in found]
        return [each for each in aliases if each is not None]

    async def due(self, what: str, now: datetime, limit: int) -> Sequence[KeyName]:
        """Return at most `limit` keys for which something is due, the longest overdue first."""
        found = await self._records.list(_DUE, what, limit=limit)
        end = f"{now:%Y-%m-%dT%H:%M:%S.%f}~"
        return [KeyName.parse(each.body.decode()) for each in found if each.id.sort < end]

    async def change(self, work: Callable[[KeyChange], T]) -> T:
        """Run `work` in one transaction. See Records.change."""
        return await self._records.change(lambda change: work(KeyChange(change, self._clock.now())))

    def _current(self, record: Record) -> Key:
        key = self._once(record, decode_key)
        return key if key.expires_at is None else as_of(key, self._clock.now())

    def _once(self, record: Record, decode: Callable[[bytes], T]) -> T:
        known = self._decoded.get(record.tag)
        if known is None:
            if len(self._decoded) >= _DECODED:
                self._decoded.clear()
            known = self._decoded[record.tag] = decode(record.body)
        found: T = known
        return found


def _request(parent: KeyParent, incarnation: str, request_id: str) -> RecordId:
    return RecordId(_REQUESTS, f"{parent} {incarnation}", request_id)


def _due(key: Key) -> Sequence[tuple[str, datetime]]:
    """What a clock will have to do to a key."""
    moments = (("deletion", key.delete_at), ("rotation", key.rotate_at), ("expiry", key.expires_at))
    return [(what, moment) for what, moment in moments if moment is not None]
