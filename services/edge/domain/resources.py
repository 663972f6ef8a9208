"""How the audit log names what a request is about, from its input alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.chassis.arn import group_arn, role_arn, user_arn
from services.edge.domain.invocation import model_resources
from services.edge.domain.model import Operation

_IAM: Mapping[str, Callable[[str, str, str], str]] = {
    "UserName": user_arn,
    "GroupName": group_arn,
    "RoleName": role_arn,
}
"""Members of IAM's inputs that name a resource of the caller's account, and what makes its ARN of account,
name and partition."""


def request_resources(
    operation: Operation, values: Mapping[str, Any], account_id: str, region: str, partition: str
) -> Sequence[str]:
    """Return the ARNs of what an operation's input names."""
    if operation.service == "iam":
        named = [
            arn(account_id, values[member], partition) for member, arn in _IAM.items() if member in values
        ]
        return [*named, *([values["PolicyArn"]] if "PolicyArn" in values else ())]
    return model_resources(values, region, partition)
