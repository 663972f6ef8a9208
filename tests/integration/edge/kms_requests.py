"""KMS through an unmodified boto3 client: names, a key, and calls with their answers or refusals."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from craton.kms.v1 import (
    resources_pb2,
)

ACCOUNT = "123456789012"
PARENT = f"accounts/{ACCOUNT}/regions/us-east-1"
ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
NAME = f"{PARENT}/keys/{ID}"
ARN = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{ID}"
OTHER = ARN.replace(ACCOUNT, "210987654321")
GRANT = "0123456789abcdef" * 4
MATERIAL = "fedcba9876543210" * 4
NOON = datetime(2026, 1, 2, 12, 0, 0, 250_000, UTC)


def a_key(**fields: Any) -> resources_pb2.Key:
    values: dict[str, Any] = {
        "name": NAME,
        "state": resources_pb2.KEY_STATE_ENABLED,
        "spec": resources_pb2.KEY_SPEC_SYMMETRIC_DEFAULT,
        "usage": resources_pb2.KEY_USAGE_ENCRYPT_DECRYPT,
        "origin": resources_pb2.KEY_ORIGIN_KMS,
        "manager": resources_pb2.KEY_MANAGER_CUSTOMER,
        "create_time": NOON,
        "encryption_algorithms": ["SYMMETRIC_DEFAULT"],
        "material_id": MATERIAL,
    }
    return resources_pb2.Key(**(values | fields))


async def call(stack: Any, operation: str, **arguments: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await stack.call(stack.client("kms"), operation, **arguments)
    answer.pop("ResponseMetadata")
    return answer


async def refusal(stack: Any, operation: str, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        await call(stack, operation, **arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
