"""Deciding about requests that nobody makes: with all layers, and with what would have to be known."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.auth.errors import invalid_field
from services.chassis.clock import Clock
from services.chassis.policy import layers
from services.chassis.policy.actions import catalogue
from services.chassis.policy.bundle import CompiledBundle, PolicyBundle
from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.context_keys import missing
from services.chassis.policy.document import canonical, parse, parse_accepted
from services.chassis.policy.keys import (
    NO_FACTS,
    PrincipalFacts,
    find,
    merge,
    request_context,
    resource_context,
)
from services.chassis.policy.kinds import (
    IDENTITY,
    RESOURCE_CONTROL,
    SERVICE_CONTROL,
    SESSION,
    TRUST,
    PolicyKind,
    PrincipalRule,
)
from services.chassis.policy.layers import ResourceLayers
from services.chassis.policy.model import Decision, Layer, Policy, Verdict
from services.chassis.policy.principals import Requester
from services.chassis.policy.resource_evaluator import ResourcePolicySet
from services.chassis.principal import PrincipalClaims

_CHARS = 1_000_000
"""One request's documents: what somebody tries out makes no room in the cache of what is in use."""
_RESOURCE = PolicyKind("policies of resources", 32_768, PrincipalRule.REQUIRED)
_OWN_POLICY_ALONE = (":key/", ":role/")
"""Resources that nothing but their own policy opens."""
_UNDECIDED = Decision(Verdict.ALLOW)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is simulated, beside the caller's own policies."""

    actions: Sequence[str]
    resources: Sequence[str] = ()
    """ARNs; * alone when there is none."""
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Condition keys with their values, before which nothing that is known stands."""
    boundary: str | None = None
    resource_policy: str = ""
    """Of each of the resources."""
    owner_account_id: str = ""
    """Of resources whose ARN names no account."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """One decision with what each layer said, each with the JSON of its statement, empty for silence."""

    action: str
    resource: str
    decision: tuple[Decision, str]
    layers: tuple[tuple[Decision, str], ...] = ()
    missing_keys: tuple[str, ...] = ()
    """Condition keys that could have decided and were not given."""
    known: bool = True
    """Whether there is such an action."""
    nearest: str = ""
    """Of an action that there is not: the one whose name is most like it."""
    permission_free: bool = False


class SimulatedRequests:
    """Decides as enforcement points do, for somebody who has certain policies."""

    def __init__(
        self,
        bundle: PolicyBundle,
        requester: Requester,
        claims: PrincipalClaims | None,
        asked: Asked,
        clock: Clock,
        facts: PrincipalFacts = NO_FACTS,
    ) -> None:
        """Compile everything. Without `claims` nothing is known of whoever asks but the time.

        Raises DomainError: INVALID_FIELD, UNSUPPORTED_POLICY.
        """
        if asked.boundary is not None:
            bundle = replace(bundle, boundary=(canonical(parse(asked.boundary)),))
        self._bundle = bundle
        self._compiled: CompiledBundle = PolicyCache(_CHARS).compile_bundle(self._bundle)
        self._requester = requester
        self._claims = claims
        self._asked = asked
        self._given = given_context(asked.context)
        self._clock = clock
        self._facts = facts
        self._parsed = tuple(_policies(self._bundle))

    def results(self) -> Iterator[Simulated]:
        """Decide about all resources of the first action, then of the next."""
        for action in self._asked.actions:
            for resource in self._asked.resources or ("*",):
                yield self._decide(action, resource)

    def _decide(self, action: str, resource: str) -> Simulated:
        known = catalogue().find(action)
        service = catalogue().services.get(action.partition(":")[0].lower())
        nearest = service.nearest(action.partition(":")[2]) if known is None and service is not None else ""
        if known is not None and known.permission_free:
            return Simulated(action, resource, (_UNDECIDED, ""), permission_free=True)
        target, policy = self._target(resource)
        context = self._context(target)
        asked = (self._requester, self._compiled.bound, target, action, resource, context)
        explained = layers.explain(*asked)
        parsed = self._parsed if policy is None else (*self._parsed, policy)
        return Simulated(
            action,
            resource,
            (explained.decision, self._statement(explained.decision)),
            tuple((each, self._statement(each)) for each in explained.layers),
            missing(parsed, action, resource, context),
            known is not None,
            nearest,
        )

    def _target(self, resource: str) -> tuple[ResourceLayers, Policy | None]:
        target = self._compiled.target(self._requester.account_id, resource)
        if not target.account_id and self._asked.owner_account_id:
            target = replace(target, account_id=self._asked.owner_account_id)
        if not self._asked.resource_policy:
            return target, None
        kind = TRUST if ":role/" in resource else _RESOURCE
        policy = parse(self._asked.resource_policy, kind)
        owned = any(part in resource for part in _OWN_POLICY_ALONE)
        return replace(target, policy=ResourcePolicySet([policy]), required=owned), policy

    def _context(self, target: ResourceLayers) -> dict[str, str | tuple[str, ...]]:
        claims = self._claims
        if claims is None:
            return dict(self._given)
        known = request_context(claims, self._clock.now(), self._facts)
        known.update(resource_context(target.account_id, claims, self._facts))
        # What is tried out stands before what is known, for example another address.
        return merge({key: value for key, value in known.items() if key not in self._given}, self._given)

    def _statement(self, decision: Decision) -> str:
        """Return the statement that a decision names, as canonical JSON."""
        if decision.policy < 0:
            return ""
        bundle = self._bundle
        documents: Sequence[str] | None = {
            Layer.IDENTITY: bundle.identity,
            Layer.BOUNDARY: bundle.boundary or (),
            Layer.SESSION: bundle.session or (),
            Layer.RESOURCE: (self._asked.resource_policy,),
        }.get(decision.layer)
        if documents is None:
            control = decision.layer is Layer.SERVICE_CONTROL
            levels = bundle.service_control if control else bundle.resource_control
            documents = levels[decision.level]
        statements = json.loads(documents[decision.policy])["Statement"]
        # What comes in the request is not canonical: one statement may stand there alone.
        statement = statements[decision.statement] if isinstance(statements, list) else statements
        return json.dumps(statement, ensure_ascii=False, separators=(",", ":"))


def given_context(context: Mapping[str, Sequence[str]]) -> dict[str, str | tuple[str, ...]]:
    """Return the condition keys of a request, in lower case. Raises DomainError(INVALID_FIELD)."""
    found: dict[str, str | tuple[str, ...]] = {}
    for key, values in context.items():
        known = find(key)
        if known is None:
            raise invalid_field("context", "has a key that no request carries")
        if not known.several and len(values) != 1:
            raise invalid_field("context", f"has several values of {known.name}, which has one")
        found[key.lower()] = tuple(values) if known.several else values[0]
    return found


def _policies(bundle: PolicyBundle) -> Iterator[Policy]:
    for documents, kind in (
        (bundle.identity, IDENTITY),
        (bundle.boundary or (), IDENTITY),
        (bundle.session or (), SESSION),
        *((level, SERVICE_CONTROL) for level in bundle.service_control),
        *((level, RESOURCE_CONTROL) for level in bundle.resource_control),
    ):
        for document in documents:
            yield parse_accepted(document, kind)
