"""Whether a role trusts a service for a resource: asked when it is passed, and whenever it is used.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/cross-service-confused-deputy-prevention.html
"""

from dataclasses import replace

from services.auth.domain.passed_roles import PassedRole
from services.auth.domain.roles import Role
from services.auth.domain.trust import as_asked
from services.auth.ports.credentials import CredentialStore
from services.auth.ports.directory import DirectoryStore
from services.chassis.clock import Clock
from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.document import parse_accepted
from services.chassis.policy.kinds import TRUST
from services.chassis.policy.layers import RequesterLayers, ResourceLayers, decide
from services.chassis.policy.model import Decision
from services.chassis.policy.principals import Requester, RequesterKind
from services.chassis.policy.resource_evaluator import ResourcePolicySet
from services.chassis.policy.service_requests import service_context
from services.chassis.principal import PrincipalClaims

_NOTHING = RequesterLayers()


def trust_of(role: Role, asking: PrincipalClaims | None = None) -> ResourceLayers:
    """Return what protects a role: its trust policy, which alone opens it.

    `asking` is the principal that asks for the role, which may be a session that the policy names; None for
    services and identity providers.
    """
    policy = as_asked(parse_accepted(role.canonical_trust, TRUST), asking)
    return ResourceLayers(role.account_id, ResourcePolicySet([policy]), required=True)


class ServiceTrust:
    """Decides by a role's trust policy and what the organization says of the role's account."""

    def __init__(self, credentials: CredentialStore, directory: DirectoryStore, clock: Clock) -> None:
        """Read resource control policies from `credentials`, the organization from `directory`."""
        self._credentials = credentials
        self._directory = directory
        self._clock = clock
        self._compiled = PolicyCache()

    async def protected(self, target: ResourceLayers) -> ResourceLayers:
        """Return a target with the resource control policies of the account that owns it, whichever it is."""
        levels = await self._credentials.resource_control(target.account_id)
        control = (self._compiled.compile_control(each, level) for level, each in enumerate(levels))
        return replace(target, control=tuple(control))

    async def decide(self, role: Role, passed: PassedRole) -> Decision:
        """Say whether the service that a role was passed to may assume it for the resource, now."""
        installation = await self._directory.installation()
        context = service_context(
            passed.service_principal,
            passed.resource_arn,
            self._clock.now(),
            organization_id="" if installation is None else installation.organization_id,
        )
        context["sts:rolesessionname"] = passed.session_name
        partition = passed.resource_arn.split(":", 2)[1]
        requester = Requester(RequesterKind.SERVICE, passed.service_principal, "")
        target = await self.protected(trust_of(role))
        arn = role.arn(partition)
        return decide(requester, _NOTHING, target, "sts:AssumeRole", arn, context)
