"""Inline policies of users, groups and roles, as the caller's own policies allow."""

from dataclasses import dataclass

from services.auth.domain.identity import Entity, EntityKind, InlinePolicy
from services.auth.domain.pages import PageRequest
from services.auth.errors import inline_policies_too_long
from services.auth.operations.admission import Caller
from services.auth.operations.documents import accepted_inline_policy
from services.auth.operations.entities import IdentityAdmission
from services.auth.ports.identity import InlinePolicyStore
from services.auth.ports.revocation import Revocations
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.policy.json_text import size

MAX_CHARS = {EntityKind.USER: 2_048, EntityKind.GROUP: 5_120, EntityKind.ROLE: 10_240}
"""Characters of all inline policies of an entity together, white space not counted.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""


@dataclass(frozen=True, slots=True)
class InlinePolicies:
    """Manages the inline policies of entities of the caller's account."""

    store: InlinePolicyStore
    admission: IdentityAdmission
    revocations: Revocations
    clock: Clock

    async def put(self, call: CallContext, entity: Entity, policy_name: str, document: str) -> InlinePolicy:
        """Create or replace a policy (iam:PutUserPolicy and its like).

        Raises DomainError: UNSUPPORTED_POLICY, and QUOTA_EXCEEDED for too long a document, by itself or with
        the others of the entity.
        """
        caller, limit = await self._admit_change(call, "Put", entity), MAX_CHARS[entity.kind]
        if size(document) > limit:
            raise inline_policies_too_long(entity.kind.value, entity.name, limit)
        evaluated = accepted_inline_policy(document)
        now = self.clock.now()
        policy = InlinePolicy(caller.account_id, entity, policy_name, document, evaluated, now)
        epoch = await self.store.put_policy(policy, limit)
        await self.revocations.publish(caller.account_id, epoch)
        return policy

    async def get(self, call: CallContext, entity: Entity, policy_name: str) -> InlinePolicy:
        """Return a policy (iam:GetUserPolicy and its like)."""
        caller = await self.admission.admit(call, f"iam:Get{entity.kind.title}Policy", entity)
        return await self.store.policy(caller.account_id, entity, policy_name)

    async def list(self, call: CallContext, entity: Entity, request: PageRequest) -> Page[InlinePolicy]:
        """List policies (iam:ListUserPolicies and its like)."""
        caller = await self.admission.admit(call, f"iam:List{entity.kind.title}Policies", entity)
        return await self.store.policies(caller.account_id, entity, request)

    async def delete(self, call: CallContext, entity: Entity, policy_name: str) -> None:
        """Delete a policy (iam:DeleteUserPolicy and its like)."""
        caller = await self._admit_change(call, "Delete", entity)
        epoch = await self.store.delete_policy(caller.account_id, entity, policy_name)
        await self.revocations.publish(caller.account_id, epoch)

    async def _admit_change(self, call: CallContext, verb: str, entity: Entity) -> Caller:
        action = f"iam:{verb}{entity.kind.title}Policy"
        return await self.admission.admit_bounded(call, action, entity)
