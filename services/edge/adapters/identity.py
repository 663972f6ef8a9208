"""IAM's users, answered by auth."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from craton.auth.v1 import access_key_service_pb2 as key_pb
from craton.auth.v1 import access_key_service_pb2_grpc as key_rpc
from craton.auth.v1 import policy_service_pb2 as policy_pb
from craton.auth.v1 import policy_service_pb2_grpc as policy_rpc
from craton.auth.v1 import resources_pb2 as resources
from craton.auth.v1 import user_service_pb2 as user_pb
from craton.auth.v1 import user_service_pb2_grpc as user_rpc

from services.chassis.channels import Channel
from services.edge.adapters.iam_calls import (
    Choice,
    IamCall,
    calls,
    inline_policies,
    listed,
    nothing,
    tags_listed,
)
from services.edge.adapters.iam_values import rest, second, user
from services.edge.ports import Operation

_STATUS = {
    "Active": resources.ACCESS_KEY_STATUS_ACTIVE,
    "Inactive": resources.ACCESS_KEY_STATUS_INACTIVE,
}
_STATUS_NAME = {status: name for name, status in _STATUS.items()}


def identity(channel: Channel) -> Mapping[str, Operation]:
    """Return the operations on users, their keys and their inline policies; `channel` leads to auth."""
    users = user_rpc.UserServiceStub(channel)
    keys = key_rpc.AccessKeyServiceStub(channel)
    return {
        **calls(
            users,
            user_pb,
            {
                "CreateUser": _of_user,
                "GetUser": _of_user,
                "ListUsers": listed("Users", "users", user),
                "UpdateUser": nothing,
                "DeleteUser": nothing,
                "PutUserPermissionsBoundary": nothing,
                "DeleteUserPermissionsBoundary": nothing,
                "TagUser": nothing,
                "UntagUser": nothing,
                "ListUserTags": tags_listed,
            },
        ),
        **calls(
            keys,
            key_pb,
            {
                "CreateAccessKey": _new_key,
                "ListAccessKeys": _keys,
                "DeleteAccessKey": nothing,
                "GetAccessKeyLastUsed": _last_use,
            },
        ),
        "UpdateAccessKey": IamCall(
            keys.UpdateAccessKey,
            key_pb.UpdateAccessKeyRequest,
            choices={"status": Choice("Status", _STATUS)},
        ),
        **inline_policies(policy_rpc.PolicyServiceStub(channel), policy_pb, "User"),
    }


def _of_user(answer: Any, _request: Any) -> Mapping[str, Any]:
    return {"User": user(answer.user)}


def _new_key(answer: Any, request: Any) -> Mapping[str, Any]:
    """Render a key with its secret, which is in this answer and nowhere else."""
    key = _key(answer.access_key, request.user_name)
    return {"AccessKey": {**key, "SecretAccessKey": answer.secret_access_key}}


def _keys(answer: Any, request: Any) -> Mapping[str, Any]:
    keys = [_key(each, request.user_name) for each in answer.access_keys]
    return {"AccessKeyMetadata": keys, **rest(answer.next_page_token)}


def _last_use(answer: key_pb.GetAccessKeyLastUsedResponse, _request: Any) -> Mapping[str, Any]:
    used = answer.HasField("last_used_time")
    return {
        "UserName": answer.user_name or None,
        "AccessKeyLastUsed": {
            "LastUsedDate": second(answer.last_used_time.ToDatetime(UTC)) if used else None,
            # As at AWS, for a key that was never used.
            "ServiceName": answer.service or "N/A",
            "Region": answer.region or "N/A",
        },
    }


def _key(message: resources.AccessKey, user_name: str) -> Mapping[str, Any]:
    return {
        "UserName": user_name,
        "AccessKeyId": message.access_key_id,
        "Status": _STATUS_NAME[message.status],
        "CreateDate": second(message.create_time.ToDatetime(UTC)),
    }
