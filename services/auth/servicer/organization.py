"""The organization's tree and its policies."""

from typing import Any

from craton.auth.v1 import (
    organization_policy_service_pb2,
    organization_policy_service_pb2_grpc,
    organization_service_pb2,
    organization_service_pb2_grpc,
)

from services.auth.domain.organization import (
    ControlPolicy,
    NodeKind,
    OrganizationArns,
    PolicyType,
    Unit,
    kind_of,
)
from services.auth.domain.pages import PageRequest
from services.auth.operations.organization import Organization, OrganizationAdmission
from services.auth.operations.organization_policies import ControlPolicies
from services.auth.servicer import messages
from services.chassis.context import current_call
from services.chassis.policy.finding_messages import findings_about

_TYPE_TO_MESSAGE = {
    PolicyType.SERVICE_CONTROL: organization_service_pb2.ORGANIZATION_POLICY_TYPE_SERVICE_CONTROL_POLICY,
    PolicyType.RESOURCE_CONTROL: organization_service_pb2.ORGANIZATION_POLICY_TYPE_RESOURCE_CONTROL_POLICY,
}
_TYPE_OF_MESSAGE = {message: policy_type for policy_type, message in _TYPE_TO_MESSAGE.items()}
_KIND_TO_MESSAGE = {
    NodeKind.ROOT: organization_service_pb2.ORGANIZATION_NODE_TYPE_ROOT,
    NodeKind.ORGANIZATIONAL_UNIT: organization_service_pb2.ORGANIZATION_NODE_TYPE_ORGANIZATIONAL_UNIT,
    NodeKind.ACCOUNT: organization_service_pb2.ORGANIZATION_NODE_TYPE_ACCOUNT,
}


