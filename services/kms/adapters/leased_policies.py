"""Decisions by leases of auth: on the caller, and on whoever owns what it asks for."""

from types import MappingProxyType

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.authorization import decide, needs_context
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.leases import Leases
from services.chassis.pipeline import require_principal
from services.chassis.policy import layers
from services.chassis.policy.keys import Conditions, merge
from services.chassis.policy.layers import RequesterLayers, ResourceLayers
from services.chassis.policy.model import Decision, Layer, Verdict
from services.chassis.policy.principals import Requester, RequesterKind
from services.chassis.policy.resource_evaluator import ResourcePolicySet
from services.chassis.policy.service_requests import service_context
from services.chassis.resource_leases import ResourceLeases
from services.kms.domain.grants import WORKLOAD_SERVICE
from services.kms.ports import ConditionSource, WorkingService

_NOTHING = RequesterLayers()
_UNASKED: Conditions = MappingProxyType({})
_GONE = Decision(Verdict.IMPLICIT_DENY, layer=Layer.RESOURCE)


class LeasedPolicies:
    """A PolicyEnforcer."""

    def __init__(self, leases: Leases, owners: ResourceLeases, clock: Clock) -> None:
        """Decide with the principals' leases, and those on what protects the resources of other accounts."""
        self._leases = leases
        self._owners = owners
        self._clock = clock

    async def decide(
        self,
        call: CallContext,
        action: str,
        resource: str,
        conditions: ConditionSource,
        target: ResourceLayers | None = None,
        incarnation: str = "",
    ) -> Decision:
        """Decide by the principal's layers and the target's."""
        claims = require_principal(call)
        said: Conditions | None = None
        while True:
            lease = await self._leases.get(call)
            protected: ResourceLayers | None = None
            if target is not None:
                own = target.account_id == claims.account_id and claims.account_incarnation
                # Its own: the caller's lease says what binds both, and nobody else need be asked.
                protected = (
                    _present(target, incarnation, claims.account_incarnation, lease.policies.control)
                    if own
                    else await self._protected(target, incarnation)
                )
                if protected is None:
                    return _GONE
            if said is not None or not needs_context(lease.policies, action, protected):
                break
            # That may take a moment, in which the lease, or the owner's, may have been revoked.
            said = await conditions()
        return decide(
            *(claims, lease.policies, action, resource, self._clock, said or _UNASKED, protected),
            facts=lease.facts,
            requester=lease.requester,
        )

    async def decide_workload(
        self,
        action: str,
        resource: str,
        conditions: ConditionSource,
        target: ResourceLayers,
        incarnation: str,
    ) -> Decision:
        """Decide by the target's layers alone: a service has none of its own."""
        context = service_context(WORKLOAD_SERVICE, resource, self._clock.now())
        # For which resource of a customer the workload works is nothing that it could prove.
        del context["aws:sourcearn"], context["aws:sourceaccount"]
        return await self._of_service(
            WORKLOAD_SERVICE, context, action, resource, conditions, target, incarnation
        )

    async def decide_service(
        self,
        working: WorkingService,
        action: str,
        resource: str,
        conditions: ConditionSource,
        target: ResourceLayers,
        incarnation: str,
    ) -> Decision:
        """Decide by the target's layers alone."""
        context = service_context(working.principal, working.source_arn, self._clock.now())
        # The key may be another account's than what the service works for.
        context["aws:resourceaccount"] = target.account_id
        return await self._of_service(
            working.principal, context, action, resource, conditions, target, incarnation
        )

    async def _of_service(
        self,
        service: str,
        context: dict[str, str | tuple[str, ...]],
        action: str,
        resource: str,
        conditions: ConditionSource,
        target: ResourceLayers,
        incarnation: str,
    ) -> Decision:
        said = await conditions()
        protected = await self._protected(target, incarnation)
        if protected is None:
            return _GONE
        requester = Requester(RequesterKind.SERVICE, service, "")
        merged = merge(context, said)
        return layers.decide(requester, _NOTHING, protected, action, resource, merged)

    async def _protected(self, target: ResourceLayers, incarnation: str) -> ResourceLayers | None:
        """Return the target with the controls of its account; None when its account is not there any more."""
        if not target.account_id:
            return target
        try:
            owner = await self._owners.get(target.account_id)
        except DomainError as error:
            if error.reason == ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND:
                return None
            raise
        return _present(target, incarnation, owner.incarnation, owner.control)


def _present(
    target: ResourceLayers, incarnation: str, owners: str, control: tuple[ResourcePolicySet, ...]
) -> ResourceLayers | None:
    """Return the target with the controls of its account, None when it is of an earlier one of that id."""
    if incarnation != owners:
        return None
    return ResourceLayers(target.account_id, target.policy, target.required, control) if control else target
