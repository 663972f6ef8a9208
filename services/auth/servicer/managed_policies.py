"""Managed policies, their versions and their attachments."""

from collections.abc import Iterable
from typing import Any

from craton.auth.v1 import managed_policy_service_pb2 as pb
from craton.auth.v1 import managed_policy_service_pb2_grpc

from services.auth.domain.identity import (
    Entity,
    EntityKind,
    ManagedPolicy,
    PolicyFilter,
    PolicyReference,
    PolicyScope,
    PolicyUsage,
    PolicyVersion,
)
from services.auth.domain.pages import PageRequest
from services.auth.operations.managed_policies import Attachments, ManagedPolicies
from services.auth.operations.tags import PolicyTags
from services.auth.servicer import messages
from services.auth.servicer.messages import timestamp
from services.chassis.arn import name_of, policy_arn
from services.chassis.context import current_call
from services.chassis.pages import Page
from services.chassis.policy.finding_messages import findings_about

_SCOPES = {
    pb.POLICY_SCOPE_UNSPECIFIED: PolicyScope.ALL,
    pb.POLICY_SCOPE_AWS: PolicyScope.AWS,
    pb.POLICY_SCOPE_LOCAL: PolicyScope.LOCAL,
}
_USAGES = {
    pb.POLICY_USAGE_UNSPECIFIED: PolicyUsage.ANY,
    pb.POLICY_USAGE_PERMISSIONS_POLICY: PolicyUsage.PERMISSIONS,
    pb.POLICY_USAGE_PERMISSIONS_BOUNDARY: PolicyUsage.BOUNDARY,
}
_KINDS = {
    pb.ENTITY_KIND_UNSPECIFIED: None,
    pb.ENTITY_KIND_USER: EntityKind.USER,
    pb.ENTITY_KIND_GROUP: EntityKind.GROUP,
    pb.ENTITY_KIND_ROLE: EntityKind.ROLE,
}
_KIND_TO_MESSAGE = {kind: message for message, kind in _KINDS.items() if kind is not None}


