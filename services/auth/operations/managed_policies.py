"""Managed policies, their versions, and what they are attached to, as the caller's own policies allow."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.auth.domain.identity import (
    Entity,
    EntityKind,
    ManagedPolicy,
    NamedEntity,
    PolicyFilter,
    PolicyReference,
    PolicyUsage,
    PolicyVersion,
    Tag,
)
from services.auth.domain.ids import new_policy_id
from services.auth.domain.pages import PageRequest
from services.auth.domain.tag_rules import check_tags, in_order
from services.auth.errors import built_in_policy
from services.auth.operations.admission import Caller
from services.auth.operations.documents import accepted_policy
from services.auth.operations.entities import IdentityAdmission, require_usable
from services.auth.ports.identity import AttachmentStore, ManagedPolicyStore
from services.auth.ports.revocation import Revocations
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.randomness import Randomness

MAX_POLICIES = 1_500
"""Managed policies an account may have, as at AWS."""

MAX_VERSIONS = 5
"""Versions a policy may have at a time, as at AWS."""

MAX_ATTACHED = 10
"""Managed policies an entity may have attached, as at AWS."""


@dataclass(frozen=True, slots=True)
class ManagedPolicies:
    """Manages the policies of the caller's account. Built-in ones can be read."""

    store: ManagedPolicyStore
    admission: IdentityAdmission
    revocations: Revocations
    clock: Clock
    randomness: Randomness

    async def create(
        self,
        call: CallContext,
        policy_name: str,
        document: str,
        description: str,
        *,
        path: str = "",
        tags: Sequence[Tag] = (),
    ) -> ManagedPolicy:
        """Create a policy with its version v1 (iam:CreatePolicy, and iam:TagPolicy for tags).

        Raises UNSUPPORTED_POLICY.
        """
        check_tags(tags)
        entity = Entity(EntityKind.POLICY, policy_name)
        caller = await self.admission.admit_new(call, "iam:CreatePolicy", entity, path, tags)
        now = self.clock.now()
        evaluated = accepted_policy(document)
        version = PolicyVersion(1, document, evaluated, is_default=True, created_at=now)
        policy = ManagedPolicy(
            PolicyReference(caller.account_id, policy_name, path or "/"),
            new_policy_id(self.randomness),
            description,
            version.number,
            now,
            now,
            tags=in_order(tags),
        )
        await self._publish(caller, await self.store.create_policy(policy, version, MAX_POLICIES))
        return policy

    async def get(self, call: CallContext, arn: str) -> ManagedPolicy:
        """Return a policy (iam:GetPolicy)."""
        caller, policy = await self._admit(call, "iam:GetPolicy", arn)
        return await self.store.managed_policy(caller.account_id, policy)

    async def list(
        self, call: CallContext, wanted: PolicyFilter, request: PageRequest
    ) -> Page[ManagedPolicy]:
        """List policies (iam:ListPolicies)."""
        caller = await self.admission.admit_listing(
            call, "iam:ListPolicies", EntityKind.POLICY, wanted.path_prefix
        )
        return await self.store.managed_policies(caller.account_id, wanted, request)

    async def delete(self, call: CallContext, arn: str) -> None:
        """Delete a policy that nothing uses (iam:DeletePolicy)."""
        caller, policy = await self._admit_change(call, "iam:DeletePolicy", arn)
        await self._publish(caller, await self.store.delete_policy(policy))

    async def create_version(
        self, call: CallContext, arn: str, document: str, *, as_default: bool
    ) -> PolicyVersion:
        """Add a version, also the one in force (iam:CreatePolicyVersion). Raises UNSUPPORTED_POLICY."""
        caller, policy = await self._admit_change(call, "iam:CreatePolicyVersion", arn)
        version, epoch = await self.store.create_version(
            policy,
            document,
            accepted_policy(document),
            self.clock.now(),
            as_default=as_default,
            limit=MAX_VERSIONS,
        )
        await self._publish(caller, epoch)
        return version

    async def get_version(self, call: CallContext, arn: str, number: int) -> PolicyVersion:
        """Return a version (iam:GetPolicyVersion)."""
        _caller, policy = await self._admit(call, "iam:GetPolicyVersion", arn)
        return await self.store.version(policy, number)

    async def list_versions(self, call: CallContext, arn: str, request: PageRequest) -> Page[PolicyVersion]:
        """List the versions of a policy (iam:ListPolicyVersions)."""
        _caller, policy = await self._admit(call, "iam:ListPolicyVersions", arn)
        return await self.store.versions(policy, request)

    async def set_default(self, call: CallContext, arn: str, number: int) -> None:
        """Choose the version in force (iam:SetDefaultPolicyVersion)."""
        caller, policy = await self._admit_change(call, "iam:SetDefaultPolicyVersion", arn)
        await self._publish(caller, await self.store.set_default_version(policy, number))

    async def delete_version(self, call: CallContext, arn: str, number: int) -> None:
        """Delete a version that is not in force (iam:DeletePolicyVersion)."""
        caller, policy = await self._admit_change(call, "iam:DeletePolicyVersion", arn)
        await self._publish(caller, await self.store.delete_version(policy, number))

    async def _admit(self, call: CallContext, action: str, arn: str) -> tuple[Caller, PolicyReference]:
        policy = self.admission.reference(arn)
        return await self.admission.admit_policy(call, action, policy), policy

    async def _admit_change(self, call: CallContext, action: str, arn: str) -> tuple[Caller, PolicyReference]:
        caller, policy = await self._admit(call, action, arn)
        if policy.built_in:
            raise built_in_policy(policy.policy_name)
        return caller, policy

    async def _publish(self, caller: Caller, epoch: int) -> None:
        await self.revocations.publish(caller.account_id, epoch)


