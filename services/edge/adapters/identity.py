"""IAM, answered by auth.

What AWS leaves to IAM itself stands here: the defaults, the paging by Marker and MaxItems, and the form in
which policies travel. https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from craton.auth.v1 import access_key_service_pb2 as key_pb
from craton.auth.v1 import access_key_service_pb2_grpc as key_rpc
from craton.auth.v1 import policy_service_pb2 as policy_pb
from craton.auth.v1 import policy_service_pb2_grpc as policy_rpc
from craton.auth.v1 import resources_pb2 as resources
from craton.auth.v1 import user_service_pb2 as user_pb
from craton.auth.v1 import user_service_pb2_grpc as user_rpc
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.channels import Channel
from services.chassis.errors import DomainError
from services.chassis.pages import decode_page_token
from services.edge.adapters.upstream import ask
from services.edge.domain.query_faults import validation_error
from services.edge.ports import Caller

_DEFAULT_ITEMS = 100
"""MaxItems where a request has none, as at AWS."""
_MAX_USER_NAME = 64
"""Longer names may stand in requests by AWS's model, and no user has one."""
_STATUS = {
    "Active": resources.ACCESS_KEY_STATUS_ACTIVE,
    "Inactive": resources.ACCESS_KEY_STATUS_INACTIVE,
}
_STATUS_NAME = {status: name for name, status in _STATUS.items()}