class ManagedPolicyServicer(managed_policy_service_pb2_grpc.ManagedPolicyServiceServicer):
    """ManagedPolicyService."""

    def __init__(
        self, policies: ManagedPolicies, tags: PolicyTags, attachments: Attachments, partition: str
    ) -> None:
        """Serve `policies`, their `tags` and their `attachments`."""
        self._policies = policies
        self._tags = tags
        self._attachments = attachments
        self._partition = partition

    async def CreatePolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        policy = await self._policies.create(
            current_call(),
            request.policy_name,
            request.document,
            request.description,
            path=request.path,
            tags=messages.tags_of(request.tags),
        )
        return pb.CreatePolicyResponse(
            policy=policy_message(policy, self._partition), findings=findings_about(request.document)
        )

    async def GetPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        policy = await self._policies.get(current_call(), request.policy_arn)
        return pb.GetPolicyResponse(policy=policy_message(policy, self._partition))

    async def ListPolicies(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PolicyFilter(
            _SCOPES[request.scope], request.only_attached, _USAGES[request.usage], request.path_prefix
        )
        page = await self._policies.list(current_call(), wanted, _wanted(request))
        return pb.ListPoliciesResponse(
            policies=[policy_message(policy, self._partition) for policy in page.items],
            next_page_token=page.next_token,
        )

    async def DeletePolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._policies.delete(current_call(), request.policy_arn)
        return pb.DeletePolicyResponse()

    async def CreatePolicyVersion(self, request: Any, context: Any) -> Any:
        """See the contract."""
        version = await self._policies.create_version(
            current_call(), request.policy_arn, request.document, as_default=request.set_as_default
        )
        return pb.CreatePolicyVersionResponse(
            version=version_message(version), findings=findings_about(request.document)
        )

    async def GetPolicyVersion(self, request: Any, context: Any) -> Any:
        """See the contract."""
        version = await self._policies.get_version(current_call(), request.policy_arn, _number(request))
        return pb.GetPolicyVersionResponse(version=version_message(version))

    async def ListPolicyVersions(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._policies.list_versions(current_call(), request.policy_arn, _wanted(request))
        return pb.ListPolicyVersionsResponse(
            versions=[version_message(version) for version in page.items], next_page_token=page.next_token
        )

    async def SetDefaultPolicyVersion(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._policies.set_default(current_call(), request.policy_arn, _number(request))
        return pb.SetDefaultPolicyVersionResponse()

    async def DeletePolicyVersion(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._policies.delete_version(current_call(), request.policy_arn, _number(request))
        return pb.DeletePolicyVersionResponse()

    async def ListEntitiesForPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._attachments.entities(
            current_call(),
            request.policy_arn,
            _USAGES[request.usage],
            _KINDS[request.kind],
            _wanted(request),
            request.path_prefix,
        )
        return pb.ListEntitiesForPolicyResponse(
            entities=[
                pb.PolicyEntity(
                    kind=_KIND_TO_MESSAGE[each.kind], entity_name=each.name, entity_id=each.entity_id
                )
                for each in page.items
            ],
            next_page_token=page.next_token,
        )

    async def TagPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._tags.tag(current_call(), request.policy_arn, messages.tags_of(request.tags))
        return pb.TagPolicyResponse()

    async def UntagPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._tags.untag(current_call(), request.policy_arn, tuple(request.tag_keys))
        return pb.UntagPolicyResponse()

    async def ListPolicyTags(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._tags.list(current_call(), request.policy_arn, _wanted(request))
        return pb.ListPolicyTagsResponse(
            tags=[messages.tag(each) for each in page.items], next_page_token=page.next_token
        )

    async def AttachUserPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._attachments.attach(current_call(), _user(request), request.policy_arn)
        return pb.AttachUserPolicyResponse()

    async def DetachUserPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._attachments.detach(current_call(), _user(request), request.policy_arn)
        return pb.DetachUserPolicyResponse()

    async def ListAttachedUserPolicies(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._attached(_user(request), request)
        return pb.ListAttachedUserPoliciesResponse(
            attached_policies=attached_messages(page.items, self._partition), next_page_token=page.next_token
        )

    async def AttachGroupPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._attachments.attach(current_call(), _group(request), request.policy_arn)
        return pb.AttachGroupPolicyResponse()

    async def DetachGroupPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._attachments.detach(current_call(), _group(request), request.policy_arn)
        return pb.DetachGroupPolicyResponse()

    async def ListAttachedGroupPolicies(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._attached(_group(request), request)
        return pb.ListAttachedGroupPoliciesResponse(
            attached_policies=attached_messages(page.items, self._partition), next_page_token=page.next_token
        )

    async def AttachRolePolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._attachments.attach(current_call(), _role(request), request.policy_arn)
        return pb.AttachRolePolicyResponse()

    async def DetachRolePolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._attachments.detach(current_call(), _role(request), request.policy_arn)
        return pb.DetachRolePolicyResponse()

    async def ListAttachedRolePolicies(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._attached(_role(request), request)
        return pb.ListAttachedRolePoliciesResponse(
            attached_policies=attached_messages(page.items, self._partition), next_page_token=page.next_token
        )

    async def _attached(self, entity: Entity, request: Any) -> Page[PolicyReference]:
        return await self._attachments.attached(current_call(), entity, _wanted(request), request.path_prefix)


def policy_message(policy: ManagedPolicy, partition: str) -> pb.ManagedPolicy:
    """Return a managed policy as a message."""
    arn = messages.arn_of_policy(policy.reference, partition)
    return pb.ManagedPolicy(
        # As all names of resources here, without the path.
        name=name_of(policy_arn(policy.reference.owner, policy.reference.policy_name, partition), partition),
        policy_name=policy.reference.policy_name,
        policy_id=policy.policy_id,
        arn=arn,
        description=policy.description,
        default_version_id=f"v{policy.default_version}",
        attachment_count=policy.attachments,
        permissions_boundary_usage_count=policy.boundaries,
        create_time=timestamp(policy.created_at),
        update_time=timestamp(policy.updated_at),
        tags=[messages.tag(each) for each in policy.tags],
    )


def attached_messages(policies: Iterable[PolicyReference], partition: str) -> list[pb.AttachedPolicy]:
    """Return policies that are attached as messages."""
    return [
        pb.AttachedPolicy(policy_name=each.policy_name, policy_arn=messages.arn_of_policy(each, partition))
        for each in policies
    ]


def version_message(version: PolicyVersion) -> pb.PolicyVersion:
    """Return a version as a message."""
    return pb.PolicyVersion(
        version_id=f"v{version.number}",
        document=version.document,
        is_default_version=version.is_default,
        create_time=timestamp(version.created_at),
    )


def _number(request: Any) -> int:
    return int(request.version_id.removeprefix("v"))


def _wanted(request: Any) -> PageRequest:
    return PageRequest.parse(request.page_size, request.page_token)


def _user(request: Any) -> Entity:
    return Entity(EntityKind.USER, request.user_name)


def _group(request: Any) -> Entity:
    return Entity(EntityKind.GROUP, request.group_name)


def _role(request: Any) -> Entity:
    return Entity(EntityKind.ROLE, request.role_name)
