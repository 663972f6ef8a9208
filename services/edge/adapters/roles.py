"""IAM's roles, answered by auth."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from craton.auth.v1 import role_service_pb2 as pb
from craton.auth.v1 import role_service_pb2_grpc as rpc
from google.protobuf.duration_pb2 import Duration

from services.chassis.channels import Channel
from services.edge.adapters.iam_values import (
    page,
    path_of,
    put,
    quoted,
    refuse_members,
    refuse_path,
    rest,
    second,
    with_prefix,
)
from services.edge.adapters.upstream import ask
from services.edge.ports import Caller


class Roles:
    """Roles, their trust policies and their inline policies."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to auth."""
        self._stub = rpc.RoleServiceStub(channel)

    async def create_role(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Create a role below the path "/"."""
        refuse_path(values)
        refuse_members(values, "PermissionsBoundary", "Tags")
        request = pb.CreateRoleRequest(
            role_name=values["RoleName"],
            assume_role_policy_document=values["AssumeRolePolicyDocument"],
            description=values.get("Description", ""),
            max_session_duration=_duration(values),
        )
        answer = await put(self._stub.CreateRole(request, metadata=caller.metadata))
        return {"Role": _role(answer.role)}

    async def get_role(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return a role."""
        request = pb.GetRoleRequest(role_name=values["RoleName"])
        answer = await ask(self._stub.GetRole(request, metadata=caller.metadata))
        return {"Role": _role(answer.role)}

    async def list_roles(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List roles."""
        request = pb.ListRolesRequest(**page(values))
        answer = await ask(self._stub.ListRoles(request, metadata=caller.metadata))
        roles = [_role(each) for each in answer.roles]
        return {"Roles": with_prefix(values, roles), **rest(answer.next_page_token)}

    async def update_role(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Change what the request names: the description, the longest session."""
        await self._update(values, caller)
        return {}

    async def update_role_description(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Change the description."""
        answer = await self._update(values, caller)
        return {"Role": _role(answer.role)}

    async def update_assume_role_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Replace the trust policy."""
        request = pb.UpdateAssumeRolePolicyRequest(
            role_name=values["RoleName"], policy_document=values["PolicyDocument"]
        )
        await put(self._stub.UpdateAssumeRolePolicy(request, metadata=caller.metadata))
        return {}

    async def delete_role(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete a role that has no policies."""
        request = pb.DeleteRoleRequest(role_name=values["RoleName"])
        await ask(self._stub.DeleteRole(request, metadata=caller.metadata))
        return {}

    async def put_role_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Create or replace an inline policy."""
        request = pb.PutRolePolicyRequest(
            role_name=values["RoleName"],
            policy_name=values["PolicyName"],
            document=values["PolicyDocument"],
        )
        await put(self._stub.PutRolePolicy(request, metadata=caller.metadata))
        return {}

    async def get_role_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return an inline policy."""
        request = pb.GetRolePolicyRequest(role_name=values["RoleName"], policy_name=values["PolicyName"])
        answer = await ask(self._stub.GetRolePolicy(request, metadata=caller.metadata))
        return {
            "RoleName": values["RoleName"],
            "PolicyName": answer.policy.policy_name,
            "PolicyDocument": quoted(answer.policy.document),
        }

    async def list_role_policies(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List the names of a role's inline policies."""
        request = pb.ListRolePoliciesRequest(role_name=values["RoleName"], **page(values))
        answer = await ask(self._stub.ListRolePolicies(request, metadata=caller.metadata))
        names = [each.policy_name for each in answer.policies]
        return {"PolicyNames": names, **rest(answer.next_page_token)}

    async def delete_role_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete an inline policy."""
        request = pb.DeleteRolePolicyRequest(role_name=values["RoleName"], policy_name=values["PolicyName"])
        await ask(self._stub.DeleteRolePolicy(request, metadata=caller.metadata))
        return {}

    async def _update(self, values: Mapping[str, Any], caller: Caller) -> Any:
        request = pb.UpdateRoleRequest(
            role_name=values["RoleName"],
            description=values.get("Description"),
            max_session_duration=_duration(values),
        )
        return await ask(self._stub.UpdateRole(request, metadata=caller.metadata))


def _duration(values: Mapping[str, Any]) -> Duration | None:
    seconds = values.get("MaxSessionDuration")
    return None if seconds is None else Duration(seconds=seconds)


def _role(message: pb.Role) -> Mapping[str, Any]:
    return {
        "Path": path_of(message.arn, message.role_name),
        "RoleName": message.role_name,
        "RoleId": message.role_id,
        "Arn": message.arn,
        "CreateDate": second(message.create_time.ToDatetime(UTC)),
        "AssumeRolePolicyDocument": quoted(message.assume_role_policy_document),
        "Description": message.description or None,
        "MaxSessionDuration": message.max_session_duration.seconds,
    }
