"""How the audit log names what a request is about."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.chassis.arn import group_arn, policy_arn, role_arn, user_arn
from services.chassis.errors import DomainError
from services.edge.domain.faults import Fault
from services.edge.domain.invocation import model_resources
from services.edge.domain.kms_names import InvalidArnError, KmsNames
from services.edge.domain.model import Operation

_IAM: Mapping[str, Callable[[str, str, str, str], str]] = {
    "UserName": user_arn,
    "GroupName": group_arn,
    "RoleName": role_arn,
}
"""Members of IAM's inputs that name a resource of the caller's account, and what makes its ARN of account,
name, partition and path."""

_ARNS = ("PolicyArn", "PolicySourceArn", "OpenIDConnectProviderArn")
"""Members that hold an ARN."""

_KEYS = ("KeyId", "SourceKeyId", "DestinationKeyId", "TargetKeyId", "AliasName")
"""Members of KMS's inputs that name a key or an alias."""


def request_resources(
    operation: Operation, values: Mapping[str, Any], account_id: str, region: str, partition: str
) -> Sequence[str]:
    """Return the ARNs of what an operation's input names."""
    if operation.service == "sts":
        return [values["RoleArn"]] if "RoleArn" in values else ()
    if operation.service == "iam":
        # What is created says its path; of all else the input names no more than the name.
        rest = (partition, values.get("Path", "/"))
        named = [arn(account_id, values[member], *rest) for member, arn in _IAM.items() if member in values]
        if operation.name == "CreatePolicy":
            # Elsewhere the name is one of an inline policy, which has no ARN.
            named.append(policy_arn(account_id, values["PolicyName"], *rest))
        return [*named, *(values[member] for member in _ARNS if member in values)]
    if operation.service == "cloudtrail":
        return _trails(values, account_id, region, partition)
    if operation.service == "craton-audit":
        # As audit itself names them: an event has no ARN.
        return [f"events/{values['eventId'].lower()}"] if "eventId" in values else ()
    if operation.service == "kms":
        return _keys(values, KmsNames(account_id, region, partition))
    return model_resources(values, region, partition)


def answered_resources(operation: Operation, output: Mapping[str, Any]) -> Sequence[str]:
    """Return the ARNs that only an operation's output names: of a key that was made, or has an alias."""
    if operation.service != "kms":
        return ()
    described = output.get("KeyMetadata", {})
    named = [output[member] for member in _KEYS if member in output] + [described.get("Arn", "")]
    return [text for text in named if text.startswith("arn:")]


def _trails(values: Mapping[str, Any], account_id: str, region: str, partition: str) -> Sequence[str]:
    named = [values[member] for member in ("Name", "TrailName", "ResourceId") if member in values]
    named += [*values.get("trailNameList", ()), *values.get("ResourceIdList", ())]
    before = f"arn:{partition}:cloudtrail:{region}:{account_id}:trail/"
    return [text if text.startswith("arn:") else before + text for text in named]


def _keys(values: Mapping[str, Any], names: KmsNames) -> Sequence[str]:
    found = []
    for text in (values[member] for member in _KEYS if member in values):
        # What names nothing is refused by the operation, and recorded with its refusal.
        with contextlib.suppress(DomainError, Fault, InvalidArnError):
            found.append(names.arn(names.key_or_alias(text)))
    return found
