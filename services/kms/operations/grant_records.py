"""Grants as records, and found by whom they name. Rules are elsewhere: here is where things lie.

A request is decided by the grants for its caller alone, however many others the key has: they are indexed
by key and grantee, and by who may retire them.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Sequence

from services.kms.domain.grants import MAX_GRANTS, MAX_GRANTS_OF_ONE, Grant
from services.kms.domain.names import GrantName, KeyName
from services.kms.domain.record_codecs import decode_grant, encode_grant
from services.kms.errors import limit_exceeded
from services.kms.ports import Record, RecordChange, RecordId, Records

_GRANTS, _BY_GRANTEE, _RETIRABLE = "grants", "grants-by-grantee", "grants-by-retiring"
_REQUESTS, _COUNTS = "grant-requests", "grant-counts"
_DECODED = 4096
"""Decoded grants that are kept."""
_PAGE = 256


class GrantRecords:
    """Reads grants, and changes them in transactions."""

    def __init__(self, records: Records) -> None:
        """Use `records`."""
        self._records = records
        self._decoded: dict[bytes, Grant] = {}

    async def grant(self, name: GrantName) -> Grant | None:
        """Return a grant."""
        record = await self._records.get(_grant_id(name))
        return None if record is None else self._once(record)

    async def of_grantee(self, key: KeyName, grantee: str) -> AsyncIterator[Grant]:
        """Yield the grants on a key for one grantee, in the order of their ids."""
        after = ""
        while True:
            found = await self._records.list(_BY_GRANTEE, f"{key} {grantee}", after, _PAGE)
            for each in found:
                grant = await self.grant(GrantName(key, each.id.sort))
                if grant is not None:
                    yield grant
            if len(found) < _PAGE:
                return
            after = found[-1].id.sort

    async def of_key(self, key: KeyName, after: str, limit: int) -> Sequence[Grant]:
        """Return at most `limit` grants on a key whose ids come after `after`."""
        found = await self._records.list(_GRANTS, str(key), after, limit)
        return [self._once(each) for each in found]

    async def page_of_grantee(self, key: KeyName, grantee: str, after: str, limit: int) -> Sequence[Grant]:
        """As `of_key`, of one grantee."""
        found = await self._records.list(_BY_GRANTEE, f"{key} {grantee}", after, limit)
        grants = [await self.grant(GrantName(key, each.id.sort)) for each in found]
        return [each for each in grants if each is not None]

    async def retirable(self, region: str, retiring: str, after: str, limit: int) -> Sequence[Grant]:
        """Return at most `limit` grants in a region that somebody may retire, after the name `after`."""
        found = await self._records.list(_RETIRABLE, f"{region} {retiring}", after, limit)
        grants = [await self.grant(GrantName.parse(each.id.sort)) for each in found]
        return [each for each in grants if each is not None]

    async def create(self, grant: Grant) -> Grant:
        """Write a grant, or return the one that a request of the same name and content created before.

        Raises DomainError(QUOTA_EXCEEDED).
        """
        key = grant.name.key

        def work(change: RecordChange) -> Grant:
            request = _request_id(grant)
            before = change.get(request) if grant.friendly_name else None
            if before is not None:
                known = change.get(_grant_id(GrantName(key, before.body.decode())))
                if known is not None:
                    return decode_grant(known.body)
            count = _count(change, key)
            if count >= MAX_GRANTS:
                raise limit_exceeded(f"{key.displayed} has {MAX_GRANTS:,} grants, which is the limit.")
            same = change.list(_BY_GRANTEE, f"{key} {grant.grantee}", limit=MAX_GRANTS_OF_ONE)
            if len(same) >= MAX_GRANTS_OF_ONE:
                raise limit_exceeded(
                    f"{grant.grantee} has {MAX_GRANTS_OF_ONE} grants on {key.displayed}, which is the limit."
                )
            change.put(_count_id(key), str(count + 1).encode())
            change.put(_grant_id(grant.name), encode_grant(grant))
            for index in _indices(grant):
                change.put(index, b"")
            if grant.friendly_name:
                change.put(request, grant.name.grant_id.encode())
            return grant

        return await self._records.change(work)

    async def delete(self, name: GrantName) -> bool:
        """Remove a grant; False when there is none."""

        def work(change: RecordChange) -> bool:
            record = change.get(_grant_id(name))
            if record is None:
                return False
            _remove(change, decode_grant(record.body))
            change.put(_count_id(name.key), str(_count(change, name.key) - 1).encode())
            return True

        return await self._records.change(work)

    def _once(self, record: Record) -> Grant:
        known = self._decoded.get(record.tag)
        if known is None:
            if len(self._decoded) >= _DECODED:
                self._decoded.clear()
            known = self._decoded[record.tag] = decode_grant(record.body)
        return known


def count_grants(change: RecordChange, key: KeyName) -> int:
    """Return how many grants a key has."""
    return _count(change, key)


def delete_grants(change: RecordChange, key: KeyName) -> None:
    """Remove all grants on a key, which is deleted itself in the same transaction."""
    while True:
        found = change.list(_GRANTS, str(key), limit=_PAGE)
        for record in found:
            _remove(change, decode_grant(record.body))
        if len(found) < _PAGE:
            break
    change.delete(_count_id(key))


def _remove(change: RecordChange, grant: Grant) -> None:
    change.delete(_grant_id(grant.name))
    for index in _indices(grant):
        change.delete(index)
    request = _request_id(grant)
    remembered = change.get(request)
    if remembered is not None and remembered.body.decode() == grant.name.grant_id:
        change.delete(request)


def _grant_id(name: GrantName) -> RecordId:
    return RecordId(_GRANTS, str(name.key), name.grant_id)


def _indices(grant: Grant) -> Sequence[RecordId]:
    key = grant.name.key
    by_grantee = RecordId(_BY_GRANTEE, f"{key} {grant.grantee}", grant.name.grant_id)
    if not grant.retiring:
        return (by_grantee,)
    return by_grantee, RecordId(_RETIRABLE, f"{key.parent.region} {grant.retiring}", str(grant.name))


def _request_id(grant: Grant) -> RecordId:
    """Where it is remembered which grant a request has created: by everything that the request says."""
    said = (
        *(grant.friendly_name, grant.grantee, grant.retiring, sorted(grant.operations)),
        *(grant.constraint.equals, grant.constraint.subset, grant.issuing_account),
    )
    digest = hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()
    return RecordId(_REQUESTS, str(grant.name.key), digest)


def _count_id(key: KeyName) -> RecordId:
    return RecordId(_COUNTS, str(key.parent), key.key_id)


def _count(change: RecordChange, key: KeyName) -> int:
    record = change.get(_count_id(key))
    return 0 if record is None else int(record.body)
