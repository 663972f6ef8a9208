"""The operations of KMS that manage keys and aliases, answered by kms."""

from collections.abc import Mapping
from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.kms.v1 import alias_service_pb2 as alias_pb
from craton.kms.v1 import alias_service_pb2_grpc as alias_rpc
from craton.kms.v1 import key_admin_service_pb2 as pb
from craton.kms.v1 import key_admin_service_pb2_grpc as rpc
from craton.kms.v1 import resources_pb2 as resources

from services.chassis.channels import Channel
from services.chassis.errors import DomainError
from services.edge.adapters.kms_calls import Lacking, Mapped, Member, alias, any_key, calls, key, page
from services.edge.adapters.kms_values import (
    key_metadata,
    last_part,
    origin_of,
    spec_of,
    state,
    tags_of,
    time,
    usage_of,
)
from services.edge.domain import model
from services.edge.domain.faults import validation
from services.edge.domain.kms_names import KmsNames
from services.edge.ports import Operation

_SYMMETRIC = "SYMMETRIC_DEFAULT"
_POLICY = "default"
"""The one name that the policy of a key has."""
_POLICY_CHARACTERS = 32 * 1024
_TAGS = 50
_WINDOW = range(7, 31)
"""Days. AWS: https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html"""


def keys(
    operations: Mapping[str, model.Operation], channel: Channel, partition: str
) -> Mapping[str, Operation]:
    """Return the operations on keys and aliases; `channel` leads to kms."""
    return {
        **calls(operations, rpc.KeyAdminServiceStub(channel), pb, partition, _KEYS),
        **calls(operations, alias_rpc.AliasServiceStub(channel), alias_pb, partition, _ALIASES),
    }


def _new_key(values: Mapping[str, Any]) -> Mapping[str, Any]:
    if "KeySpec" in values and "CustomerMasterKeySpec" in values:
        raise validation(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
            "CustomerMasterKeySpec is deprecated."
        )
    spec = values.get("KeySpec") or values.get("CustomerMasterKeySpec", _SYMMETRIC)
    if spec != _SYMMETRIC and "KeyUsage" not in values:
        raise validation(
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
        )
    return values


def _policy(document: str, _names: KmsNames) -> str:
    # AWS's model has room for more characters than a key policy may have, and AWS calls that a limit.
    if len(document) > _POLICY_CHARACTERS:
        raise _limit(f"A key policy has at most {_POLICY_CHARACTERS} characters.")
    return document


def _tags(value: Any, names: KmsNames) -> list[resources.Tag]:
    if len(value) > _TAGS:
        raise DomainError(ErrorReason.ERROR_REASON_INVALID_TAG, f"A key has at most {_TAGS} tags.")
    return tags_of(value, names)


def _days(value: int, _names: KmsNames) -> int:
    if value not in _WINDOW:
        bound, end = ("greater", _WINDOW[0]) if value < _WINDOW[0] else ("less", _WINDOW[-1])
        raise validation(
            "1 validation error detected: Value at 'pendingWindowInDays' failed to satisfy constraint: "
            f"Member must have value {bound} than or equal to {end}"
        )
    return value


def _limit(message: str) -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_QUOTA_EXCEEDED, message)


def _named_policy(values: Mapping[str, Any]) -> Mapping[str, Any]:
    if values.get("PolicyName", _POLICY) != _POLICY:
        raise DomainError(ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, "No such policy exists")
    return values


def _metadata(answer: Any, names: KmsNames, _values: Any) -> Mapping[str, Any]:
    return {"KeyMetadata": key_metadata(answer.key, names)}


def _listed_key(message: resources.Key, names: KmsNames) -> Mapping[str, Any]:
    return {"KeyId": last_part(message.name), "KeyArn": names.arn(message.name)}


def _scheduled(answer: pb.ScheduleKeyDeletionResponse, names: KmsNames, _values: Any) -> Mapping[str, Any]:
    return {
        "KeyId": names.arn(answer.key.name),
        "DeletionDate": time(answer.key, "delete_time"),
        "KeyState": state(answer.key),
        "PendingWindowInDays": answer.key.pending_days,
    }