class OrganizationServicer(organization_service_pb2_grpc.OrganizationServiceServicer):
    """OrganizationService."""

    def __init__(self, organization: Organization, admission: OrganizationAdmission) -> None:
        """Serve `organization`, whose ARNs `admission` knows."""
        self._organization = organization
        self._admission = admission

    async def DescribeOrganization(self, request: Any, context: Any) -> Any:
        """See the contract."""
        installation = await self._organization.describe(current_call())
        return organization_service_pb2.DescribeOrganizationResponse(
            organization=organization_service_pb2.Organization(
                organization_id=installation.organization_id,
                arn=(await self._admission.arns()).organization(),
                management_account_id=installation.management_account_id,
            )
        )

    async def ListRoots(self, request: Any, context: Any) -> Any:
        """See the contract."""
        root, enabled = await self._organization.root(current_call())
        return organization_service_pb2.ListRootsResponse(
            roots=[_root(root, enabled, await self._admission.arns())]
        )

    async def CreateOrganizationalUnit(self, request: Any, context: Any) -> Any:
        """See the contract."""
        unit = await self._organization.create_unit(current_call(), request.parent_id, request.name)
        return organization_service_pb2.CreateOrganizationalUnitResponse(
            organizational_unit=_unit(unit, await self._admission.arns())
        )

    async def DescribeOrganizationalUnit(self, request: Any, context: Any) -> Any:
        """See the contract."""
        unit = await self._organization.unit(current_call(), request.organizational_unit_id)
        return organization_service_pb2.DescribeOrganizationalUnitResponse(
            organizational_unit=_unit(unit, await self._admission.arns())
        )

    async def UpdateOrganizationalUnit(self, request: Any, context: Any) -> Any:
        """See the contract."""
        unit = await self._organization.rename_unit(
            current_call(), request.organizational_unit_id, request.name
        )
        return organization_service_pb2.UpdateOrganizationalUnitResponse(
            organizational_unit=_unit(unit, await self._admission.arns())
        )

    async def DeleteOrganizationalUnit(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._organization.delete_unit(current_call(), request.organizational_unit_id)
        return organization_service_pb2.DeleteOrganizationalUnitResponse()

    async def ListOrganizationalUnitsForParent(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._organization.units_in(current_call(), request.parent_id, wanted)
        arns = await self._admission.arns()
        return organization_service_pb2.ListOrganizationalUnitsForParentResponse(
            organizational_units=[_unit(each, arns) for each in page.items],
            next_page_token=page.next_token,
        )

    async def ListAccountsForParent(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._organization.accounts_in(current_call(), request.parent_id, wanted)
        return organization_service_pb2.ListAccountsForParentResponse(
            accounts=[messages.account(each) for each in page.items], next_page_token=page.next_token
        )

    async def ListParents(self, request: Any, context: Any) -> Any:
        """See the contract."""
        parent_id = await self._organization.parent_of(current_call(), request.child_id)
        return organization_service_pb2.ListParentsResponse(parents=[_node(parent_id)])

    async def ListChildren(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        units = request.child_type == organization_service_pb2.ORGANIZATION_NODE_TYPE_ORGANIZATIONAL_UNIT
        listing = self._organization.child_units if units else self._organization.child_accounts
        page = await listing(current_call(), request.parent_id, wanted)
        return organization_service_pb2.ListChildrenResponse(
            children=[_node(each) for each in page.items], next_page_token=page.next_token
        )

    async def MoveAccount(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._organization.move_account(
            current_call(), request.account_id, request.source_parent_id, request.destination_parent_id
        )
        return organization_service_pb2.MoveAccountResponse()


class OrganizationPolicyServicer(organization_policy_service_pb2_grpc.OrganizationPolicyServiceServicer):
    """OrganizationPolicyService."""

    def __init__(self, policies: ControlPolicies) -> None:
        """Serve `policies`."""
        self._policies = policies

    async def EnablePolicyType(self, request: Any, context: Any) -> Any:
        """See the contract."""
        policy_type = _TYPE_OF_MESSAGE[request.policy_type]
        root = await self._policies.enable_type(current_call(), request.root_id, policy_type)
        return organization_policy_service_pb2.EnablePolicyTypeResponse(root=_root(*root))

    async def DisablePolicyType(self, request: Any, context: Any) -> Any:
        """See the contract."""
        policy_type = _TYPE_OF_MESSAGE[request.policy_type]
        root = await self._policies.disable_type(current_call(), request.root_id, policy_type)
        return organization_policy_service_pb2.DisablePolicyTypeResponse(root=_root(*root))

    async def CreateOrganizationPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        created = await self._policies.create(
            current_call(),
            _TYPE_OF_MESSAGE[request.policy_type],
            request.name,
            request.description,
            request.content,
        )
        return organization_policy_service_pb2.CreateOrganizationPolicyResponse(
            policy=_policy(*created), findings=findings_about(request.content, created[0].policy_type.kind)
        )

    async def DescribeOrganizationPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        found = await self._policies.describe(current_call(), request.policy_id)
        return organization_policy_service_pb2.DescribeOrganizationPolicyResponse(policy=_policy(*found))

    async def UpdateOrganizationPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        changed = await self._policies.update(
            current_call(),
            request.policy_id,
            request.name if request.HasField("name") else None,
            request.description if request.HasField("description") else None,
            request.content if request.HasField("content") else None,
        )
        findings = []
        if request.HasField("content"):
            findings = findings_about(request.content, changed[0].policy_type.kind)
        return organization_policy_service_pb2.UpdateOrganizationPolicyResponse(
            policy=_policy(*changed), findings=findings
        )

    async def DeleteOrganizationPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._policies.delete(current_call(), request.policy_id)
        return organization_policy_service_pb2.DeleteOrganizationPolicyResponse()

    async def ListOrganizationPolicies(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        policy_type = _TYPE_OF_MESSAGE[request.policy_type]
        page, arns = await self._policies.list(current_call(), policy_type, wanted)
        return organization_policy_service_pb2.ListOrganizationPoliciesResponse(
            policies=[_listed(each, arns) for each in page.items], next_page_token=page.next_token
        )

    async def AttachOrganizationPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._policies.attach(current_call(), request.policy_id, request.target_id)
        return organization_policy_service_pb2.AttachOrganizationPolicyResponse()

    async def DetachOrganizationPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._policies.detach(current_call(), request.policy_id, request.target_id)
        return organization_policy_service_pb2.DetachOrganizationPolicyResponse()

    async def ListPoliciesForTarget(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        policy_type = _TYPE_OF_MESSAGE[request.policy_type]
        page, arns = await self._policies.policies_of(current_call(), request.target_id, policy_type, wanted)
        return organization_policy_service_pb2.ListPoliciesForTargetResponse(
            policies=[_listed(each, arns) for each in page.items], next_page_token=page.next_token
        )

    async def ListTargetsForPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page, arns = await self._policies.targets_of(current_call(), request.policy_id, wanted)
        targets = [
            organization_policy_service_pb2.OrganizationPolicyTarget(
                target_id=each.node_id,
                arn=arns.node(each.node_id),
                name=each.name,
                type=_KIND_TO_MESSAGE[each.kind],
            )
            for each in page.items
        ]
        return organization_policy_service_pb2.ListTargetsForPolicyResponse(
            targets=targets, next_page_token=page.next_token
        )


def _node(node_id: str) -> organization_service_pb2.OrganizationNode:
    return organization_service_pb2.OrganizationNode(id=node_id, type=_KIND_TO_MESSAGE[kind_of(node_id)])


def _unit(unit: Unit, arns: OrganizationArns) -> organization_service_pb2.OrganizationalUnit:
    return organization_service_pb2.OrganizationalUnit(
        organizational_unit_id=unit.unit_id,
        arn=arns.node(unit.unit_id),
        name=unit.name,
        parent_id=unit.parent_id,
        create_time=messages.timestamp(unit.created_at),
    )


def _root(
    root: Unit, enabled: tuple[PolicyType, ...], arns: OrganizationArns
) -> organization_service_pb2.OrganizationRoot:
    return organization_service_pb2.OrganizationRoot(
        root_id=root.unit_id,
        arn=arns.node(root.unit_id),
        name=root.name,
        enabled_policy_types=[_TYPE_TO_MESSAGE[each] for each in enabled],
    )


def _policy(policy: ControlPolicy, arn: str) -> organization_policy_service_pb2.OrganizationPolicy:
    message = organization_policy_service_pb2.OrganizationPolicy(
        policy_id=policy.policy_id,
        arn=arn,
        type=_TYPE_TO_MESSAGE[policy.policy_type],
        name=policy.name,
        description=policy.description,
        aws_managed=policy.aws_managed,
        content=policy.document,
    )
    if not policy.aws_managed:
        message.update_time.CopyFrom(messages.timestamp(policy.updated_at))
    return message


def _listed(
    policy: ControlPolicy, arns: OrganizationArns
) -> organization_policy_service_pb2.OrganizationPolicy:
    message = _policy(policy, arns.policy(policy.policy_id, policy.policy_type))
    message.ClearField("content")
    return message