class Identity:
    """Users, their access keys and their inline policies."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to auth."""
        self._users = user_rpc.UserServiceStub(channel)
        self._keys = key_rpc.AccessKeyServiceStub(channel)
        self._policies = policy_rpc.PolicyServiceStub(channel)

    async def create_user(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Create a user below the path "/"."""
        if values.get("Path", "/") != "/":
            raise _invalid("This installation has no paths: the Path of every user is /.")
        request = user_pb.CreateUserRequest(
            user_name=values["UserName"],
            permissions_boundary=values.get("PermissionsBoundary", ""),
            tags=_tags(values),
        )
        answer = await ask(self._users.CreateUser(request, metadata=caller.metadata))
        return {"User": _user(answer.user)}

    async def get_user(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return a user; without a name the one who asks."""
        request = user_pb.GetUserRequest(user_name=_user_name(values, caller))
        answer = await ask(self._users.GetUser(request, metadata=caller.metadata))
        return {"User": _user(answer.user)}

    async def list_users(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List users; a page may hold fewer than it has room for when others have another path."""
        request = user_pb.ListUsersRequest(**_page(values))
        answer = await ask(self._users.ListUsers(request, metadata=caller.metadata))
        users = [_user(each) for each in answer.users]
        prefix = values.get("PathPrefix", "/")
        return {
            "Users": [each for each in users if each["Path"].startswith(prefix)],
            **_rest(answer.next_page_token),
        }

    async def delete_user(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete a user on whom nothing depends."""
        request = user_pb.DeleteUserRequest(user_name=_user_name(values, caller))
        await ask(self._users.DeleteUser(request, metadata=caller.metadata))
        return {}

    async def put_user_boundary(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Set the managed policy that bounds what a user may do."""
        request = user_pb.PutUserPermissionsBoundaryRequest(
            user_name=_user_name(values, caller), permissions_boundary=values["PermissionsBoundary"]
        )
        await ask(self._users.PutUserPermissionsBoundary(request, metadata=caller.metadata))
        return {}

    async def delete_user_boundary(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Remove a user's boundary."""
        request = user_pb.DeleteUserPermissionsBoundaryRequest(user_name=_user_name(values, caller))
        await ask(self._users.DeleteUserPermissionsBoundary(request, metadata=caller.metadata))
        return {}

    async def tag_user(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Add tags to a user."""
        request = user_pb.TagUserRequest(user_name=_user_name(values, caller), tags=_tags(values))
        await ask(self._users.TagUser(request, metadata=caller.metadata))
        return {}

    async def untag_user(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Remove tags from a user."""
        request = user_pb.UntagUserRequest(user_name=_user_name(values, caller), tag_keys=values["TagKeys"])
        await ask(self._users.UntagUser(request, metadata=caller.metadata))
        return {}

    async def list_user_tags(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List a user's tags."""
        request = user_pb.ListUserTagsRequest(user_name=_user_name(values, caller), **_page(values))
        answer = await ask(self._users.ListUserTags(request, metadata=caller.metadata))
        return {"Tags": [_tag(each) for each in answer.tags], **_rest(answer.next_page_token)}

    async def create_access_key(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Create an access key; its secret is in this answer and nowhere else."""
        user_name = _user_name(values, caller)
        request = key_pb.CreateAccessKeyRequest(user_name=user_name)
        answer = await ask(self._keys.CreateAccessKey(request, metadata=caller.metadata))
        key = {**_key(answer.access_key, user_name), "SecretAccessKey": answer.secret_access_key}
        return {"AccessKey": key}

    async def list_access_keys(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List a user's access keys."""
        user_name = _user_name(values, caller)
        request = key_pb.ListAccessKeysRequest(user_name=user_name, **_page(values))
        answer = await ask(self._keys.ListAccessKeys(request, metadata=caller.metadata))
        keys = [_key(each, user_name) for each in answer.access_keys]
        return {"AccessKeyMetadata": keys, **_rest(answer.next_page_token)}

    async def update_access_key(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Activate or deactivate an access key."""
        status = _STATUS.get(values["Status"])
        if status is None:
            raise _invalid("An access key can be made Active or Inactive.")
        request = key_pb.UpdateAccessKeyRequest(
            user_name=_user_name(values, caller), access_key_id=values["AccessKeyId"], status=status
        )
        await ask(self._keys.UpdateAccessKey(request, metadata=caller.metadata))
        return {}

    async def delete_access_key(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete an access key."""
        request = key_pb.DeleteAccessKeyRequest(
            user_name=_user_name(values, caller), access_key_id=values["AccessKeyId"]
        )
        await ask(self._keys.DeleteAccessKey(request, metadata=caller.metadata))
        return {}

    async def put_user_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Create or replace an inline policy."""
        request = policy_pb.PutUserPolicyRequest(
            user_name=_user_name(values, caller),
            policy_name=values["PolicyName"],
            document=values["PolicyDocument"],
        )
        try:
            await ask(self._policies.PutUserPolicy(request, metadata=caller.metadata))
        except DomainError as error:
            if error.reason == ErrorReason.ERROR_REASON_INVALID_FIELD and error.field == "document":
                # AWS's model has room for more than a policy may have, and AWS calls that a limit too.
                raise DomainError(ErrorReason.ERROR_REASON_QUOTA_EXCEEDED, error.message) from error
            raise
        return {}

    async def get_user_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return an inline policy; the document is escaped as RFC 3986 has it, as AWS does."""
        user_name = _user_name(values, caller)
        request = policy_pb.GetUserPolicyRequest(user_name=user_name, policy_name=values["PolicyName"])
        answer = await ask(self._policies.GetUserPolicy(request, metadata=caller.metadata))
        return {
            "UserName": user_name,
            "PolicyName": answer.policy.policy_name,
            "PolicyDocument": quote(answer.policy.document, safe=""),
        }

    async def list_user_policies(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List the names of a user's inline policies."""
        request = policy_pb.ListUserPoliciesRequest(user_name=_user_name(values, caller), **_page(values))
        answer = await ask(self._policies.ListUserPolicies(request, metadata=caller.metadata))
        names = [each.policy_name for each in answer.policies]
        return {"PolicyNames": names, **_rest(answer.next_page_token)}

    async def delete_user_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete an inline policy."""
        request = policy_pb.DeleteUserPolicyRequest(
            user_name=_user_name(values, caller), policy_name=values["PolicyName"]
        )
        await ask(self._policies.DeleteUserPolicy(request, metadata=caller.metadata))
        return {}


def _user_name(values: Mapping[str, Any], caller: Caller) -> str:
    """Return the user that a request is about: the caller when it names none, as at AWS.

    Raises DomainError(RESOURCE_NOT_FOUND) for a name that no user can have, and Fault for a caller
    that is no user, who must name one.
    """
    name: str | None = values.get("UserName")
    if name is None:
        kind, _, path = caller.claims.arn.rpartition(":")[2].partition("/")
        if kind != "user":
            raise validation_error("Must specify userName when calling with non-User credentials")
        return path.rpartition("/")[2]
    if len(name) > _MAX_USER_NAME:
        raise DomainError(
            ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, f"The user with name {name} cannot be found."
        )
    return name


def _tags(values: Mapping[str, Any]) -> list[resources.Tag]:
    return [resources.Tag(key=each["Key"], value=each["Value"]) for each in values.get("Tags", ())]


def _tag(message: resources.Tag) -> Mapping[str, Any]:
    return {"Key": message.key, "Value": message.value}


def _invalid(message: str) -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, message)


def _page(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a listing's request. Raises Fault for a Marker that no answer had."""
    marker = values.get("Marker", "")
    try:
        decode_page_token(marker)
    except DomainError as error:
        raise validation_error("Invalid Marker.") from error
    return {"page_size": values.get("MaxItems", _DEFAULT_ITEMS), "page_token": marker}


def _rest(next_page_token: str) -> Mapping[str, Any]:
    return {"IsTruncated": bool(next_page_token), "Marker": next_page_token or None}


def _user(message: resources.User) -> Mapping[str, Any]:
    # "arn:aws:iam::123456789012:user/a/b/name": what stands between is the path.
    path = message.arn.rpartition(":")[2].removeprefix("user").removesuffix(message.user_name)
    boundary = {
        "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
        "PermissionsBoundaryArn": message.permissions_boundary,
    }
    return {
        "Path": path,
        "UserName": message.user_name,
        "UserId": message.user_id,
        "Arn": message.arn,
        "CreateDate": _second(message.create_time.ToDatetime(UTC)),
        "PermissionsBoundary": boundary if message.permissions_boundary else None,
        "Tags": [_tag(each) for each in message.tags] or None,
    }


def _key(message: resources.AccessKey, user_name: str) -> Mapping[str, Any]:
    return {
        "UserName": user_name,
        "AccessKeyId": message.access_key_id,
        "Status": _STATUS_NAME[message.status],
        "CreateDate": _second(message.create_time.ToDatetime(UTC)),
    }


def _second(moment: datetime) -> datetime:
    """Return a time as IAM tells it: to the second."""
    return moment.replace(microsecond=0)
