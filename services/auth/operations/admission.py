"""Who may call: the principal of a token as it is now, and its own policies."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.auth.domain.records import KeyStatus, PrincipalState
from services.auth.domain.roles import TemporarySession
from services.auth.errors import access_denied, invalid_token
from services.auth.operations.service_trust import ServiceTrust
from services.auth.ports import CredentialStore, DirectoryStore
from services.chassis.authorization import decide, refuse
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pipeline import require_principal
from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.keys import Conditions
from services.chassis.policy.layers import NO_OWNER, ResourceLayers
from services.chassis.policy.model import Decision
from services.chassis.principal import PrincipalClaims, arn_now, signed_for

AUDIENCE = "auth"


@dataclass(frozen=True, slots=True)
class Caller:
    """An admitted principal: what its token says, and what the store says now."""

    claims: PrincipalClaims
    state: PrincipalState

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


class Admission:
    """Admits calls to auth itself. Nothing is leased here: every decision reads the store."""

    def __init__(self, credentials: CredentialStore, directory: DirectoryStore, clock: Clock) -> None:
        """Read principals from `credentials`, the installation from `directory`."""
        self._clock = clock
        self._credentials = credentials
        self._directory = directory
        self._compiled = PolicyCache()
        self._trust = ServiceTrust(credentials, directory, clock)

    async def identify(
        self, call: CallContext, audience: str = AUDIENCE, claims: PrincipalClaims | None = None
    ) -> Caller:
        """Return the call's principal, or that of verified `claims`, if it still is one.

        Raises DomainError: MISSING_CREDENTIALS, INVALID_TOKEN.
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
        return Caller(claims, state)

    async def _still_trusted(self, session: TemporarySession) -> bool:
        """A service acts as a role for as long as that trusts it, and not for as long as a session lasts."""
        if session.role is None or session.passed is None:
            return True
        return (await self._trust.decide(session.role, session.passed)).allowed

    async def identify_signed(self, call: CallContext, action: str) -> Caller:
        """As `identify`, for an action that needs no permission: the signature must still be for its service.

        Raises what `identify` raises, and ACCESS_DENIED.
        """
        caller = await self.identify(call)
        if not signed_for(caller.claims, action):
            raise access_denied(f"The request was not signed for the service of {action}.")
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
        make itself permanent. AWS:
        https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
        """
        session = caller.state.session
        if session is not None and session.role is None and action.startswith("iam:"):
            raise access_denied("Credentials of GetSessionToken cannot be used for IAM.")
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
