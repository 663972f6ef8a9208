"""What operations of KMS say of keys, grants and rotations, in AWS's words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from craton.kms.v1 import resources_pb2 as resources
from google.protobuf.timestamp_pb2 import Timestamp

from services.edge.domain.json_faults import unsupported
from services.edge.domain.kms_names import KmsNames

_STATES = {
    resources.KEY_STATE_ENABLED: "Enabled",
    resources.KEY_STATE_DISABLED: "Disabled",
    resources.KEY_STATE_PENDING_DELETION: "PendingDeletion",
    resources.KEY_STATE_PENDING_IMPORT: "PendingImport",
}
_IMPORT_STATES = {
    resources.IMPORT_STATE_IMPORTED: "IMPORTED",
    resources.IMPORT_STATE_PENDING_IMPORT: "PENDING_IMPORT",
}
_ORIGINS = {resources.KEY_ORIGIN_KMS: "AWS_KMS", resources.KEY_ORIGIN_EXTERNAL: "EXTERNAL"}
_MANAGERS = {resources.KEY_MANAGER_CUSTOMER: "CUSTOMER", resources.KEY_MANAGER_SERVICE: "AWS"}
_SPEC, _USAGE = "KEY_SPEC_", "KEY_USAGE_"
_EXPIRES, _STAYS = "KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE"
_ALGORITHMS = {
    "EncryptionAlgorithms": "encryption_algorithms",
    "SigningAlgorithms": "signing_algorithms",
    "MacAlgorithms": "mac_algorithms",
    "KeyAgreementAlgorithms": "key_agreement_algorithms",
}


def spec_of(text: str, _names: KmsNames) -> int:
    """Return the spec of AWS's name for it. Raises Fault for one that kms does not have."""
    if _SPEC + text not in resources.KeySpec.keys():  # noqa: SIM118 - a protobuf enum wrapper, not a dict
        raise unsupported(f"This installation has no keys of the spec {text}.")
    return resources.KeySpec.Value(_SPEC + text)


def usage_of(text: str, _names: KmsNames) -> int:
    """Return the usage of AWS's name for it. Raises Fault for one that kms does not have."""
    if _USAGE + text not in resources.KeyUsage.keys():  # noqa: SIM118
        raise unsupported(f"This installation has no keys for the usage {text}.")
    return resources.KeyUsage.Value(_USAGE + text)


def origin_of(text: str, _names: KmsNames) -> resources.KeyOrigin:
    """Return the origin of AWS's name for it. Raises Fault for one that kms does not have."""
    for origin, name in _ORIGINS.items():
        if name == text:
            return origin
    raise unsupported(f"This installation has no key stores besides its own, and no keys of origin {text}.")


def origin(message_origin: resources.KeyOrigin) -> str:
    """Render an origin."""
    return _ORIGINS[message_origin]


def tags_of(value: Any, _names: KmsNames) -> list[resources.Tag]:
    """Return the tags of an input."""
    return [resources.Tag(key=each["TagKey"], value=each["TagValue"]) for each in value]


def timestamp_of(value: datetime, _names: KmsNames) -> Timestamp:
    """Return a time of an input."""
    made = Timestamp()
    made.FromDatetime(value)
    return made


def time(message: Any, name: str) -> datetime | None:
    """Render the field `name` of a message, None when it is not set."""
    return getattr(message, name).ToDatetime(UTC) if message.HasField(name) else None


def last_part(name: str) -> str:
    """Return the id at the end of the resource name of a key or a grant."""
    return name.rpartition("/")[2]


def key_arn(names: KmsNames, answer: Any, field_name: str = "key_name") -> str:
    """Render the key of an answer as operations of KMS name it: by its ARN."""
    return names.arn(getattr(answer, field_name))


def specs(message: resources.Key) -> Mapping[str, Any]:
    """Render what a key is and what it may do."""
    spec = resources.KeySpec.Name(message.spec).removeprefix(_SPEC)
    return {
        "CustomerMasterKeySpec": spec,
        "KeySpec": spec,
        "KeyUsage": resources.KeyUsage.Name(message.usage).removeprefix(_USAGE),
        **{member: list(getattr(message, name)) or None for member, name in _ALGORITHMS.items()},
    }


def key_metadata(message: resources.Key, names: KmsNames) -> Mapping[str, Any]:
    """Render a key. PendingDeletionWindowInDays is of multi-Region keys alone, which there are none of."""
    enabled = message.state == resources.KEY_STATE_ENABLED
    imported = message.import_state == resources.IMPORT_STATE_IMPORTED
    expires = time(message, "material_expire_time")
    return {
        "AWSAccountId": message.name.split("/")[1],
        "KeyId": last_part(message.name),
        "Arn": names.arn(message.name),
        "CreationDate": time(message, "create_time"),
        "Enabled": enabled,
        "Description": message.description,
        "KeyState": _STATES[message.state],
        "DeletionDate": time(message, "delete_time"),
        "ValidTo": expires if imported else None,
        "Origin": _ORIGINS[message.origin],
        "ExpirationModel": (_EXPIRES if expires else _STAYS) if imported else None,
        "KeyManager": _MANAGERS[message.manager],
        "MultiRegion": False,
        "CurrentKeyMaterialId": message.material_id or None,
        **specs(message),
    }


def state(message: resources.Key) -> str:
    """Render a key's state."""
    return _STATES[message.state]


def rotation(message: resources.Rotation, key_id: str) -> Mapping[str, Any]:
    """Render a version of a key's material."""
    expires = time(message, "material_expire_time")
    imported = message.import_state == resources.IMPORT_STATE_IMPORTED
    # The material that a key had first is no rotation.
    rotated = message.version > 1
    return {
        "KeyId": key_id,
        "KeyMaterialId": message.material_id or None,
        "KeyMaterialState": "CURRENT" if message.current else "NON_CURRENT",
        "ImportState": _IMPORT_STATES.get(message.import_state),
        "ExpirationModel": (_EXPIRES if expires else _STAYS) if imported else None,
        "ValidTo": expires if imported else None,
        "RotationDate": time(message, "rotate_time") if rotated else None,
        "RotationType": ("ON_DEMAND" if message.on_demand else "AUTOMATIC") if rotated else None,
    }


def grant(message: resources.Grant, names: KmsNames) -> Mapping[str, Any]:
    """Render a grant."""
    constraints = {
        "EncryptionContextSubset": dict(message.constraints.encryption_context_subset) or None,
        "EncryptionContextEquals": dict(message.constraints.encryption_context_equals) or None,
    }
    key_name, _, grant_id = message.name.partition("/grants/")
    return {
        "KeyId": names.arn(key_name),
        "GrantId": grant_id,
        "Name": message.friendly_name or None,
        "CreationDate": time(message, "create_time"),
        "GranteePrincipal": message.grantee_principal,
        "RetiringPrincipal": message.retiring_principal or None,
        "IssuingAccount": message.issuing_account,
        "Operations": list(message.operations),
        "Constraints": constraints if any(constraints.values()) else None,
    }
