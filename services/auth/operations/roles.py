"""Roles, as the caller's own policies allow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from services.auth.domain.identity import Entity, EntityKind, RoleDetails, Tag
from services.auth.domain.ids import new_role_id
from services.auth.domain.pages import PageRequest
from services.auth.domain.roles import DEFAULT_SESSION, Role
from services.auth.domain.tag_rules import check_tags, in_order
from services.auth.operations.admission import Caller
from services.auth.operations.entities import IdentityAdmission
from services.auth.operations.trust_policies import TrustPolicies
from services.auth.ports.revocation import Revocations
from services.auth.ports.roles import RoleStore
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.policy.document import parse
from services.chassis.policy.kinds import TRUST
from services.chassis.policy.model import Effect
from services.chassis.policy.principals import NameKind
from services.chassis.randomness import Randomness

MAX_ROLES = 1_000
"""Roles an account may have, as at AWS."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Manages the roles of the caller's account."""

    store: RoleStore
    admission: IdentityAdmission
    revocations: Revocations
    clock: Clock
    randomness: Randomness
    trusts: TrustPolicies

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
        bound = await self.trusts.bind(trust)
        role = Role(
            caller.account_id,
            role_name,
            new_role_id(self.randomness),
            bound.document,
            bound.canonical,
            description,
            max_session or DEFAULT_SESSION,
            self.clock.now(),
            path or "/",
        )
        await self._publish(caller, await self.store.create_role(role, MAX_ROLES, boundary, tags))
        (role,) = await self.trusts.told(role)
        return RoleDetails(role, boundary, in_order(tags))

    async def get(self, call: CallContext, role_name: str) -> RoleDetails:
        """Return a role with what hangs on it (iam:GetRole)."""
        caller = await self._admit(call, "iam:GetRole", role_name)
        found = await self.store.role_details(caller.account_id, role_name)
        (role,) = await self.trusts.told(found.role)
        return replace(found, role=role)

    async def list(self, call: CallContext, request: PageRequest, path_prefix: str = "") -> Page[Role]:
        """List roles (iam:ListRoles)."""
        caller = await self.admission.admit_listing(call, "iam:ListRoles", EntityKind.ROLE, path_prefix)
        page = await self.store.roles(caller.account_id, request, path_prefix)
        return replace(page, items=tuple(await self.trusts.told(*page.items)))

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
        (role,) = await self.trusts.told(role)
        return role

    async def update_trust(self, call: CallContext, role_name: str, trust: str) -> None:
        """Replace the trust policy (iam:UpdateAssumeRolePolicy). Raises UNSUPPORTED_POLICY."""
        caller = await self._admit(call, "iam:UpdateAssumeRolePolicy", role_name)
        role = await self.store.role(caller.account_id, role_name)
        bound = await self.trusts.bind(trust, role.trust)
        role = replace(role, trust=bound.document, canonical_trust=bound.canonical)
        await self._publish(caller, await self.store.update_role(role, _trusted_providers(trust)))

    async def delete(self, call: CallContext, role_name: str) -> None:
        """Delete a role that has no policies, and end its sessions (iam:DeleteRole)."""
        caller = await self._admit(call, "iam:DeleteRole", role_name)
        await self._publish(caller, await self.store.delete_role(caller.account_id, role_name))

    async def _admit(self, call: CallContext, action: str, role_name: str) -> Caller:
        return await self.admission.admit(call, action, Entity(EntityKind.ROLE, role_name))

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
