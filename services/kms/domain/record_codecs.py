"""How keys, versions, aliases and pages look in records: JSON, one format number each.

A body that does not decode was written by a newer kms, because the store verifies every record: ValueError.
"""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from services.kms.domain.aliases import Alias
from services.kms.domain.grants import Constraint, Grant
from services.kms.domain.keys import Key, KeyManager, KeyOrigin, KeyState, KeyVersion
from services.kms.domain.names import AliasName, GrantName, KeyName
from services.kms.domain.pages import PageRecord
from services.kms.domain.specs import KeySpec, KeyUsage

T = TypeVar("T")

_FORMAT = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def encode_key(key: Key) -> bytes:
    """Encode a key's record."""
    return _encode(
        {
            "name": str(key.name),
            "incarnation": key.incarnation,
            "state": key.state.value,
            "description": key.description,
            "created": _micros(key.created),
            "primary_version": key.primary_version,
            "spec": key.spec.value,
            "usage": key.usage.value,
            "origin": key.origin.value,
            "manager": key.manager.value,
            "page": key.page,
            "policy": key.policy,
            "tags": [list(tag) for tag in key.tags],
            "delete_at": _micros(key.delete_at),
            "pending_days": key.pending_days,
            "rotation_days": key.rotation_days,
            "rotate_at": _micros(key.rotate_at),
            "expires_at": _micros(key.expires_at),
            "naming": key.naming,
            "request_id": key.request_id,
        }
    )


def decode_key(body: bytes) -> Key:
    """Decode a key's record. Raises ValueError."""
    return _decoded(body, _key)


def _key(fields: Mapping[str, Any]) -> Key:
    return Key(
        name=KeyName.parse(fields["name"]),
        incarnation=fields["incarnation"],
        state=KeyState(fields["state"]),
        description=fields["description"],
        created=_required(fields["created"]),
        primary_version=fields["primary_version"],
        spec=KeySpec(fields["spec"]),
        usage=KeyUsage(fields["usage"]),
        origin=KeyOrigin(fields["origin"]),
        manager=KeyManager(fields["manager"]),
        page=fields["page"],
        policy=fields["policy"],
        tags=tuple((key, value) for key, value in fields["tags"]),
        delete_at=_moment(fields["delete_at"]),
        pending_days=fields["pending_days"],
        rotation_days=fields["rotation_days"],
        rotate_at=_moment(fields["rotate_at"]),
        expires_at=_moment(fields["expires_at"]),
        naming=fields["naming"],
        request_id=fields["request_id"],
    )


def encode_version(version: KeyVersion) -> bytes:
    """Encode a version's record."""
    return _encode(
        {
            "number": version.number,
            "wrapped": _text(version.wrapped),
            "created": _micros(version.created),
            "material_id": version.material_id,
            "on_demand": version.on_demand,
            "public_key": _text(version.public_key),
        }
    )


def decode_version(body: bytes) -> KeyVersion:
    """Decode a version's record. Raises ValueError."""
    return _decoded(body, _version)


def _version(fields: Mapping[str, Any]) -> KeyVersion:
    return KeyVersion(
        number=fields["number"],
        wrapped=base64.b64decode(fields["wrapped"]),
        created=_required(fields["created"]),
        material_id=fields["material_id"],
        on_demand=fields["on_demand"],
        public_key=base64.b64decode(fields["public_key"]),
    )


def encode_alias(alias: Alias) -> bytes:
    """Encode an alias' record."""
    return _encode(
        {
            "name": str(alias.name),
            "key": str(alias.key),
            "created": _micros(alias.created),
            "updated": _micros(alias.updated),
        }
    )


def decode_alias(body: bytes) -> Alias:
    """Decode an alias' record. Raises ValueError."""
    return _decoded(body, _alias)


def _alias(fields: Mapping[str, Any]) -> Alias:
    return Alias(
        AliasName.parse(fields["name"]),
        KeyName.parse(fields["key"]),
        _required(fields["created"]),
        _required(fields["updated"]),
    )


def encode_page(page: PageRecord) -> bytes:
    """Encode a page's record."""
    return _encode(
        {
            "number": page.number,
            "keys": page.keys,
            "generation": page.generation,
            "shred": page.shred,
            "wrapped": _text(page.wrapped),
        }
    )


def decode_page(body: bytes) -> PageRecord:
    """Decode a page's record. Raises ValueError."""
    return _decoded(body, _page)


def _page(fields: Mapping[str, Any]) -> PageRecord:
    wrapped = base64.b64decode(fields["wrapped"])
    return PageRecord(fields["number"], fields["keys"], fields["generation"], fields["shred"], wrapped)


def encode_grant(grant: Grant) -> bytes:
    """Encode a grant's record."""
    return _encode(
        {
            "name": str(grant.name),
            "grantee": grant.grantee,
            "retiring": grant.retiring,
            "operations": grant.operations,
            "equals": grant.constraint.equals,
            "subset": grant.constraint.subset,
            "friendly_name": grant.friendly_name,
            "issuing_account": grant.issuing_account,
            "created": _micros(grant.created),
        }
    )


def decode_grant(body: bytes) -> Grant:
    """Decode a grant's record. Raises ValueError."""
    return _decoded(body, _grant)


def _grant(fields: Mapping[str, Any]) -> Grant:
    return Grant(
        name=GrantName.parse(fields["name"]),
        grantee=fields["grantee"],
        retiring=fields["retiring"],
        operations=tuple(fields["operations"]),
        constraint=Constraint(_pairs(fields["equals"]), _pairs(fields["subset"])),
        friendly_name=fields["friendly_name"],
        issuing_account=fields["issuing_account"],
        created=_required(fields["created"]),
    )


def _pairs(pairs: Any) -> tuple[tuple[str, str], ...] | None:
    return None if pairs is None else tuple((name, value) for name, value in pairs)


def _encode(fields: Mapping[str, Any]) -> bytes:
    return json.dumps({"format": _FORMAT, **fields}, separators=(",", ":")).encode()


def _decoded(body: bytes, build: Callable[[Mapping[str, Any]], T]) -> T:
    fields = json.loads(body)
    if fields.get("format") != _FORMAT:
        raise ValueError("the record is of another format: a newer kms wrote it")
    return build(fields)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _moment(count: int | None) -> datetime | None:
    return None if count is None else _EPOCH + count * _MICROSECOND


def _required(count: int) -> datetime:
    return _EPOCH + count * _MICROSECOND
