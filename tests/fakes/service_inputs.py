"""Inputs that fit botocore's service models, for tests that go through whole models."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

ACCOUNT = "123456789012"
_NAMED: Mapping[str, Any] = {
    "arnType": f"arn:aws:iam::{ACCOUNT}:policy/nothing-of-this-name",
    "accessKeyIdType": "AKIAIOSFODNN7EXAMPLE",
    "serviceName": "bedrock.amazonaws.com",
    "policyVersionIdType": "v1",
    "existingUserNameType": "nobody-of-this-name",
    "groupNameType": "nothing-of-this-name",
    "roleNameType": "nothing-of-this-name",
    "KeyIdType": "1234abcd-12ab-34cd-56ef-1234567890ab",
    "AliasNameType": "alias/nothing-of-this-name",
    "GrantIdType": "0" * 64,
    "AlgorithmSpec": "RSAES_OAEP_SHA_256",
    "EventId": "00000000-0000-4000-8000-000000000000",
    "GetFoundationModelIdentifier": "nobody.of-this-name",
    "InvokeModelIdentifier": "nobody.of-this-name",
    "BedrockModelId": "nobody.of-this-name",
    "AcknowledgementFormDataBody": b"{}        ",
}
"""Values of shapes whose constraints a model does not tell; what they name does not exist."""
_PRINCIPAL = f"arn:aws:iam::{ACCOUNT}:user/nobody-of-this-name"
_TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/nothing-of-this-name"
_WANTED: Mapping[str, Mapping[str, Any]] = {
    "AddTagsRequest": {"ResourceId": _TRAIL},
    "CreateGrantRequest": {"GranteePrincipal": _PRINCIPAL},
    "DecryptRequest": {"CiphertextBlob": b"x"},
    "GenerateDataKeyRequest": {"NumberOfBytes": 32},
    "GenerateDataKeyWithoutPlaintextRequest": {"NumberOfBytes": 32},
    "GenerateRandomRequest": {"NumberOfBytes": 32},
    "ImportKeyMaterialRequest": {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"},
    "ListTagsRequest": {"ResourceIdList": [_TRAIL]},
    "ListRetirableGrantsRequest": {"RetiringPrincipal": _PRINCIPAL},
    "ReEncryptRequest": {"CiphertextBlob": b"x"},
    "RemoveTagsRequest": {"ResourceId": _TRAIL},
    "RetireGrantRequest": {"GrantToken": "x"},
    "ScheduleKeyDeletionRequest": {"PendingWindowInDays": 7},
}
"""Members that a service wants, although its model does not require them."""


def example_input(shape: Any) -> Any:
    """Return the smallest value that fits a shape: required members, and what else the service wants."""
    if shape.name in _NAMED:
        return _NAMED[shape.name]
    kind = shape.type_name
    if kind == "structure":
        required = {name: example_input(shape.members[name]) for name in shape.required_members}
        return required | _WANTED.get(shape.name, {})
    if kind == "list":
        return [example_input(shape.member)]
    if kind == "map":
        return {"key": example_input(shape.value)}
    if kind == "boolean":
        return False
    if kind in ("integer", "long"):
        return max(1, int(shape.metadata.get("min", 1)))
    if kind == "timestamp":
        return datetime(2026, 1, 1, tzinfo=UTC)
    if kind == "blob":
        return b"x"
    return shape.enum[0] if getattr(shape, "enum", None) else "1" * max(6, int(shape.metadata.get("min", 6)))
