"""Passing roles to services, and services that act with them.

A customer names a role when it asks a service to make something that will work for it later. Two mistakes
are possible. The customer could pass a role that it may not use itself; and the service, which has many
customers, could be talked into using one customer's role for another: it would be a confused deputy. AWS:
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/cross-service-confused-deputy-prevention.html
"""

from datetime import timedelta

from services.auth.domain.passed_roles import MAX_PASSED_ROLES, PassedRole, belongs_to
from services.auth.domain.roles import DEFAULT_SESSION, Role
from services.auth.domain.service_principals import SERVICE_PRINCIPALS
from services.auth.errors import access_denied
from services.auth.errors.sessions import not_assumable, not_the_services_resource, passed_role_not_found
from services.auth.operations.admission import Admission
from services.auth.operations.issuing import TokenIssuer
from services.auth.operations.service_trust import ServiceTrust
from services.auth.operations.session_maker import SessionGrant, SessionMaker
from services.auth.operations.sessions import find_role
from services.auth.ports.credentials import CredentialStore
from services.auth.ports.passed_roles import PassedRoleStore
from services.auth.ports.revocation import Revocations
from services.auth.ports.roles import RoleStore
from services.chassis.arn import iam_entity
from services.chassis.authorization import refuse, refuse_caller
from services.chassis.clock import Clock
from services.chassis.context import CallContext, IssuedCredentials
from services.chassis.principal import PrincipalClaims
from services.chassis.randomness import Randomness

_RENEW = timedelta(minutes=5)
"""A session with less time left than this is followed by a new one: tokens of it shall live their minute."""


class PassedRoles:
    """Lets services act with roles that were passed to them, for the resource that they were passed for."""

    def __init__(
        self,
        roles: RoleStore,
        passed: PassedRoleStore,
        credentials: CredentialStore,
        admission: Admission,
        trust: ServiceTrust,
        maker: SessionMaker,
        issuer: TokenIssuer,
        revocations: Revocations,
        clock: Clock,
        randomness: Randomness,
        partition: str,
    ) -> None:
        """Find roles in `roles`, keep in `passed` what was passed, make sessions with `maker`."""
        self._roles = roles
        self._passed = passed
        self._credentials = credentials
        self._admission = admission
        self._trust = trust
        self._maker = maker
        self._issuer = issuer
        self._revocations = revocations
        self._clock = clock
        self._randomness = randomness
        self._partition = partition

    async def pass_role(self, call: CallContext, arn: str, resource_arn: str) -> tuple[PassedRole, Role]:
        """Pass a role of the caller's account to the calling service for a resource (iam:PassRole).

        Raises DomainError: ACCESS_DENIED when the principal may not; INVALID_FIELD for a role that does not
        exist or does not trust the service for this resource, and for a resource of somebody else;
        QUOTA_EXCEEDED, RESOURCE_STATE.
        """
        service = _service(call)
        caller = await self._admission.identify(call, service)
        role = await find_role(self._roles, arn, self._partition)
        if iam_entity(arn, self._partition).account_id != caller.account_id:
            raise access_denied("Cross-account pass role is not allowed.")
        if not belongs_to(resource_arn, self._partition, caller.account_id, caller.claims.region, service):
            raise not_the_services_resource()
        name = SERVICE_PRINCIPALS[service]
        conditions = {"iam:PassedToService": name, "iam:AssociatedResourceArn": resource_arn}
        decision = self._admission.decide(caller, "iam:PassRole", arn, conditions=conditions)
        if not decision.allowed:
            raise refuse(caller.claims, "iam:PassRole", arn, decision)
        if role is None:
            raise not_assumable(name)
        passed = PassedRole(
            pass_id=self._randomness.token_bytes(16).hex(),
            account_id=caller.account_id,
            role_id=role.role_id,
            service=service,
            resource_arn=resource_arn,
            passed_by=caller.claims.arn,
            created_at=self._clock.now(),
        )
        if not (await self._trust.decide(role, passed)).allowed:
            raise not_assumable(name)
        return await self._passed.pass_role(passed, MAX_PASSED_ROLES), role

    async def assume(
        self, call: CallContext, pass_id: str, resource_arn: str, audience: str
    ) -> tuple[str, PrincipalClaims]:
        """Give the calling service a token of a role that was passed to it for a resource (sts:AssumeRole).

        Raises DomainError: RESOURCE_NOT_FOUND when it was not passed, or for another resource, or not any
        more; ACCESS_DENIED when the role does not trust the service any more, or for an audience that is
        not the service's to call.
        """
        passed, role = await self._own(call, pass_id)
        if passed.resource_arn != resource_arn:
            raise passed_role_not_found()
        call.invoked_by = passed.service_principal
        arn = role.arn(self._partition)
        call.resources.append(arn)
        self._issuer.require_reachable(passed.service, audience)
        decision = await self._trust.decide(role, passed)
        if not decision.allowed:
            raise refuse_caller(passed.service_principal, "sts:AssumeRole", arn, decision)
        key_id = await self._session(passed, role)
        state = await self._credentials.principal_state(key_id)
        if state is None or state.session is None:
            raise passed_role_not_found()
        token, claims = self._issuer.issue_to_service(state, passed.region, audience)
        # The account sees in its own log what is done in its name.
        call.recipients.append(passed.account_id)
        call.issued = IssuedCredentials(key_id, claims.arn, claims.principal_id, state.session.expires_at)
        return token, claims

    async def revoke(self, call: CallContext, pass_id: str) -> None:
        """Forget what was passed to the calling service, and end its sessions. Raises RESOURCE_NOT_FOUND."""
        passed, role = await self._own(call, pass_id)
        call.invoked_by = passed.service_principal
        call.resources += [
            role.arn(self._partition),
            passed.resource_arn,
        ]
        epoch = await self._passed.revoke_pass(pass_id)
        call.recipients.append(passed.account_id)
        await self._revocations.publish(passed.account_id, epoch)

    async def _own(self, call: CallContext, pass_id: str) -> tuple[PassedRole, Role]:
        service = _service(call)
        passed, role = await self._passed.passed_role(pass_id)
        if passed.service != service:
            raise passed_role_not_found()
        return passed, role

    async def _session(self, passed: PassedRole, role: Role) -> str:
        """Return the access key id of a session that lasts, so that there is one an hour and not one a token.

        Nobody is told its secret: services show tokens.
        """
        known = await self._passed.session_of(passed.pass_id, self._clock.now() + _RENEW)
        if known is not None:
            return known
        grant = SessionGrant(
            passed.account_id, DEFAULT_SESSION, role=role, session_name=passed.session_name, passed=passed
        )
        return (await self._maker.make(grant)).session.access_key_id


def _service(call: CallContext) -> str:
    """Return the calling service. Raises ACCESS_DENIED for any other workload."""
    caller = call.caller
    if caller is None or caller.kind != "service" or caller.name not in SERVICE_PRINCIPALS:
        raise access_denied("Roles are passed to services.")
    return caller.name
