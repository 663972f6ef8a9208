"""IAM's groups, answered by auth."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from craton.auth.v1 import group_service_pb2 as pb
from craton.auth.v1 import group_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.iam_values import (
    page,
    path_of,
    put,
    quoted,
    refuse_path,
    rest,
    second,
    user,
    user_name_of,
    with_prefix,
)
from services.edge.adapters.upstream import ask
from services.edge.ports import Caller


class Groups:
    """Groups, who is in them, and their inline policies."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to auth."""
        self._stub = rpc.GroupServiceStub(channel)

    async def create_group(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Create a group below the path "/"."""
        refuse_path(values)
        request = pb.CreateGroupRequest(group_name=values["GroupName"])
        answer = await ask(self._stub.CreateGroup(request, metadata=caller.metadata))
        return {"Group": _group(answer.group)}

    async def get_group(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return a group and its users."""
        request = pb.GetGroupRequest(group_name=values["GroupName"], **page(values))
        answer = await ask(self._stub.GetGroup(request, metadata=caller.metadata))
        users = [user(each) for each in answer.users]
        return {"Group": _group(answer.group), "Users": users, **rest(answer.next_page_token)}

    async def list_groups(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List groups."""
        request = pb.ListGroupsRequest(**page(values))
        answer = await ask(self._stub.ListGroups(request, metadata=caller.metadata))
        groups = [_group(each) for each in answer.groups]
        return {"Groups": with_prefix(values, groups), **rest(answer.next_page_token)}

    async def list_groups_for_user(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List the groups of a user."""
        request = pb.ListGroupsForUserRequest(user_name=user_name_of(values, caller), **page(values))
        answer = await ask(self._stub.ListGroupsForUser(request, metadata=caller.metadata))
        return {"Groups": [_group(each) for each in answer.groups], **rest(answer.next_page_token)}

    async def delete_group(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete a group that is empty."""
        request = pb.DeleteGroupRequest(group_name=values["GroupName"])
        await ask(self._stub.DeleteGroup(request, metadata=caller.metadata))
        return {}

    async def add_user_to_group(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Make a user a member."""
        request = pb.AddUserToGroupRequest(
            group_name=values["GroupName"], user_name=user_name_of(values, caller)
        )
        await ask(self._stub.AddUserToGroup(request, metadata=caller.metadata))
        return {}

    async def remove_user_from_group(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """End a membership."""
        request = pb.RemoveUserFromGroupRequest(
            group_name=values["GroupName"], user_name=user_name_of(values, caller)
        )
        await ask(self._stub.RemoveUserFromGroup(request, metadata=caller.metadata))
        return {}

    async def put_group_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Create or replace an inline policy."""
        request = pb.PutGroupPolicyRequest(
            group_name=values["GroupName"],
            policy_name=values["PolicyName"],
            document=values["PolicyDocument"],
        )
        await put(self._stub.PutGroupPolicy(request, metadata=caller.metadata))
        return {}

    async def get_group_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return an inline policy."""
        request = pb.GetGroupPolicyRequest(group_name=values["GroupName"], policy_name=values["PolicyName"])
        answer = await ask(self._stub.GetGroupPolicy(request, metadata=caller.metadata))
        return {
            "GroupName": values["GroupName"],
            "PolicyName": answer.policy.policy_name,
            "PolicyDocument": quoted(answer.policy.document),
        }

    async def list_group_policies(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List the names of a group's inline policies."""
        request = pb.ListGroupPoliciesRequest(group_name=values["GroupName"], **page(values))
        answer = await ask(self._stub.ListGroupPolicies(request, metadata=caller.metadata))
        names = [each.policy_name for each in answer.policies]
        return {"PolicyNames": names, **rest(answer.next_page_token)}

    async def delete_group_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete an inline policy."""
        request = pb.DeleteGroupPolicyRequest(
            group_name=values["GroupName"], policy_name=values["PolicyName"]
        )
        await ask(self._stub.DeleteGroupPolicy(request, metadata=caller.metadata))
        return {}


def _group(message: pb.Group) -> Mapping[str, Any]:
    return {
        "Path": path_of(message.arn, message.group_name),
        "GroupName": message.group_name,
        "GroupId": message.group_id,
        "Arn": message.arn,
        "CreateDate": second(message.create_time.ToDatetime(UTC)),
    }
