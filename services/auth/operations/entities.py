"""Admitting actions on users, groups and roles, and on managed policies, of the caller's own account."""

from dataclasses import dataclass

from services.auth.domain.identity import BUILT_IN_OWNER, Entity, EntityKind, PolicyReference
from services.auth.errors import invalid_field, managed_policy_not_found
from services.auth.operations.admission import Admission, Caller
from services.auth.ports_identity import AttachmentStore
from services.chassis.arn import group_arn, name_of, policy_arn, role_arn, user_arn
from services.chassis.context import CallContext
from services.chassis.policy.keys import Conditions
from services.chassis.policy.layers import NO_OWNER

_ARN_OF = {EntityKind.USER: user_arn, EntityKind.GROUP: group_arn, EntityKind.ROLE: role_arn}


@dataclass(frozen=True, slots=True)
class IdentityAdmission:
    """Admits calls by the ARN of what they name."""

    admission: Admission
    attachments: AttachmentStore
    partition: str

    async def admit(
        self, call: CallContext, action: str, entity: Entity, conditions: Conditions | None = None
    ) -> Caller:
        """Admit an action on an entity of the caller's account; no other account can be named."""
        caller = await self.admission.identify(call)
        arn = _ARN_OF[entity.kind](caller.account_id, entity.name, self.partition)
        self.admission.require(caller, action, arn, conditions=conditions)
        return caller

    async def admit_bounded(
        self, call: CallContext, action: str, entity: Entity, conditions: Conditions | None = None
    ) -> Caller:
        """Admit an action that changes what an entity may do, by its permissions boundary as well.

        AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html (delegation)
        """
        caller = await self.admission.identify(call)
        boundary = await self.attachments.boundary(caller.account_id, entity)
        return await self.admit(call, action, entity, {**(conditions or {}), **self.bounds(boundary)})

    def bounds(self, boundary: PolicyReference | None) -> Conditions:
        """Return the condition key of a permissions boundary; without one the request does not carry it."""
        if boundary is None:
            return {}
        return {"iam:PermissionsBoundary": policy_arn(boundary.owner, boundary.policy_name, self.partition)}

    async def admit_policy(self, call: CallContext, action: str, policy: PolicyReference) -> Caller:
        """Admit an action on a managed policy. Policies of other accounts are closed."""
        caller = await self.admission.identify(call)
        arn = policy_arn(policy.owner, policy.policy_name, self.partition)
        # Built-in policies belong to nobody: the caller's own policies decide alone.
        self.admission.require(caller, action, arn, NO_OWNER if policy.built_in else None)
        return caller

    async def admit_new_policy(
        self, call: CallContext, action: str, policy_name: str
    ) -> tuple[Caller, PolicyReference]:
        """Admit an action on a managed policy of the caller's own account, by name."""
        caller = await self.admission.identify(call)
        arn = policy_arn(caller.account_id, policy_name, self.partition)
        self.admission.require(caller, action, arn)
        return caller, PolicyReference(caller.account_id, policy_name)

    async def admit_any(self, call: CallContext, action: str, resource: str = "*") -> Caller:
        """Admit an action on nothing in particular."""
        return await self.admission.authorize(call, action, resource)

    def reference(self, arn: str, field: str = "policy_arn") -> PolicyReference:
        """Read the ARN of a managed policy. Raises INVALID_FIELD."""
        try:
            name = name_of(arn, self.partition)
        except ValueError:
            raise invalid_field(field, "is not the ARN of a managed policy") from None
        match name.split("/"):
            case ["managedPolicies", policy_name]:
                return PolicyReference(BUILT_IN_OWNER, policy_name)
            case ["accounts", account_id, "policies", policy_name]:
                return PolicyReference(account_id, policy_name)
        raise invalid_field(field, "is not the ARN of a managed policy")


def require_usable(caller: Caller, policy: PolicyReference) -> None:
    """Return if entities of the caller's account can have the policy. Raises RESOURCE_NOT_FOUND."""
    if not policy.built_in and policy.owner != caller.account_id:
        raise managed_policy_not_found(policy.policy_name)
