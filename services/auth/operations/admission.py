"""Who may call: the principal of a token as it is now, and its own policies."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from services.auth.domain.endpoints import ActiveEndpoint
from services.auth.domain.records import KeyStatus, PrincipalState
from services.auth.domain.roles import TemporarySession
from services.auth.errors import access_denied, invalid_token
from services.auth.errors.endpoints import no_endpoint
from services.auth.operations.service_trust import ServiceTrust
from services.auth.ports.credentials import CredentialStore
from services.auth.ports.directory import DirectoryStore
from services.chassis.authorization import decide, refuse
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pipeline import require_principal
from services.chassis.policy.bundle import PolicyBundle
from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.keys import Conditions, request_context
from services.chassis.policy.layers import NO_OWNER, RequesterLayers, ResourceLayers
from services.chassis.policy.model import Decision, Verdict
from services.chassis.principal import PrincipalClaims, PrivatePath, arn_now, requester_of, signed_for

AUDIENCE = "auth"
_NOT_FOR_OWN_SESSIONS = ("iam:", "sts:")
"""How the actions begin that credentials of GetSessionToken are not for."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An admitted principal: what its token says, and what the store says now."""

    claims: PrincipalClaims
    state: PrincipalState
    """With the policy of the VPC endpoint that it came through."""
    endpoint_epoch: int = 0
    """Of the account of that endpoint; 0 for the public path."""

    @property
    def account_id(self) -> str:
        """The account that the call acts in."""
        return self.claims.account_id


def is_alive(claims: PrincipalClaims, state: PrincipalState | None, now: datetime) -> bool:
    """Whether the principal of a token is still the one that the store knows by its access key."""
    if state is None or state.access_key.status is not KeyStatus.ACTIVE:
        return False
    if state.session is not None and now >= state.session.expires_at:
        return False
    credential = state.service_credential
    if credential is not None and (credential.expired(now) or claims.key_generation != credential.generation):
        return False
    return (
        state.account.account_id == claims.account_id
        and state.account.incarnation == claims.account_incarnation
        and state.principal_id == claims.principal_id
        and state.root == claims.root
    )


class Paths(Protocol):
    """Knows VPC endpoints as they are now."""

    async def enter(self, listener: str, service: str, account_id: str) -> PrivatePath:
        """Return the path of a request for `service` that `listener` accepted. Raises ACCESS_DENIED."""

    async def follow(self, path: PrivatePath, account_id: str) -> ActiveEndpoint:
        """Return the endpoint of a token, if principals of the account still may come in through it.

        Raises ACCESS_DENIED.
        """