def _alias(message: resources.Alias, names: KmsNames) -> Mapping[str, Any]:
    return {
        "AliasName": f"alias/{message.name.partition('/aliases/')[2]}",
        "AliasArn": names.arn(message.name),
        "TargetKeyId": last_part(message.key_name) or None,
        "CreationDate": time(message, "create_time"),
        "LastUpdatedDate": time(message, "update_time"),
    }


_KEY = {"KeyId": key()}
_SAFETY = {"BypassPolicyLockoutSafetyCheck": Member("bypass_lockout_check")}
_TAGGED = {"Tags": Member("tags", _tags)}
_DEFAULT = {"PolicyName": Lacking(harmless=(_POLICY,))}

_KEYS: Mapping[str, Mapped] = {
    "CreateKey": Mapped(
        "CreateKey",
        {
            **_SAFETY,
            **_TAGGED,
            "Policy": Member("policy", _policy),
            "KeySpec": Member("spec", spec_of),
            "CustomerMasterKeySpec": Member("spec", spec_of),
            "KeyUsage": Member("usage", usage_of),
            "Origin": Member("origin", origin_of),
            "MultiRegion": Lacking(harmless=(False,)),
        },
        _metadata,
        _new_key,
    ),
    "DescribeKey": Mapped("GetKey", {"KeyId": any_key("name")}, _metadata),
    "ListKeys": Mapped(
        "ListKeys",
        {"ResourceOwners": Lacking(harmless=(["SELF"],))},
        lambda answer, names, _values: page(
            "Keys", [_listed_key(each, names) for each in answer.keys], answer.next_page_token
        ),
        items=100,
    ),
    "EnableKey": Mapped("EnableKey", _KEY),
    "DisableKey": Mapped("DisableKey", _KEY),
    "UpdateKeyDescription": Mapped("UpdateKeyDescription", _KEY),
    "TagResource": Mapped("TagKey", {**_KEY, **_TAGGED}),
    "UntagResource": Mapped("UntagKey", _KEY),
    "ListResourceTags": Mapped(
        "ListKeyTags",
        _KEY,
        lambda answer, _names, _values: page(
            "Tags",
            [{"TagKey": each.key, "TagValue": each.value} for each in answer.tags],
            answer.next_page_token,
        ),
    ),
    "PutKeyPolicy": Mapped(
        "PutKeyPolicy", {**_KEY, **_SAFETY, **_DEFAULT, "Policy": Member("policy", _policy)}
    ),
    "GetKeyPolicy": Mapped(
        "GetKeyPolicy",
        {**_KEY, **_DEFAULT},
        lambda answer, _names, _values: {"Policy": answer.policy, "PolicyName": _POLICY},
        _named_policy,
    ),
    "ListKeyPolicies": Mapped(
        "ListKeyPolicies",
        # There is one policy, so that every page holds it and none comes after.
        {**_KEY, "Limit": Lacking(harmless=tuple(range(1, 1001)))},
        lambda answer, _names, _values: page("PolicyNames", list(answer.policy_names), ""),
    ),
    "ScheduleKeyDeletion": Mapped(
        "ScheduleKeyDeletion", {**_KEY, "PendingWindowInDays": Member("pending_days", _days)}, _scheduled
    ),
    "CancelKeyDeletion": Mapped(
        "CancelKeyDeletion", _KEY, lambda answer, names, _values: {"KeyId": names.arn(answer.key.name)}
    ),
}

_TARGET = {"AliasName": alias(), "TargetKeyId": key("key_name")}

_ALIASES: Mapping[str, Mapped] = {
    "CreateAlias": Mapped("CreateAlias", _TARGET),
    "UpdateAlias": Mapped("UpdateAlias", _TARGET),
    "DeleteAlias": Mapped("DeleteAlias", {"AliasName": alias()}),
    "ListAliases": Mapped(
        "ListAliases",
        {"KeyId": key("key_name")},
        lambda answer, names, _values: page(
            "Aliases", [_alias(each, names) for each in answer.aliases], answer.next_page_token
        ),
    ),
}
