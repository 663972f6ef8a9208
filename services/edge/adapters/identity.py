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
from services.edge.adapters.iam_values import (
    invalid,
    page,
    put,
    quoted,
    refuse_path,
    rest,
    second,
    tag,
    tags_of,
    user,
    user_name_of,
    with_prefix,
)
from services.edge.adapters.upstream import ask
from services.edge.ports import Caller

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
        refuse_path(values)
        request = user_pb.CreateUserRequest(
            user_name=values["UserName"],
            permissions_boundary=values.get("PermissionsBoundary", ""),
            tags=tags_of(values),
        )
        answer = await ask(self._users.CreateUser(request, metadata=caller.metadata))
        return {"User": user(answer.user)}

    async def get_user(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return a user; without a name the one who asks."""
        request = user_pb.GetUserRequest(user_name=user_name_of(values, caller))
        answer = await ask(self._users.GetUser(request, metadata=caller.metadata))
        return {"User": user(answer.user)}

    async def list_users(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List users; a page may hold fewer than it has room for when others have another path."""
        request = user_pb.ListUsersRequest(**page(values))
        answer = await ask(self._users.ListUsers(request, metadata=caller.metadata))
        users = [user(each) for each in answer.users]
        return {"Users": with_prefix(values, users), **rest(answer.next_page_token)}

    async def delete_user(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete a user on whom nothing depends."""
        request = user_pb.DeleteUserRequest(user_name=user_name_of(values, caller))
        await ask(self._users.DeleteUser(request, metadata=caller.metadata))
        return {}

    async def put_user_boundary(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Set the managed policy that bounds what a user may do."""
        request = user_pb.PutUserPermissionsBoundaryRequest(
            user_name=user_name_of(values, caller), permissions_boundary=values["PermissionsBoundary"]
        )
        await ask(self._users.PutUserPermissionsBoundary(request, metadata=caller.metadata))
        return {}

    async def delete_user_boundary(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Remove a user's boundary."""
        request = user_pb.DeleteUserPermissionsBoundaryRequest(user_name=user_name_of(values, caller))
        await ask(self._users.DeleteUserPermissionsBoundary(request, metadata=caller.metadata))
        return {}

    async def tag_user(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Add tags to a user."""
        request = user_pb.TagUserRequest(user_name=user_name_of(values, caller), tags=tags_of(values))
        await ask(self._users.TagUser(request, metadata=caller.metadata))
        return {}

    async def untag_user(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Remove tags from a user."""
        request = user_pb.UntagUserRequest(user_name=user_name_of(values, caller), tag_keys=values["TagKeys"])
        await ask(self._users.UntagUser(request, metadata=caller.metadata))
        return {}

    async def list_user_tags(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List a user's tags."""
        request = user_pb.ListUserTagsRequest(user_name=user_name_of(values, caller), **page(values))
        answer = await ask(self._users.ListUserTags(request, metadata=caller.metadata))
        return {"Tags": [tag(each) for each in answer.tags], **rest(answer.next_page_token)}

    async def create_access_key(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Create an access key; its secret is in this answer and nowhere else."""
        user_name = user_name_of(values, caller)
        request = key_pb.CreateAccessKeyRequest(user_name=user_name)
        answer = await ask(self._keys.CreateAccessKey(request, metadata=caller.metadata))
        key = {**_key(answer.access_key, user_name), "SecretAccessKey": answer.secret_access_key}
        return {"AccessKey": key}

    async def list_access_keys(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List a user's access keys."""
        user_name = user_name_of(values, caller)
        request = key_pb.ListAccessKeysRequest(user_name=user_name, **page(values))
        answer = await ask(self._keys.ListAccessKeys(request, metadata=caller.metadata))
        keys = [_key(each, user_name) for each in answer.access_keys]
        return {"AccessKeyMetadata": keys, **rest(answer.next_page_token)}

    async def update_access_key(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Activate or deactivate an access key."""
        status = _STATUS.get(values["Status"])
        if status is None:
            raise invalid("An access key can be made Active or Inactive.")
        request = key_pb.UpdateAccessKeyRequest(
            user_name=user_name_of(values, caller), access_key_id=values["AccessKeyId"], status=status
        )
        await ask(self._keys.UpdateAccessKey(request, metadata=caller.metadata))
        return {}

    async def delete_access_key(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete an access key."""
        request = key_pb.DeleteAccessKeyRequest(
            user_name=user_name_of(values, caller), access_key_id=values["AccessKeyId"]
        )
        await ask(self._keys.DeleteAccessKey(request, metadata=caller.metadata))
        return {}

    async def put_user_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Create or replace an inline policy."""
        request = policy_pb.PutUserPolicyRequest(
            user_name=user_name_of(values, caller),
            policy_name=values["PolicyName"],
            document=values["PolicyDocument"],
        )
        await put(self._policies.PutUserPolicy(request, metadata=caller.metadata))
        return {}

    async def get_user_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return an inline policy; the document is escaped as RFC 3986 has it, as AWS does."""
        user_name = user_name_of(values, caller)
        request = policy_pb.GetUserPolicyRequest(user_name=user_name, policy_name=values["PolicyName"])
        answer = await ask(self._policies.GetUserPolicy(request, metadata=caller.metadata))
        return {
            "UserName": user_name,
            "PolicyName": answer.policy.policy_name,
            "PolicyDocument": quoted(answer.policy.document),
        }

    async def list_user_policies(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List the names of a user's inline policies."""
        request = policy_pb.ListUserPoliciesRequest(user_name=user_name_of(values, caller), **page(values))
        answer = await ask(self._policies.ListUserPolicies(request, metadata=caller.metadata))
        names = [each.policy_name for each in answer.policies]
        return {"PolicyNames": names, **rest(answer.next_page_token)}

    async def delete_user_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete an inline policy."""
        request = policy_pb.DeleteUserPolicyRequest(
            user_name=user_name_of(values, caller), policy_name=values["PolicyName"]
        )
        await ask(self._policies.DeleteUserPolicy(request, metadata=caller.metadata))
        return {}


def _key(message: resources.AccessKey, user_name: str) -> Mapping[str, Any]:
    return {
        "UserName": user_name,
        "AccessKeyId": message.access_key_id,
        "Status": _STATUS_NAME[message.status],
        "CreateDate": second(message.create_time.ToDatetime(UTC)),
    }
