"""All layers together, in AWS's order: whether a requester may do an action to a resource.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.chassis.policy.conditions import Context
from services.chassis.policy.evaluator import PolicySet
from services.chassis.policy.model import Decision, Layer, Verdict
from services.chassis.policy.principals import Match, Requester, RequesterKind
from services.chassis.policy.resource_evaluator import ResourcePolicySet

_UNBOUND = Decision(Verdict.ALLOW)
"""The root user of an account: identity policies do not bind it."""
_NO_GRANT = Decision(Verdict.IMPLICIT_DENY, layer=Layer.RESOURCE)
_NO_IDENTITY = PolicySet([])
_WITH_IDENTITY = frozenset({RequesterKind.USER, RequesterKind.ROLE})
_WITHOUT_IDENTITY = frozenset({RequesterKind.SERVICE, RequesterKind.FEDERATED})
"""They belong to no account: they have what resources give them, and resource control policies bind them."""


@dataclass(frozen=True, slots=True)
class RequesterLayers:
    """What binds a requester, whatever it asks for."""

    identity: PolicySet = _NO_IDENTITY
    boundary: PolicySet | None = None
    session: PolicySet | None = None
    service_control: tuple[PolicySet, ...] = ()
    """One for each level from the organization's root to the account; none where nothing is restricted."""
    endpoint: ResourcePolicySet | None = None
    """Of the endpoint through which the request came; None for the public one."""
    identity_alone: bool = field(init=False)
    """Whether there is no other layer than identity."""

    def __post_init__(self) -> None:
        """Look at the layers once."""
        others = (self.boundary, self.session, self.endpoint)
        alone = not self.service_control and all(each is None for each in others)
        object.__setattr__(self, "identity_alone", alone)


@dataclass(frozen=True, slots=True)
class ResourceLayers:
    """What protects a resource, whoever asks for it."""

    account_id: str = ""
    """Owner of the resource; empty when no account owns it, as a foundation model."""
    policy: ResourcePolicySet | None = None
    required: bool = False
    """Whether only the resource's policy gives access to it, as with keys and roles: identity policies count
    only where it names the account."""
    control: tuple[ResourcePolicySet, ...] = ()
    """Resource control policies, one set for each level from the organization's root to the account."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, with what each layer said by itself."""

    decision: Decision
    layers: tuple[Decision, ...] = field(default=())

    @property
    def silent(self) -> tuple[Decision, ...]:
        """The layers in which nothing applied."""
        return tuple(each for each in self.layers if each.verdict is Verdict.IMPLICIT_DENY)


NO_OWNER = ResourceLayers()


def decide(
    requester: Requester,
    bound: RequesterLayers,
    target: ResourceLayers,
    action: str,
    resource: str,
    context: Context,
) -> Decision:
    """Decide. `resource` is an ARN, or * for an action on none; `context` has lower-case keys."""
    if target is NO_OWNER and bound.identity_alone and requester.kind in _WITH_IDENTITY:
        # What nearly all calls are: identity policies and nothing else.
        return bound.identity.evaluate(action, resource, context)
    return explain(requester, bound, target, action, resource, context).decision


def explain(
    requester: Requester,
    bound: RequesterLayers,
    target: ResourceLayers,
    action: str,
    resource: str,
    context: Context,
) -> Explanation:
    """Decide, and keep what each layer said."""
    gates = list(_gates(requester, bound, target, action, resource, context))
    grant, match = _NO_GRANT, Match.NONE
    if target.policy is not None:
        grant, match = target.policy.evaluate(requester, action, resource, context)
    own = list(_own(requester, bound, action, resource, context))
    said = (*gates, *((grant,) if target.policy is not None else ()), *own)
    for each in said:
        if each.verdict is Verdict.EXPLICIT_DENY:
            return Explanation(each, said)
    for each in gates:
        if not each.allowed:
            return Explanation(each, said)
    return Explanation(_granted(requester, target, grant, match, own), said)


def _gates(
    requester: Requester,
    bound: RequesterLayers,
    target: ResourceLayers,
    action: str,
    resource: str,
    context: Context,
) -> Iterator[Decision]:
    """Yield what the layers say of which each must allow, whatever the others say."""
    if not requester.service_linked:
        for control in target.control:
            yield control.evaluate(requester, action, resource, context)[0]
        if requester.kind is not RequesterKind.SERVICE:
            for level in bound.service_control:
                yield level.evaluate(action, resource, context)
    if bound.endpoint is not None:
        yield bound.endpoint.evaluate(requester, action, resource, context)[0]


def _own(
    requester: Requester, bound: RequesterLayers, action: str, resource: str, context: Context
) -> Iterator[Decision]:
    """Yield what the requester's own layers say: identity, then boundary, then session."""
    if requester.kind in _WITHOUT_IDENTITY:
        return
    if requester.kind is RequesterKind.ROOT:
        yield _UNBOUND
        return
    yield bound.identity.evaluate(action, resource, context)
    for narrowing in (bound.boundary, bound.session):
        if narrowing is not None:
            yield narrowing.evaluate(action, resource, context)


def _granted(
    requester: Requester, target: ResourceLayers, grant: Decision, match: Match, own: list[Decision]
) -> Decision:
    """Combine the resource's policy with the requester's own layers; nothing is an explicit deny any more."""
    if requester.kind in _WITHOUT_IDENTITY:
        return grant
    foreign = bool(target.account_id) and requester.account_id != target.account_id
    if not grant.allowed:
        # Between accounts both must say yes; so must the policy of a resource that only its policy opens.
        return grant if foreign or target.required else _all(own)
    if foreign:
        return _all(own)
    if match is Match.REQUESTER:
        # Named itself: no other layer needs to allow it, and none that is only silent can take it away.
        return grant
    if match in (Match.ROLE, Match.ANYONE):
        # Boundary and session narrow what is given to a role, or to everybody, as if it were its own.
        narrowed = _all(own[1:])
        return grant if narrowed.allowed else narrowed
    return _all(own)


def _all(own: list[Decision]) -> Decision:
    for each in own:
        if not each.allowed:
            return each
    return own[0] if own else _UNBOUND
