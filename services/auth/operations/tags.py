"""Tags and permissions boundaries of entities, as the caller's own policies allow."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.auth.domain.identity import Entity, EntityKind, Tag
from services.auth.domain.pages import PageRequest
from services.auth.domain.tag_rules import check_tags
from services.auth.errors import built_in_policy
from services.auth.operations.admission import Caller
from services.auth.operations.entities import IdentityAdmission, require_usable, tag_conditions
from services.auth.ports.identity import AttachmentStore, ManagedPolicyStore, TagStore
from services.auth.ports.revocation import Revocations
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.policy.keys import Conditions

MAX_TAGS = 50
"""Tags an entity may have, as at AWS."""


@dataclass(frozen=True, slots=True)
class Tags:
    """Manages the tags of entities of the caller's account."""

    store: TagStore
    admission: IdentityAdmission
    revocations: Revocations

    async def tag(self, call: CallContext, entity: Entity, tags: Sequence[Tag]) -> None:
        """Add or replace tags (iam:TagUser and its like, on the entity). Raises INVALID_FIELD."""
        check_tags(tags)
        action = f"iam:Tag{entity.kind.title}"
        caller = await self.admission.admit(call, action, entity, tag_conditions(tags))
        epoch = await self.store.tag(caller.account_id, entity, tags, MAX_TAGS)
        await self.revocations.publish(caller.account_id, epoch)

    async def untag(self, call: CallContext, entity: Entity, keys: Sequence[str]) -> None:
        """Remove tags (iam:UntagUser and its like, on the entity)."""
        action = f"iam:Untag{entity.kind.title}"
        caller = await self.admission.admit(call, action, entity, {"aws:TagKeys": tuple(keys)})
        epoch = await self.store.untag(caller.account_id, entity, keys)
        await self.revocations.publish(caller.account_id, epoch)

    async def list(self, call: CallContext, entity: Entity, request: PageRequest) -> Page[Tag]:
        """List tags (iam:ListUserTags and its like, on the entity)."""
        action = f"iam:List{entity.kind.title}Tags"
        caller = await self.admission.admit(call, action, entity)
        return await self.store.tags(caller.account_id, entity, request)


@dataclass(frozen=True, slots=True)
class PolicyTags:
    """Manages the tags of managed policies of the caller's account, which are named by their ARNs."""

    store: TagStore
    policies: ManagedPolicyStore
    admission: IdentityAdmission
    revocations: Revocations

    async def tag(self, call: CallContext, arn: str, tags: Sequence[Tag]) -> None:
        """Add or replace tags (iam:TagPolicy). Raises INVALID_FIELD."""
        check_tags(tags)
        caller, entity = await self._admit(call, "iam:TagPolicy", arn, tag_conditions(tags))
        epoch = await self.store.tag(caller.account_id, entity, tags, MAX_TAGS)
        await self.revocations.publish(caller.account_id, epoch)

    async def untag(self, call: CallContext, arn: str, keys: Sequence[str]) -> None:
        """Remove tags (iam:UntagPolicy)."""
        caller, entity = await self._admit(call, "iam:UntagPolicy", arn, {"aws:TagKeys": tuple(keys)})
        epoch = await self.store.untag(caller.account_id, entity, keys)
        await self.revocations.publish(caller.account_id, epoch)

    async def list(self, call: CallContext, arn: str, request: PageRequest) -> Page[Tag]:
        """List tags (iam:ListPolicyTags)."""
        caller, entity = await self._admit(call, "iam:ListPolicyTags", arn, {})
        return await self.store.tags(caller.account_id, entity, request)

    async def _admit(
        self, call: CallContext, action: str, arn: str, conditions: Conditions
    ) -> tuple[Caller, Entity]:
        policy = self.admission.reference(arn)
        caller = await self.admission.admit_policy(call, action, policy, conditions)
        # The ARN must be the policy's: names are kept without their path.
        await self.policies.managed_policy(caller.account_id, policy)
        if policy.built_in:
            raise built_in_policy(policy.policy_name)
        return caller, Entity(EntityKind.POLICY, policy.policy_name)


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Manages the permissions boundaries of entities of the caller's account."""

    store: AttachmentStore
    admission: IdentityAdmission
    revocations: Revocations

    async def put(self, call: CallContext, entity: Entity, arn: str) -> None:
        """Set the boundary (iam:PutUserPermissionsBoundary and its like, on the entity)."""
        policy = self.admission.reference(arn, "permissions_boundary")
        action = f"iam:Put{entity.kind.title}PermissionsBoundary"
        caller = await self.admission.admit(call, action, entity, self.admission.bounds(policy))
        require_usable(caller, policy)
        epoch = await self.store.put_boundary(caller.account_id, entity, policy)
        await self.revocations.publish(caller.account_id, epoch)

    async def delete(self, call: CallContext, entity: Entity) -> None:
        """Remove the boundary (iam:DeleteUserPermissionsBoundary and its like, on the entity)."""
        action = f"iam:Delete{entity.kind.title}PermissionsBoundary"
        caller = await self.admission.admit_bounded(call, action, entity)
        epoch = await self.store.delete_boundary(caller.account_id, entity)
        await self.revocations.publish(caller.account_id, epoch)
