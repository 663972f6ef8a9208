"""The enforcement point: decides locally, with the principal's compiled policies under a live lease."""

from collections.abc import Mapping
from dataclasses import replace

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.api_keys import BEARER_PERMISSION
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.leases import Lease, Leases
from services.chassis.pipeline import require_principal
from services.chassis.policy import layers
from services.chassis.policy.bundle import CompiledBundle
from services.chassis.policy.conditions import Context
from services.chassis.policy.keys import (
    NO_FACTS,
    Conditions,
    PrincipalFacts,
    merge,
    request_context,
    resource_context,
)
from services.chassis.policy.layers import ResourceLayers
from services.chassis.policy.model import Decision, Layer, Verdict
from services.chassis.policy.principals import Requester
from services.chassis.principal import PrincipalClaims, requester_of, signed_for

_NO_CONDITIONS: Mapping[str, str] = {}

MODEL_ACCESS_MESSAGE = "You don't have access to the model with the specified model ID."


def decide(
    claims: PrincipalClaims,
    policies: CompiledBundle,
    action: str,
    resource: str,
    clock: Clock,
    conditions: Conditions = _NO_CONDITIONS,
    target: ResourceLayers | None = None,
    facts: PrincipalFacts = NO_FACTS,
    requester: Requester | None = None,
) -> Decision:
    """Evaluate one action now.

    `conditions` are the operation's own condition keys, in any case; `facts` are what auth said of the
    principal.
    Without a `target` the resource belongs to the account that its ARN names, and has no policy of its
    own: what belongs to another account than the requester's is closed. So is every action of a service
    that the client did not sign for. Who showed an API key instead of signing needs the permission for that
    as well.
    """
    if not signed_for(claims, action):
        return Decision(Verdict.IMPLICIT_DENY)
    if claims.bearer is not None and action != BEARER_PERMISSION:
        passed = decide(*(claims, policies, BEARER_PERMISSION, "*", clock), facts=facts, requester=requester)
        if not passed.allowed:
            return replace(passed, other_action=BEARER_PERMISSION)
    if target is None:
        target = policies.target(claims.account_id, resource)
    context: Context = _NO_CONDITIONS
    if needs_context(policies, action, target):
        known = request_context(claims, clock.now(), facts)
        known.update(resource_context(target.account_id, claims, facts))
        context = merge(known, conditions)
    if (claims.path is None) is not (policies.bound.endpoint is None):
        # Whoever leased these layers did it for another path: nothing says what binds this one.
        return Decision(Verdict.IMPLICIT_DENY, layer=Layer.ENDPOINT)
    if policies.retired:
        # Part of it had to make room since the caller looked: a Deny may be missing.
        return Decision(Verdict.IMPLICIT_DENY)
    if requester is None:
        requester = requester_of(claims, facts.iam_resource)
    return layers.decide(requester, policies.bound, target, action, resource, context)


def needs_context(policies: CompiledBundle, action: str, target: ResourceLayers | None) -> bool:
    """Say whether any statement about an action looks at the request: if not, nothing of it need be known."""
    if policies.conditional_for(action):
        return True
    if target is None:
        # What belongs to the requester's own account is protected by what counts among its own layers.
        return False
    if target.policy is not None and target.policy.conditional_for(action):
        return True
    return target.control is not policies.control and any(
        each.conditional_for(action) for each in target.control
    )


def refuse(claims: PrincipalClaims, action: str, resource: str, decision: Decision) -> DomainError:
    """As `refuse_caller`, of the principal of a token."""
    return refuse_caller(claims.arn, action, resource, decision)


def refuse_caller(who: str, action: str, resource: str, decision: Decision) -> DomainError:
    """Build AWS's refusal: it names principal, action, resource and the kind of policy, nothing more.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    if decision.other_action:
        action, resource = decision.other_action, "*"
    layer = decision.layer.value
    if decision.verdict is Verdict.EXPLICIT_DENY:
        article = "an" if layer[0] in "aeiou" else "a"
        why = f"with an explicit deny in {article} {layer}"
    else:
        why = f"because no {layer} allows the {action} action"
    return DomainError(
        ErrorReason.ERROR_REASON_ACCESS_DENIED,
        f"User: {who} is not authorized to perform: {action} on resource: {resource} {why}",
    )


class Authorizer:
    """Authorises calls at one enforcement point.

    A permit holds for the moment it was given: whoever does something irreversible much later (after
    waiting in a queue, at the start of a stream) asks again just before; with a live lease that costs
    a few microseconds.
    """

    def __init__(self, leases: Leases, clock: Clock) -> None:
        """Decide with these leases."""
        self._leases = leases
        self._clock = clock

    async def authorize(
        self,
        call: CallContext,
        action: str,
        resource: str,
        conditions: Conditions = _NO_CONDITIONS,
    ) -> None:
        """Return when the call's principal may do `action` on `resource`, an ARN, or * for none.

        Raises DomainError: ACCESS_DENIED, MISSING_CREDENTIALS without a principal, INVALID_TOKEN when the
        principal was revoked, DEPENDENCY_UNAVAILABLE when no lease is live and auth cannot be asked.
        """
        lease = await self._leases.get(call)
        claims = require_principal(call)
        decision = self._decide(lease, claims, action, resource, conditions)
        if not decision.allowed:
            raise refuse(claims, action, resource, decision)

    async def allowed(
        self,
        call: CallContext,
        action: str,
        resource: str,
        conditions: Conditions = _NO_CONDITIONS,
    ) -> bool:
        """Say whether `authorize` would permit; raises all it raises but ACCESS_DENIED."""
        lease = await self._leases.get(call)
        claims = require_principal(call)
        return self._decide(lease, claims, action, resource, conditions).allowed

    def _decide(
        self, lease: Lease, claims: PrincipalClaims, action: str, resource: str, conditions: Conditions
    ) -> Decision:
        return decide(
            claims,
            lease.policies,
            action,
            resource,
            self._clock,
            conditions,
            facts=lease.facts,
            requester=lease.requester,
        )

    async def require_model_access(
        self, call: CallContext, region: str, model_id: str, eula_sha256: str
    ) -> None:
        """Return when the account has accepted this very EULA of the model in this region.

        Raises DomainError(MODEL_ACCESS_DENIED) and what `authorize` raises.
        """
        lease = await self._leases.get(call)
        if (region, model_id, eula_sha256) not in lease.entitlements:
            raise DomainError(
                ErrorReason.ERROR_REASON_MODEL_ACCESS_DENIED,
                MODEL_ACCESS_MESSAGE,
                metadata={"model_id": model_id},
            )
