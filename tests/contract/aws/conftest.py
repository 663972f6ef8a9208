"""Clients of the whole stack."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.aws.answers import allowing, cleared, keys_of


@pytest.fixture
def iam(stack: Any) -> Any:
    """The administrator's client of IAM."""
    return stack.client("iam")


@pytest.fixture
def kms(stack: Any) -> Any:
    """The administrator's client of KMS."""
    return stack.client("kms")


@pytest.fixture
def make_key(kms: Any) -> Iterator[Callable[..., dict[str, Any]]]:
    """Makes keys of this test's own, which go at its end as fast as keys can."""
    made: list[str] = []

    def make(**arguments: Any) -> dict[str, Any]:
        metadata: dict[str, Any] = kms.create_key(**arguments)["KeyMetadata"]
        made.append(metadata["KeyId"])
        return metadata

    yield make
    for key_id in made:
        if kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] != "PendingDeletion":
            kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)


@pytest.fixture
def somebody(stack: Any, iam: Any) -> Iterator[Callable[..., tuple[str, Any]]]:
    """Makes users who may do what is listed, and returns the ARN and the KMS client of each."""
    made: list[str] = []

    def make(*actions: str, **more: Any) -> tuple[str, Any]:
        name = f"kms-user-{time.time_ns()}"
        arn: str = iam.create_user(UserName=name)["User"]["Arn"]
        made.append(name)
        if actions:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=allowing(*actions, **more))
        return arn, stack.client("kms", **keys_of(iam, name))

    yield make
    for name in made:
        cleared(iam, "User", name)
