"""Service control policies and resource control policies, for principals of the management account."""

from dataclasses import dataclass

from services.auth.domain.organization import (
    MAX_ATTACHED,
    MAX_POLICIES,
    ControlPolicy,
    Node,
    OrganizationArns,
    PolicyType,
    Unit,
    new_policy_id,
)
from services.auth.domain.pages import PageRequest
from services.auth.errors.organization import control_policy_not_found, root_not_found
from services.auth.operations.organization import OrganizationAdmission
from services.auth.ports.organization import ControlPolicyStore, OrganizationStore
from services.auth.ports.revocation import Revocations
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.policy.document import canonical, parse
from services.chassis.randomness import Randomness

Root = tuple[Unit, tuple[PolicyType, ...], OrganizationArns]
"""The root with the types of policies that count, and the ARNs of the organization."""


@dataclass(frozen=True, slots=True)
class ControlPolicies:
    """Manages the policies of the organization."""

    store: ControlPolicyStore
    tree: OrganizationStore
    admission: OrganizationAdmission
    revocations: Revocations
    clock: Clock
    randomness: Randomness

    async def enable_type(self, call: CallContext, root_id: str, policy_type: PolicyType) -> Root:
        """Let policies of a type count (organizations:EnablePolicyType)."""
        await self._admit_root(call, "EnablePolicyType", root_id, policy_type)
        await self.revocations.publish_all(await self.store.enable_type(policy_type))
        return await self._root()

    async def disable_type(self, call: CallContext, root_id: str, policy_type: PolicyType) -> Root:
        """Detach all policies of a type and let none count (organizations:DisablePolicyType)."""
        await self._admit_root(call, "DisablePolicyType", root_id, policy_type)
        await self.revocations.publish_all(await self.store.disable_type(policy_type))
        return await self._root()

    async def create(
        self, call: CallContext, policy_type: PolicyType, name: str, description: str, document: str
    ) -> tuple[ControlPolicy, str]:
        """Create a policy (organizations:CreatePolicy). Raises UNSUPPORTED_POLICY."""
        await self.admission.admit(call, "CreatePolicy", policy_type=policy_type)
        policy_id = new_policy_id(self.randomness)
        call.resources.append(policy_id)
        evaluated = canonical(parse(document, policy_type.kind))
        now = self.clock.now()
        policy = ControlPolicy(policy_id, policy_type, name, description, document, evaluated, now)
        await self.store.create(policy, MAX_POLICIES)
        return policy, (await self.admission.arns()).policy(policy_id, policy_type)

    async def describe(self, call: CallContext, policy_id: str) -> tuple[ControlPolicy, str]:
        """Return a policy with its ARN (organizations:DescribePolicy)."""
        return await self._admitted(call, "DescribePolicy", policy_id)

    async def update(
        self,
        call: CallContext,
        policy_id: str,
        name: str | None,
        description: str | None,
        document: str | None,
    ) -> tuple[ControlPolicy, str]:
        """Change what is given (organizations:UpdatePolicy). Raises UNSUPPORTED_POLICY."""
        held, arn = await self._admitted(call, "UpdatePolicy", policy_id)
        content = None
        if document is not None:
            content = document, canonical(parse(document, held.policy_type.kind))
        now = self.clock.now()
        policy, epochs = await self.store.update(policy_id, name, description, content, now)
        await self.revocations.publish_all(epochs)
        return policy, arn

    async def delete(self, call: CallContext, policy_id: str) -> None:
        """Delete a policy that is attached nowhere (organizations:DeletePolicy)."""
        await self._admitted(call, "DeletePolicy", policy_id)
        await self.store.delete(policy_id)

    async def list(
        self, call: CallContext, policy_type: PolicyType, request: PageRequest
    ) -> tuple[Page[ControlPolicy], OrganizationArns]:
        """List the policies of a type (organizations:ListPolicies)."""
        await self.admission.admit(call, "ListPolicies", policy_type=policy_type)
        return await self.store.policies(policy_type, request), await self.admission.arns()

    async def attach(self, call: CallContext, policy_id: str, target_id: str) -> None:
        """Attach a policy (organizations:AttachPolicy on the policy and the target)."""
        await self._admitted(call, "AttachPolicy", policy_id, target_id)
        await self.revocations.publish_all(await self.store.attach(policy_id, target_id, MAX_ATTACHED))

    async def detach(self, call: CallContext, policy_id: str, target_id: str) -> None:
        """Detach a policy (organizations:DetachPolicy on the policy and the target)."""
        await self._admitted(call, "DetachPolicy", policy_id, target_id)
        await self.revocations.publish_all(await self.store.detach(policy_id, target_id))

    async def policies_of(
        self, call: CallContext, target_id: str, policy_type: PolicyType, request: PageRequest
    ) -> tuple[Page[ControlPolicy], OrganizationArns]:
        """List what is attached to a target itself (organizations:ListPoliciesForTarget)."""
        await self.admission.admit_nodes(call, "ListPoliciesForTarget", target_id, policy_type=policy_type)
        page = await self.store.policies_of(target_id, policy_type, request)
        return page, await self.admission.arns()

    async def targets_of(
        self, call: CallContext, policy_id: str, request: PageRequest
    ) -> tuple[Page[Node], OrganizationArns]:
        """List what a policy is attached to (organizations:ListTargetsForPolicy)."""
        await self._admitted(call, "ListTargetsForPolicy", policy_id)
        return await self.store.targets_of(policy_id, request), await self.admission.arns()

    async def _admit_root(
        self, call: CallContext, action: str, root_id: str, policy_type: PolicyType
    ) -> None:
        await self.admission.admit_nodes(call, action, root_id, policy_type=policy_type)
        if (await self.tree.root())[0].unit_id != root_id:
            raise root_not_found(root_id)

    async def _root(self) -> Root:
        root, enabled = await self.tree.root()
        return root, tuple(enabled), await self.admission.arns()

    async def _admitted(
        self, call: CallContext, action: str, policy_id: str, *node_ids: str
    ) -> tuple[ControlPolicy, str]:
        """Return a policy and its ARN when the caller may do the action on it, and on the nodes.

        The ARN holds the policy's type, so that it is read first. Whoever asks for a policy that does not
        exist is checked against the ARN that a service control policy of this id would have.
        """
        arns, found = await self.admission.arns(), await self.store.find(policy_id)
        policy_type = PolicyType.SERVICE_CONTROL if found is None else found.policy_type
        arn = arns.policy(policy_id, policy_type)
        nodes = (arns.node(each) for each in node_ids)
        await self.admission.admit(call, action, arn, *nodes, policy_type=policy_type)
        if found is None:
            raise control_policy_not_found(policy_id)
        return found, arn