class Admission:
    """Admits calls to auth itself. Nothing is leased here: every decision reads the store."""

    def __init__(
        self,
        credentials: CredentialStore,
        directory: DirectoryStore,
        clock: Clock,
        paths: Paths | None = None,
    ) -> None:
        """Read principals from `credentials`, the installation from `directory`, endpoints from `paths`.

        Without `paths` nobody is admitted who came through an endpoint.
        """
        self._clock = clock
        self._credentials = credentials
        self._directory = directory
        self._paths = paths
        self._compiled = PolicyCache()
        self._trust = ServiceTrust(credentials, directory, clock)

    async def identify(
        self, call: CallContext, audience: str = AUDIENCE, claims: PrincipalClaims | None = None
    ) -> Caller:
        """Return the call's principal, or that of verified `claims`, if it still is one.

        Raises DomainError: MISSING_CREDENTIALS, INVALID_TOKEN, ACCESS_DENIED when it came through a VPC
        endpoint that is no longer open to it.
        """
        claims = claims or require_principal(call)
        if claims.audience != audience:
            raise invalid_token("it is for another audience")
        state = await self._credentials.principal_state(claims.access_key_id)
        if state is None or not is_alive(claims, state, self._clock.now()):
            raise invalid_token("its principal or access key no longer exists or is inactive")
        if state.session is not None and not await self._still_trusted(state.session):
            raise invalid_token("the role no longer trusts the service that it was passed to")
        if state.user is not None:
            # The token of a user who was renamed since says the old name.
            claims = replace(claims, arn=arn_now(claims, state.facts.iam_resource))
        if claims.path is None:
            return Caller(claims, state)
        if self._paths is None:
            raise no_endpoint()
        found = await self._paths.follow(claims.path, claims.account_id)
        policies = replace(state.policies, endpoint=(found.endpoint.policy.canonical,))
        return Caller(claims, replace(state, policies=policies), found.epoch)

    async def enter(
        self, listener: str, service: str, account_id: str
    ) -> tuple[PrivatePath | None, RequesterLayers]:
        """Return the path of somebody without a token, and what binds whoever comes by it.

        `listener` is edge's word for where it came in, empty for the public one; `account_id` is that of
        the resource that is asked for. Raises ACCESS_DENIED.
        """
        if not listener:
            return None, RequesterLayers()
        if self._paths is None:
            raise no_endpoint()
        path = await self._paths.enter(listener, service, account_id)
        found = await self._paths.follow(path, account_id)
        bundle = PolicyBundle(endpoint=(found.endpoint.policy.canonical,))
        return path, self._compiled.compile_bundle(bundle).bound

    async def _still_trusted(self, session: TemporarySession) -> bool:
        """A service acts as a role for as long as that trusts it, and not for as long as a session lasts."""
        if session.role is None or session.passed is None:
            return True
        return (await self._trust.decide(session.role, session.passed)).allowed

    async def identify_signed(self, call: CallContext, action: str) -> Caller:
        """As `identify`, for an action that needs no permission.

        The signature must still be for its service, and the policy of the VPC endpoint, when the call came
        through one, must allow it.

        Raises what `identify` raises, and ACCESS_DENIED.
        """
        caller = await self.identify(call)
        claims = caller.claims
        if not signed_for(claims, action):
            raise access_denied(f"The request was not signed for the service of {action}.")
        bound = self._compiled.compile_bundle(caller.state.policies).bound
        if bound.endpoint is not None:
            context = request_context(claims, self._clock.now(), caller.state.facts)
            decision, _ = bound.endpoint.evaluate(
                requester_of(claims, caller.state.facts.iam_resource), action, "*", context
            )
            if decision.verdict is not Verdict.ALLOW:
                raise refuse(claims, action, "*", decision)
        return caller

    async def authorize(self, call: CallContext, action: str, resource: str) -> Caller:
        """Return the call's principal if its policies allow `action` on `resource`. Raises ACCESS_DENIED."""
        caller = await self.identify(call)
        self.require(caller, action, resource)
        return caller

    async def authorize_management(
        self, call: CallContext, action: str, resource: str, conditions: Conditions | None = None
    ) -> Caller:
        """As `authorize`, and the principal must be of the management account."""
        caller = await self.identify(call)
        installation = await self._directory.installation()
        if installation is None or installation.management_account_id != caller.account_id:
            raise access_denied("You don't have permissions to access this resource.")
        # Accounts are the management account's to manage, although their resources are their own.
        self.require(caller, action, resource, NO_OWNER, conditions)
        return caller

    def require(
        self,
        caller: Caller,
        action: str,
        resource: str,
        target: ResourceLayers | None = None,
        conditions: Conditions | None = None,
    ) -> None:
        """Return if an identified principal's policies allow the action. Raises ACCESS_DENIED.

        Credentials that a user asked for with its own are not for IAM: what is short-lived could otherwise
        make itself permanent. Nor are they for STS, but for AssumeRole and GetCallerIdentity, which do not
        ask here. AWS: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
        """
        session = caller.state.session
        if session is not None and session.role is None and action.startswith(_NOT_FOR_OWN_SESSIONS):
            raise access_denied(f"Credentials of GetSessionToken cannot be used for {action}.")
        decision = self.decide(caller, action, resource, target, conditions)
        if not decision.allowed:
            raise refuse(caller.claims, action, resource, decision)

    def allows(self, caller: Caller, action: str, resource: str) -> bool:
        """Say whether `require` would return."""
        return self.decide(caller, action, resource).allowed

    async def protected(self, target: ResourceLayers) -> ResourceLayers:
        """Return a target with the resource control policies of the account that owns it, whichever it is."""
        return await self._trust.protected(target)

    def decide(
        self,
        caller: Caller,
        action: str,
        resource: str,
        target: ResourceLayers | None = None,
        conditions: Conditions | None = None,
    ) -> Decision:
        """Decide about an identified principal; `target` when the resource has a policy of its own."""
        policies = self._compiled.compile_bundle(caller.state.policies)
        return decide(
            caller.claims,
            policies,
            action,
            resource,
            self._clock,
            conditions or {},
            target=target,
            facts=caller.state.facts,
        )
