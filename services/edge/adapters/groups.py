"""IAM's groups, answered by auth."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from craton.auth.v1 import group_service_pb2 as pb
from craton.auth.v1 import group_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.iam_calls import calls, inline_policies, listed, nothing
from services.edge.adapters.iam_values import path_of, rest, second, user
from services.edge.ports import Operation


def groups(channel: Channel) -> Mapping[str, Operation]:
    """Return the operations on groups, their members and their inline policies; `channel` leads to auth."""
    stub = rpc.GroupServiceStub(channel)
    return {
        **calls(
            stub,
            pb,
            {
                "CreateGroup": lambda answer, _: {"Group": group(answer.group)},
                "GetGroup": _with_users,
                "ListGroups": listed("Groups", "groups", group),
                "ListGroupsForUser": listed("Groups", "groups", group),
                "UpdateGroup": nothing,
                "DeleteGroup": nothing,
                "AddUserToGroup": nothing,
                "RemoveUserFromGroup": nothing,
            },
        ),
        **inline_policies(stub, pb, "Group"),
    }


def _with_users(answer: pb.GetGroupResponse, _request: pb.GetGroupRequest) -> Mapping[str, Any]:
    users = [user(each) for each in answer.users]
    return {"Group": group(answer.group), "Users": users, **rest(answer.next_page_token)}


def group(message: pb.Group) -> Mapping[str, Any]:
    """Render a group."""
    return {
        "Path": path_of(message.arn, message.group_name),
        "GroupName": message.group_name,
        "GroupId": message.group_id,
        "Arn": message.arn,
        "CreateDate": second(message.create_time.ToDatetime(UTC)),
    }
