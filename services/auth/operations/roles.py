"""Roles, as the caller's own policies allow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.auth.domain.identity import Entity, EntityKind, RoleDetails, Tag
from services.auth.domain.ids import new_role_id
from services.auth.domain.pages import PageRequest
from services.auth.domain.roles import DEFAULT_SESSION, Role
from services.auth.domain.tag_rules import check_tags, in_order
from services.auth.operations.admission import Caller
from services.auth.operations.documents import limited
from services.auth.operations.entities import IdentityAdmission
from services.auth.ports.credentials import PrincipalReader
from services.auth.ports.revocation import Revocations
from services.auth.ports.roles import RoleStore
from services.chassis.arn import iam_entity
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.pages import Page
from services.chassis.policy.document import canonical, parse, refused_at
from services.chassis.policy.elements import DOCUMENT, Place
from services.chassis.policy.kinds import TRUST
from services.chassis.policy.model import Effect
from services.chassis.policy.principals import Name, NameKind
from services.chassis.randomness import Randomness

MAX_ROLES = 1_000
"""Roles an account may have, as at AWS."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Manages the roles of the caller's account."""

    store: RoleStore
    principals: PrincipalReader
    admission: IdentityAdmission
    revocations: Revocations
    clock: Clock
    randomness: Randomness
    partition: str

    async def create(
        self,
        call: CallContext,
        role_name: str,
        trust: str,
        description: str,
        max_session: timedelta | None,
        *,
        path: str = "",
        boundary_arn: str = "",
        tags: Sequence[Tag] = (),
    ) -> RoleDetails:
        """Create a role, on request with boundary and tags (iam:CreateRole, and iam:TagRole for tags).

        Raises UNSUPPORTED_POLICY.
        """
        check_tags(tags)
        boundary = self.admission.reference(boundary_arn, "permissions_boundary") if boundary_arn else None
        entity = Entity(EntityKind.ROLE, role_name)
        caller = await self.admission.admit_new(call, "iam:CreateRole", entity, path, tags, boundary)
        role = Role(
            caller.account_id,
            role_name,
            new_role_id(self.randomness),
            trust,
            await self._trust(trust),
            description,
            max_session or DEFAULT_SESSION,
            self.clock.now(),
            path or "/",
        )
        await self._publish(caller, await self.store.create_role(role, MAX_ROLES, boundary, tags))
        return RoleDetails(role, boundary, in_order(tags))

    async def get(self, call: CallContext, role_name: str) -> RoleDetails:
        """Return a role with what hangs on it (iam:GetRole)."""
        caller = await self._admit(call, "iam:GetRole", role_name)
        return await self.store.role_details(caller.account_id, role_name)

    async def list(self, call: CallContext, request: PageRequest, path_prefix: str = "") -> Page[Role]:
        """List roles (iam:ListRoles)."""
        caller = await self.admission.admit_listing(call, "iam:ListRoles", EntityKind.ROLE, path_prefix)
        return await self.store.roles(caller.account_id, request, path_prefix)

    async def update(
        self,
        call: CallContext,
        role_name: str,
        description: str | None,
        max_session: timedelta | None,
        action: str = "iam:UpdateRole",
    ) -> Role:
        """Change what is not None (iam:UpdateRole; iam:UpdateRoleDescription is an older way to ask)."""
        caller = await self._admit(call, action, role_name)
        role = await self.store.role(caller.account_id, role_name)
        role = replace(
            role,
            description=role.description if description is None else description,
            max_session=max_session or role.max_session,
        )
        await self._publish(caller, await self.store.update_role(role))
        return role

    async def update_trust(self, call: CallContext, role_name: str, trust: str) -> None:
        """Replace the trust policy (iam:UpdateAssumeRolePolicy). Raises UNSUPPORTED_POLICY."""
        caller = await self._admit(call, "iam:UpdateAssumeRolePolicy", role_name)
        role = await self.store.role(caller.account_id, role_name)
        role = replace(role, trust=trust, canonical_trust=await self._trust(trust))
        await self._publish(caller, await self.store.update_role(role, _trusted_providers(trust)))

    async def delete(self, call: CallContext, role_name: str) -> None:
        """Delete a role that has no policies, and end its sessions (iam:DeleteRole)."""
        caller = await self._admit(call, "iam:DeleteRole", role_name)
        await self._publish(caller, await self.store.delete_role(caller.account_id, role_name))

    async def _admit(self, call: CallContext, action: str, role_name: str) -> Caller:
        return await self.admission.admit(call, action, Entity(EntityKind.ROLE, role_name))

    async def _trust(self, document: str) -> str:
        """Return a trust policy as it is evaluated: users and roles by their ids.

        Who is created again under an old name is somebody else, to whom nothing was entrusted. Raises
        UNSUPPORTED_POLICY, also for users and roles that do not exist.
        AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
        """
        policy = parse(limited(document, TRUST, "ACLSizePerRole"), TRUST)
        statements = []
        for number, statement in enumerate(policy.statements):
            principals = statement.principals
            if principals is not None:
                element = "NotPrincipal" if principals.negated else "Principal"
                place = DOCUMENT / "Statement" / number / element
                names = [await self._resolved(name, document, place) for name in principals.names]
                principals = replace(principals, names=tuple(dict.fromkeys(names)))
            statements.append(replace(statement, principals=principals))
        return canonical(replace(policy, statements=tuple(statements)))

    async def _resolved(self, name: Name, document: str, place: Place) -> Name:
        if name.kind is not NameKind.AWS or not name.value.startswith("arn:") or name.account_id:
            return name
        try:
            entity = iam_entity(name.value, self.partition)
        except ValueError:
            if ":assumed-role/" in name.value:
                # A session has no id before it exists.
                return name
            raise refused_at(document, place, "names nobody of this installation") from None
        try:
            found = await self.principals.named(entity)
        except DomainError as error:
            if error.reason != ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND:
                raise
            raise refused_at(document, place, "names nobody of this installation") from None
        return Name(NameKind.AWS, found.unique_id)

    async def _publish(self, caller: Caller, epoch: int) -> None:
        await self.revocations.publish(caller.account_id, epoch)


def _trusted_providers(trust: str) -> frozenset[str]:
    """Return the ARNs of the identity providers whose subjects a trust policy lets in.

    AWS lets sessions go on when the trust they came by is taken away. Here those of an identity provider
    end, because nobody else can end them: whoever holds them is no principal of the installation.
    """
    return frozenset(
        name.value
        for statement in parse(trust, TRUST).statements
        if statement.effect is Effect.ALLOW and statement.principals is not None
        for name in statement.principals.names
        if name.kind is NameKind.FEDERATED
    )
