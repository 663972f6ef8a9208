"""IAM's roles, answered by auth."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from craton.auth.v1 import role_service_pb2 as pb
from craton.auth.v1 import role_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.iam_calls import calls, inline_policies, listed, nothing, tags_listed
from services.edge.adapters.iam_values import boundary, path_of, quoted, second, tag
from services.edge.ports import Operation


def roles(channel: Channel) -> Mapping[str, Operation]:
    """Return the operations on roles and what hangs on them; `channel` leads to auth."""
    stub = rpc.RoleServiceStub(channel)
    return {
        **calls(
            stub,
            pb,
            {
                "CreateRole": _of_role,
                "GetRole": _of_role,
                "ListRoles": listed("Roles", "roles", role),
                "UpdateRole": nothing,
                "UpdateRoleDescription": _of_role,
                "UpdateAssumeRolePolicy": nothing,
                "DeleteRole": nothing,
                "PutRolePermissionsBoundary": nothing,
                "DeleteRolePermissionsBoundary": nothing,
                "TagRole": nothing,
                "UntagRole": nothing,
                "ListRoleTags": tags_listed,
            },
        ),
        **inline_policies(stub, pb, "Role"),
    }


def _of_role(answer: Any, _request: Any) -> Mapping[str, Any]:
    return {"Role": role(answer.role)}


def role(message: pb.Role) -> Mapping[str, Any]:
    """Render a role."""
    return {
        "Path": path_of(message.arn, message.role_name),
        "RoleName": message.role_name,
        "RoleId": message.role_id,
        "Arn": message.arn,
        "CreateDate": second(message.create_time.ToDatetime(UTC)),
        "AssumeRolePolicyDocument": quoted(message.assume_role_policy_document),
        "Description": message.description or None,
        "MaxSessionDuration": message.max_session_duration.seconds,
        "PermissionsBoundary": boundary(message.permissions_boundary),
        "Tags": [tag(each) for each in message.tags] or None,
    }
