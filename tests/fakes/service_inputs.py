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
}
"""Values of shapes whose constraints a model does not tell; what they name does not exist."""


def example_input(shape: Any) -> Any:
    """Return the smallest value that fits a shape: required members alone."""
    if shape.name in _NAMED:
        return _NAMED[shape.name]
    kind = shape.type_name
    if kind == "structure":
        return {name: example_input(shape.members[name]) for name in shape.required_members}
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
