"""Admitting actions on users, groups, roles and managed policies of the caller's own account."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.auth.domain.identity import (
    BUILT_IN_OWNER,
    Entity,
    EntityFacts,
    EntityKind,
    PolicyReference,
    Tag,
)
from services.auth.errors import invalid_field, managed_policy_not_found
from services.auth.operations.admission import Admission, Caller
from services.auth.ports.identity import EntityReader
from services.chassis.arn import IamEntity, iam_entity, policy_arn
from services.chassis.context import CallContext
from services.chassis.policy.keys import Conditions
from services.chassis.policy.layers import NO_OWNER


@dataclass(frozen=True, slots=True)
class IdentityAdmission:
    """Admits calls by the ARN of what they name, its tags and its permissions boundary."""

    admission: Admission
    entities: EntityReader
    partition: str

    async def admit(
        self, call: CallContext, action: str, entity: Entity, conditions: Conditions | None = None
    ) -> Caller:
        """Admit an action on an entity of the caller's account; no other account can be named.

        One that does not exist is taken for one below "/": who may not act on that does not learn of it.
        """
        caller, facts = await self._found(call, entity)
        return self._require(call, caller, action, entity, facts, conditions)

    async def admit_bounded(
        self, call: CallContext, action: str, entity: Entity, conditions: Conditions | None = None
    ) -> Caller:
        """Admit an action that changes what an entity may do, by its permissions boundary as well.

        AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html (delegation)
        """
        caller, facts = await self._found(call, entity)
        conditions = {**(conditions or {}), **self.bounds(facts.boundary)}
        return self._require(call, caller, action, entity, facts, conditions)

    async def admit_new(
        self,
        call: CallContext,
        action: str,
        entity: Entity,
        path: str,
        tags: Sequence[Tag] = (),
        boundary: PolicyReference | None = None,
    ) -> Caller:
        """Admit the creation of an entity: and its tagging by itself, when it is to have tags, as AWS does.

        AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_permissions
        """
        _check_path(path, "path")
        caller = await self.admission.identify(call)
        facts, carried = EntityFacts(path or "/"), tag_conditions(tags)
        asked = {**carried, **self.bounds(boundary)}
        self._require(call, caller, action, entity, facts, asked)
        if tags:
            self._require(call, caller, f"iam:Tag{entity.kind.title}", entity, facts, carried)
        if boundary is not None:
            require_usable(caller, boundary)
        return caller

    async def admit_move(
        self, call: CallContext, action: str, entity: Entity, new_name: str, new_path: str
    ) -> Caller:
        """Admit that an entity gets another ARN: the action must be allowed on both, as at AWS.

        AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html
        """
        _check_path(new_path, "new_path")
        caller, facts = await self._found(call, entity)
        self._require(call, caller, action, entity, facts)
        moved = EntityFacts(new_path or facts.path, facts.tags, facts.boundary)
        return self._require(call, caller, action, Entity(entity.kind, new_name or entity.name), moved)

    async def admit_listing(
        self, call: CallContext, action: str, kind: EntityKind, path_prefix: str = ""
    ) -> Caller:
        """Admit a listing of entities: AWS checks it against the path, as if that were an entity's ARN."""
        caller = await self.admission.identify(call)
        return self._require(call, caller, action, Entity(kind, ""), EntityFacts(path_prefix or "/"))

    async def admit_policy(
        self, call: CallContext, action: str, policy: PolicyReference, conditions: Conditions | None = None
    ) -> Caller:
        """Admit an action on a managed policy. Policies of other accounts are closed."""
        caller = await self.admission.identify(call)
        arn = self._policy_arn(policy)
        if policy.built_in:
            # Built-in policies belong to nobody: the caller's own policies decide alone.
            self.admission.require(caller, action, arn, NO_OWNER, conditions)
            return caller
        entity, found = Entity(EntityKind.POLICY, policy.policy_name), None
        if policy.owner == caller.account_id:
            found = await self.entities.facts(policy.owner, entity)
        # Another path makes another ARN, of which there is none.
        tags = () if found is None or found.path != policy.path else found.tags
        carried = {**(conditions or {}), **_resource_tags(tags)}
        self.admission.require(caller, action, arn, conditions=carried)
        return caller

    async def admit_any(self, call: CallContext, action: str, resource: str = "*") -> Caller:
        """Admit an action on nothing in particular."""
        return await self.admission.authorize(call, action, resource)

    def bounds(self, boundary: PolicyReference | None) -> Conditions:
        """Return the condition key of a permissions boundary; without one the request does not carry it."""
        return {} if boundary is None else {"iam:PermissionsBoundary": self._policy_arn(boundary)}

    def reference(self, arn: str, field: str = "policy_arn") -> PolicyReference:
        """Read the ARN of a managed policy. Raises INVALID_FIELD."""
        try:
            found = iam_entity(arn, self.partition)
        except ValueError:
            raise invalid_field(field, "is not the ARN of a managed policy") from None
        if found.kind != EntityKind.POLICY.value:
            raise invalid_field(field, "is not the ARN of a managed policy")
        owner = BUILT_IN_OWNER if found.account_id == BUILT_IN_OWNER else found.account_id
        return PolicyReference(owner, found.name, found.path)

    async def _found(self, call: CallContext, entity: Entity) -> tuple[Caller, EntityFacts]:
        caller = await self.admission.identify(call)
        return caller, await self.entities.facts(caller.account_id, entity) or EntityFacts()

    def _require(
        self,
        call: CallContext,
        caller: Caller,
        action: str,
        entity: Entity,
        facts: EntityFacts,
        conditions: Conditions | None = None,
    ) -> Caller:
        named = IamEntity(caller.account_id, entity.kind.value, entity.name, facts.path)
        arn = named.arn(self.partition)
        if facts.path != "/" and entity.name and arn not in call.resources:
            # What a request names has no path, so that the record of its intent does not say it.
            call.resources.append(arn)
        carried = {**(conditions or {}), **_resource_tags(facts.tags)}
        self.admission.require(caller, action, arn, conditions=carried)
        return caller

    def _policy_arn(self, policy: PolicyReference) -> str:
        return policy_arn(policy.owner, policy.policy_name, self.partition, policy.path)


def _check_path(path: str, field: str) -> None:
    """Return if policies can name what stands below a path. Raises INVALID_FIELD.

    A wildcard in it would be one in every policy that names the ARN, which would then mean others as well; no
    trust policy could name it at all. AWS says so of managed policies and stores the others:
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
    """
    if "*" in path or "?" in path:
        raise invalid_field(field, "cannot have * or ?, which are wildcards wherever a policy names the ARN")


def tag_conditions(tags: Sequence[Tag]) -> Conditions:
    """Return the condition keys of a request that carries tags."""
    if not tags:
        return {}
    carried: dict[str, str | Sequence[str]] = {f"aws:RequestTag/{tag.key}": tag.value for tag in tags}
    return {**carried, "aws:TagKeys": tuple(tag.key for tag in tags)}


def _resource_tags(tags: Sequence[Tag]) -> Conditions:
    """Return the condition keys of what has tags.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_iam-tags.html
    """
    return {f"{service}:ResourceTag/{tag.key}": tag.value for tag in tags for service in ("aws", "iam")}


def require_usable(caller: Caller, policy: PolicyReference) -> None:
    """Return if entities of the caller's account can have the policy. Raises RESOURCE_NOT_FOUND."""
    if not policy.built_in and policy.owner != caller.account_id:
        raise managed_policy_not_found(policy.policy_name)
