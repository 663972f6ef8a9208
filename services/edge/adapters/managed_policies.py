"""IAM's managed policies, answered by auth: their versions, and whom they are attached to."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from craton.auth.v1 import managed_policy_service_pb2 as pb
from craton.auth.v1 import managed_policy_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.iam_values import (
    invalid,
    page,
    path_of,
    put,
    quoted,
    refuse_members,
    refuse_path,
    rest,
    second,
    user_name_of,
    with_prefix,
)
from services.edge.adapters.upstream import ask
from services.edge.ports import Caller

_SCOPES = {
    "All": pb.POLICY_SCOPE_UNSPECIFIED,
    "AWS": pb.POLICY_SCOPE_AWS,
    "Local": pb.POLICY_SCOPE_LOCAL,
}
_USAGES = {
    "PermissionsPolicy": pb.POLICY_USAGE_PERMISSIONS_POLICY,
    "PermissionsBoundary": pb.POLICY_USAGE_PERMISSIONS_BOUNDARY,
}
_KINDS = {"User": pb.ENTITY_KIND_USER, "Group": pb.ENTITY_KIND_GROUP, "Role": pb.ENTITY_KIND_ROLE}


class ManagedPolicies:
    """Managed policies of the account and of the installation."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to auth."""
        self._stub = rpc.ManagedPolicyServiceStub(channel)

    async def create_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Create a policy below the path "/"; the document is its version v1."""
        refuse_path(values)
        refuse_members(values, "Tags")
        request = pb.CreatePolicyRequest(
            policy_name=values["PolicyName"],
            document=values["PolicyDocument"],
            description=values.get("Description", ""),
        )
        answer = await put(self._stub.CreatePolicy(request, metadata=caller.metadata))
        return {"Policy": _policy(answer.policy)}

    async def get_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return a policy without its documents."""
        request = pb.GetPolicyRequest(policy_arn=values["PolicyArn"])
        answer = await ask(self._stub.GetPolicy(request, metadata=caller.metadata))
        return {"Policy": _policy(answer.policy)}

    async def list_policies(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List policies."""
        refuse_members(values, "PolicyUsageFilter")
        request = pb.ListPoliciesRequest(
            scope=_SCOPES[values.get("Scope", "All")],
            only_attached=values.get("OnlyAttached", False),
            **page(values),
        )
        answer = await ask(self._stub.ListPolicies(request, metadata=caller.metadata))
        policies = [_policy(each) for each in answer.policies]
        return {"Policies": with_prefix(values, policies), **rest(answer.next_page_token)}

    async def delete_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete a policy on which nothing hangs."""
        request = pb.DeletePolicyRequest(policy_arn=values["PolicyArn"])
        await ask(self._stub.DeletePolicy(request, metadata=caller.metadata))
        return {}

    async def create_policy_version(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Add a version."""
        request = pb.CreatePolicyVersionRequest(
            policy_arn=values["PolicyArn"],
            document=values["PolicyDocument"],
            set_as_default=values.get("SetAsDefault", False),
        )
        answer = await put(self._stub.CreatePolicyVersion(request, metadata=caller.metadata))
        # As at AWS, the document that was just sent does not come back.
        return {"PolicyVersion": {**_version(answer.version), "Document": None}}

    async def get_policy_version(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return a version with its document."""
        request = pb.GetPolicyVersionRequest(policy_arn=values["PolicyArn"], version_id=values["VersionId"])
        answer = await ask(self._stub.GetPolicyVersion(request, metadata=caller.metadata))
        return {"PolicyVersion": _version(answer.version)}

    async def list_policy_versions(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List a policy's versions, without documents."""
        request = pb.ListPolicyVersionsRequest(policy_arn=values["PolicyArn"], **page(values))
        answer = await ask(self._stub.ListPolicyVersions(request, metadata=caller.metadata))
        versions = [{**_version(each), "Document": None} for each in answer.versions]
        return {"Versions": versions, **rest(answer.next_page_token)}

    async def set_default_version(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Make a version the one that counts."""
        request = pb.SetDefaultPolicyVersionRequest(
            policy_arn=values["PolicyArn"], version_id=values["VersionId"]
        )
        await ask(self._stub.SetDefaultPolicyVersion(request, metadata=caller.metadata))
        return {}

    async def delete_policy_version(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete a version that is not the default."""
        request = pb.DeletePolicyVersionRequest(
            policy_arn=values["PolicyArn"], version_id=values["VersionId"]
        )
        await ask(self._stub.DeletePolicyVersion(request, metadata=caller.metadata))
        return {}

    async def list_entities(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List whom a policy is attached to, or bounds."""
        refuse_path({"Path": values.get("PathPrefix", "/")})
        kind = values.get("EntityFilter")
        if kind is not None and kind not in _KINDS:
            raise invalid("A policy is attached to a User, a Group or a Role.")
        request = pb.ListEntitiesForPolicyRequest(
            policy_arn=values["PolicyArn"],
            usage=_USAGES.get(values.get("PolicyUsageFilter", "")),
            kind=_KINDS.get(kind or ""),
            **page(values),
        )
        answer = await ask(self._stub.ListEntitiesForPolicy(request, metadata=caller.metadata))
        found = {
            f"Policy{name}s": [
                {f"{name}Name": each.entity_name, f"{name}Id": each.entity_id}
                for each in answer.entities
                if each.kind == kind
            ]
            for name, kind in _KINDS.items()
        }
        return {**found, **rest(answer.next_page_token)}

    async def attach_user_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Attach a policy to a user."""
        request = pb.AttachUserPolicyRequest(
            user_name=user_name_of(values, caller), policy_arn=values["PolicyArn"]
        )
        await ask(self._stub.AttachUserPolicy(request, metadata=caller.metadata))
        return {}

    async def detach_user_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Detach a policy from a user."""
        request = pb.DetachUserPolicyRequest(
            user_name=user_name_of(values, caller), policy_arn=values["PolicyArn"]
        )
        await ask(self._stub.DetachUserPolicy(request, metadata=caller.metadata))
        return {}

    async def list_user_policies(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List what is attached to a user."""
        request = pb.ListAttachedUserPoliciesRequest(user_name=user_name_of(values, caller), **page(values))
        return _attached(
            values, await ask(self._stub.ListAttachedUserPolicies(request, metadata=caller.metadata))
        )

    async def attach_group_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Attach a policy to a group."""
        request = pb.AttachGroupPolicyRequest(group_name=values["GroupName"], policy_arn=values["PolicyArn"])
        await ask(self._stub.AttachGroupPolicy(request, metadata=caller.metadata))
        return {}

    async def detach_group_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Detach a policy from a group."""
        request = pb.DetachGroupPolicyRequest(group_name=values["GroupName"], policy_arn=values["PolicyArn"])
        await ask(self._stub.DetachGroupPolicy(request, metadata=caller.metadata))
        return {}

    async def list_group_policies(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List what is attached to a group."""
        request = pb.ListAttachedGroupPoliciesRequest(group_name=values["GroupName"], **page(values))
        return _attached(
            values, await ask(self._stub.ListAttachedGroupPolicies(request, metadata=caller.metadata))
        )

    async def attach_role_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Attach a policy to a role."""
        request = pb.AttachRolePolicyRequest(role_name=values["RoleName"], policy_arn=values["PolicyArn"])
        await ask(self._stub.AttachRolePolicy(request, metadata=caller.metadata))
        return {}

    async def detach_role_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Detach a policy from a role."""
        request = pb.DetachRolePolicyRequest(role_name=values["RoleName"], policy_arn=values["PolicyArn"])
        await ask(self._stub.DetachRolePolicy(request, metadata=caller.metadata))
        return {}

    async def list_role_policies(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List what is attached to a role."""
        request = pb.ListAttachedRolePoliciesRequest(role_name=values["RoleName"], **page(values))
        return _attached(
            values, await ask(self._stub.ListAttachedRolePolicies(request, metadata=caller.metadata))
        )


def _policy(message: pb.ManagedPolicy) -> Mapping[str, Any]:
    return {
        "PolicyName": message.policy_name,
        "PolicyId": message.policy_id,
        "Arn": message.arn,
        "Path": path_of(message.arn, message.policy_name),
        "DefaultVersionId": message.default_version_id,
        "AttachmentCount": message.attachment_count,
        "PermissionsBoundaryUsageCount": message.permissions_boundary_usage_count,
        "IsAttachable": True,
        "Description": message.description or None,
        "CreateDate": second(message.create_time.ToDatetime(UTC)),
        "UpdateDate": second(message.update_time.ToDatetime(UTC)),
    }


def _version(message: pb.PolicyVersion) -> Mapping[str, Any]:
    return {
        "Document": quoted(message.document),
        "VersionId": message.version_id,
        "IsDefaultVersion": message.is_default_version,
        "CreateDate": second(message.create_time.ToDatetime(UTC)),
    }


def _attached(values: Mapping[str, Any], answer: Any) -> Mapping[str, Any]:
    prefix = values.get("PathPrefix", "/")
    return {
        "AttachedPolicies": [
            {"PolicyName": each.policy_name, "PolicyArn": each.policy_arn}
            for each in answer.attached_policies
            if path_of(each.policy_arn, each.policy_name).startswith(prefix)
        ],
        **rest(answer.next_page_token),
    }