@dataclass(frozen=True, slots=True)
class Attachments:
    """Attaches managed policies to users, groups and roles of the caller's account."""

    store: AttachmentStore
    admission: IdentityAdmission
    revocations: Revocations

    async def attach(self, call: CallContext, entity: Entity, arn: str) -> None:
        """Attach a policy (iam:AttachUserPolicy and its like, on the entity)."""
        caller, policy = await self._admit(call, "Attach", entity, arn)
        epoch = await self.store.attach(caller.account_id, entity, policy, MAX_ATTACHED)
        await self.revocations.publish(caller.account_id, epoch)

    async def detach(self, call: CallContext, entity: Entity, arn: str) -> None:
        """Detach a policy (iam:DetachUserPolicy and its like, on the entity)."""
        caller, policy = await self._admit(call, "Detach", entity, arn)
        epoch = await self.store.detach(caller.account_id, entity, policy)
        await self.revocations.publish(caller.account_id, epoch)

    async def attached(
        self, call: CallContext, entity: Entity, request: PageRequest, path_prefix: str = ""
    ) -> Page[PolicyReference]:
        """List what is attached (iam:ListAttachedUserPolicies and its like, on the entity)."""
        action = f"iam:ListAttached{entity.kind.title}Policies"
        caller = await self.admission.admit(call, action, entity)
        return await self.store.attached(caller.account_id, entity, request, path_prefix)

    async def entities(
        self,
        call: CallContext,
        arn: str,
        usage: PolicyUsage,
        kind: EntityKind | None,
        request: PageRequest,
        path_prefix: str = "",
    ) -> Page[NamedEntity]:
        """List what uses a policy in the caller's account (iam:ListEntitiesForPolicy, on the policy)."""
        policy = self.admission.reference(arn)
        caller = await self.admission.admit_policy(call, "iam:ListEntitiesForPolicy", policy)
        return await self.store.entities(caller.account_id, policy, usage, kind, request, path_prefix)

    async def _admit(
        self, call: CallContext, verb: str, entity: Entity, arn: str
    ) -> tuple[Caller, PolicyReference]:
        policy = self.admission.reference(arn)
        action = f"iam:{verb}{entity.kind.title}Policy"
        caller = await self.admission.admit_bounded(call, action, entity, {"iam:PolicyARN": arn})
        require_usable(caller, policy)
        return caller, policy
