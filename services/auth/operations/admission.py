"""Who may call: the principal of a token as it is now, and its own policies."""

from dataclasses import dataclass

from services.auth.domain.records import KeyStatus, PrincipalState
from services.auth.errors import access_denied, invalid_token
from services.auth.ports import CredentialStore, DirectoryStore
from services.chassis.authorization import decide, refuse
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pipeline import require_principal
from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.layers import NO_OWNER, ResourceLayers
from services.chassis.policy.model import Decision
from services.chassis.principal import PrincipalClaims

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


def is_alive(claims: PrincipalClaims, state: PrincipalState | None) -> bool:
    """Whether the principal of a token is still the one that the store knows by its access key."""
    if state is None or state.access_key.status is not KeyStatus.ACTIVE:
        return False
    return (
        state.account.account_id == claims.account_id
        and state.account.incarnation == claims.account_incarnation
        and principal_id(state) == claims.principal_id
        and (state.user is None) == claims.root
    )


def principal_id(state: PrincipalState) -> str:
    """The stable id of a principal; the account's id for its root user."""
    return state.account.account_id if state.user is None else state.user.user_id


class Admission:
    """Admits calls to auth itself. Nothing is leased here: every decision reads the store."""

    def __init__(self, credentials: CredentialStore, directory: DirectoryStore, clock: Clock) -> None:
        """Read principals from `credentials`, the installation from `directory`."""
        self._clock = clock
        self._credentials = credentials
        self._directory = directory
        self._compiled = PolicyCache()

    async def identify(self, call: CallContext, audience: str = AUDIENCE) -> Caller:
        """Return the call's principal if it still is one.

        Raises DomainError: MISSING_CREDENTIALS, INVALID_TOKEN.
        """
        claims = require_principal(call)
        if claims.audience != audience:
            raise invalid_token("it is for another audience")
        state = await self._credentials.principal_state(claims.access_key_id)
        if state is None or not is_alive(claims, state):
            raise invalid_token("its principal or access key no longer exists or is inactive")
        return Caller(claims, state)

    async def authorize(self, call: CallContext, action: str, resource: str) -> Caller:
        """Return the call's principal if its policies allow `action` on `resource`. Raises ACCESS_DENIED."""
        caller = await self.identify(call)
        self.require(caller, action, resource)
        return caller

    async def authorize_management(self, call: CallContext, action: str, resource: str) -> Caller:
        """As `authorize`, and the principal must be of the management account."""
        caller = await self.identify(call)
        installation = await self._directory.installation()
        if installation is None or installation.management_account_id != caller.account_id:
            raise access_denied("You don't have permissions to access this resource.")
        # Accounts are the management account's to manage, although their resources are their own.
        self.require(caller, action, resource, NO_OWNER)
        return caller

    def require(
        self, caller: Caller, action: str, resource: str, target: ResourceLayers | None = None
    ) -> None:
        """Return if an identified principal's policies allow the action. Raises ACCESS_DENIED."""
        decision = self._decide(caller, action, resource, target)
        if not decision.allowed:
            raise refuse(caller.claims, action, resource, decision)

    def allows(self, caller: Caller, action: str, resource: str) -> bool:
        """Say whether `require` would return."""
        return self._decide(caller, action, resource).allowed

    def _decide(
        self, caller: Caller, action: str, resource: str, target: ResourceLayers | None = None
    ) -> Decision:
        policies = self._compiled.compile_bundle(caller.state.policies)
        return decide(
            caller.claims, policies, action, resource, self._clock, target=target, facts=caller.state.facts
        )
