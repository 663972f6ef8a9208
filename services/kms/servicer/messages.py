"""Protobuf messages of keys, and what requests say of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from craton.kms.v1 import resources_pb2 as pb

from services.kms.domain.keys import Key, KeyManager, KeyOrigin, KeyState, KeyVersion
from services.kms.domain.names import KeyParent
from services.kms.domain.specs import KeySpec, KeyUsage
from services.kms.errors import invalid_field

_STATES = {
    KeyState.ENABLED: pb.KEY_STATE_ENABLED,
    KeyState.DISABLED: pb.KEY_STATE_DISABLED,
    KeyState.PENDING_DELETION: pb.KEY_STATE_PENDING_DELETION,
    KeyState.PENDING_IMPORT: pb.KEY_STATE_PENDING_IMPORT,
}
_SPECS: Mapping[int, KeySpec] = {pb.KeySpec.Value(f"KEY_SPEC_{spec.value}"): spec for spec in KeySpec}
_USAGES: Mapping[int, KeyUsage] = {pb.KeyUsage.Value(f"KEY_USAGE_{usage.value}"): usage for usage in KeyUsage}
_ORIGINS: Mapping[int, KeyOrigin] = {
    pb.KEY_ORIGIN_KMS: KeyOrigin.KMS,
    pb.KEY_ORIGIN_EXTERNAL: KeyOrigin.EXTERNAL,
}
_MANAGERS = {
    KeyManager.CUSTOMER: pb.KEY_MANAGER_CUSTOMER,
    KeyManager.SERVICE: pb.KEY_MANAGER_SERVICE,
}
_SPEC_NUMBERS: Mapping[KeySpec, Any] = {spec: number for number, spec in _SPECS.items()}
_USAGE_NUMBERS: Mapping[KeyUsage, Any] = {usage: number for number, usage in _USAGES.items()}
_ORIGIN_NUMBERS: Mapping[KeyOrigin, Any] = {origin: number for number, origin in _ORIGINS.items()}
_LISTS = {
    KeyUsage.ENCRYPT_DECRYPT: "encryption_algorithms",
    KeyUsage.SIGN_VERIFY: "signing_algorithms",
    KeyUsage.GENERATE_VERIFY_MAC: "mac_algorithms",
    KeyUsage.KEY_AGREEMENT: "key_agreement_algorithms",
}


def key_with_material(key: Key, version: KeyVersion | None) -> Any:
    """Return a key's message with what is told of its present material, None when it never had any."""
    message = key_message(key)
    message.import_state = _import_state(key, version)
    if version is not None and key.spec.rotatable:
        message.material_id = version.material_id
    return message


def key_message(key: Key) -> Any:
    """Return a key's message, without what a version of it says."""
    message = pb.Key(
        name=str(key.name),
        state=_STATES[key.state],
        description=key.description,
        primary_version=key.primary_version,
        spec=_SPEC_NUMBERS[key.spec],
        usage=_USAGE_NUMBERS[key.usage],
        origin=_ORIGIN_NUMBERS[key.origin],
        manager=_MANAGERS[key.manager],
        pending_days=key.pending_days,
    )
    algorithms = [each.value for each in key.spec.algorithms(key.usage)]
    getattr(message, _LISTS[key.usage]).extend(algorithms)
    message.create_time.FromDatetime(key.created)
    if key.delete_at is not None:
        message.delete_time.FromDatetime(key.delete_at)
    if key.expires_at is not None:
        message.material_expire_time.FromDatetime(key.expires_at)
    return message


def rotation_message(version: KeyVersion, key: Key) -> Any:
    """Return the message of one version of a key's material."""
    message = pb.Rotation(
        on_demand=version.on_demand,
        version=version.number,
        material_id=version.material_id,
        current=version.number == key.primary_version,
        import_state=_import_state(key, version),
    )
    message.rotate_time.FromDatetime(version.created)
    if key.expires_at is not None:
        message.material_expire_time.FromDatetime(key.expires_at)
    return message


def _import_state(key: Key, version: KeyVersion | None) -> Any:
    if key.origin is not KeyOrigin.EXTERNAL:
        return pb.IMPORT_STATE_UNSPECIFIED
    there = key.state is not KeyState.PENDING_IMPORT and version is not None and version.wrapped
    return pb.IMPORT_STATE_IMPORTED if there else pb.IMPORT_STATE_PENDING_IMPORT


def spec_of(number: int) -> KeySpec:
    """Return the spec of a request, SYMMETRIC_DEFAULT when it has none."""
    return _SPECS.get(number, KeySpec.SYMMETRIC_DEFAULT)


def usage_of(number: int) -> KeyUsage | None:
    """Return the usage of a request."""
    return _USAGES.get(number)


def origin_of(number: int) -> KeyOrigin:
    """Return the origin of a request, KMS when it has none."""
    return _ORIGINS.get(number, KeyOrigin.KMS)


def origin_number(origin: KeyOrigin) -> Any:
    """Return the number of an origin."""
    return _ORIGIN_NUMBERS[origin]


def parent_of(text: str) -> KeyParent:
    """Return the parent of a request. Raises DomainError(INVALID_FIELD)."""
    try:
        return KeyParent.parse(text)
    except ValueError:
        raise invalid_field("parent", "not a parent of keys") from None


def moment_of(message: Any, field: str) -> datetime | None:
    """Return a time of a request. Raises DomainError(INVALID_FIELD) for one that no calendar has."""
    if not message.HasField(field):
        return None
    try:
        moment: datetime = getattr(message, field).ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise invalid_field(field, "not a point in time") from None
    return moment
