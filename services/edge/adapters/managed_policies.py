"""IAM's managed policies, answered by auth: their versions, and whom they are attached to."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from craton.auth.v1 import managed_policy_service_pb2 as pb
from craton.auth.v1 import managed_policy_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.iam_calls import Choice, IamCall, Render, calls, listed, nothing, tags_listed
from services.edge.adapters.iam_values import path_of, quoted, rest, second, tag
from services.edge.ports import Operation

_SCOPE = Choice(
    "Scope",
    {
        "All": pb.POLICY_SCOPE_UNSPECIFIED,
        "AWS": pb.POLICY_SCOPE_AWS,
        "Local": pb.POLICY_SCOPE_LOCAL,
    },
)
_USAGE = Choice(
    "PolicyUsageFilter",
    {
        "PermissionsPolicy": pb.POLICY_USAGE_PERMISSIONS_POLICY,
        "PermissionsBoundary": pb.POLICY_USAGE_PERMISSIONS_BOUNDARY,
    },
)
_KIND = Choice(
    "EntityFilter",
    {"User": pb.ENTITY_KIND_USER, "Group": pb.ENTITY_KIND_GROUP, "Role": pb.ENTITY_KIND_ROLE},
)


def managed_policies(channel: Channel) -> Mapping[str, Operation]:
    """Return the operations on managed policies of the account and built-in ones; `channel` leads to auth."""
    stub = rpc.ManagedPolicyServiceStub(channel)
    renders: dict[str, Render] = {
        "CreatePolicy": _of_policy,
        "GetPolicy": _of_policy,
        "DeletePolicy": nothing,
        "CreatePolicyVersion": _new_version,
        "GetPolicyVersion": lambda answer, _: {"PolicyVersion": version(answer.version)},
        "ListPolicyVersions": listed("Versions", "versions", _undocumented),
        "SetDefaultPolicyVersion": nothing,
        "DeletePolicyVersion": nothing,
        "TagPolicy": nothing,
        "UntagPolicy": nothing,
        "ListPolicyTags": tags_listed,
    }
    for kind in _KIND.values:
        renders |= {
            f"Attach{kind}Policy": nothing,
            f"Detach{kind}Policy": nothing,
            f"ListAttached{kind}Policies": listed("AttachedPolicies", "attached_policies", attached),
        }
    return {
        **calls(stub, pb, renders),
        "ListPolicies": IamCall(
            stub.ListPolicies,
            pb.ListPoliciesRequest,
            listed("Policies", "policies", managed_policy),
            {"scope": _SCOPE, "usage": _USAGE},
        ),
        "ListEntitiesForPolicy": IamCall(
            stub.ListEntitiesForPolicy,
            pb.ListEntitiesForPolicyRequest,
            _entities,
            {"usage": _USAGE, "kind": _KIND},
        ),
    }


def _of_policy(answer: Any, _request: Any) -> Mapping[str, Any]:
    return {"Policy": managed_policy(answer.policy)}


def _new_version(answer: Any, _request: Any) -> Mapping[str, Any]:
    # As at AWS, the document that was just sent does not come back.
    return {"PolicyVersion": _undocumented(answer.version)}


def _entities(answer: Any, _request: Any) -> Mapping[str, Any]:
    found = {
        f"Policy{name}s": [
            {f"{name}Name": each.entity_name, f"{name}Id": each.entity_id}
            for each in answer.entities
            if each.kind == kind
        ]
        for name, kind in _KIND.values.items()
    }
    return {**found, **rest(answer.next_page_token)}


def attached(message: pb.AttachedPolicy) -> Mapping[str, Any]:
    """Render a policy that is attached."""
    return {"PolicyName": message.policy_name, "PolicyArn": message.policy_arn}


def managed_policy(message: pb.ManagedPolicy) -> Mapping[str, Any]:
    """Render a managed policy."""
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
        "Tags": [tag(each) for each in message.tags] or None,
    }


def version(message: pb.PolicyVersion) -> Mapping[str, Any]:
    """Render a version."""
    return {
        "Document": quoted(message.document),
        "VersionId": message.version_id,
        "IsDefaultVersion": message.is_default_version,
        "CreateDate": second(message.create_time.ToDatetime(UTC)),
    }


def _undocumented(message: pb.PolicyVersion) -> Mapping[str, Any]:
    return {**version(message), "Document": None}
