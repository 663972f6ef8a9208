"""Deciding about requests that nobody makes: with all layers, and with what would have to be known."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from services.auth.domain.pages import DEFAULT_SIZE, PageRequest
from services.auth.domain.policy_sources import NO_SOURCES, PrincipalSources, boundary_input, resource_input
from services.auth.domain.simulated_context import GivenKey, given_context
from services.auth.errors import invalid_field
from services.auth.operations.matched_statements import MatchedStatement, SourcedPolicy, matched_statements
from services.chassis.arn import resource_part
from services.chassis.clock import Clock
from services.chassis.pages import Page, encode_page_token
from services.chassis.policy import layers
from services.chassis.policy.actions import catalogue
from services.chassis.policy.bundle import CompiledBundle, PolicyBundle
from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.context_keys import missing
from services.chassis.policy.document import canonical, parse, parse_accepted
from services.chassis.policy.keys import (
    NO_FACTS,
    PrincipalFacts,
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

_CHARS = 8_000_000
"""More than a message has room for: what is tried out takes no room in the cache of what is in use, and no
layer of a request has to make room for another one."""
_RESOURCE = PolicyKind("policies of resources", 32_768, PrincipalRule.REQUIRED)
_OWN_POLICY_ALONE = ("key/", "role/")
"""Resources that nothing but their own policy opens, by how the last parts of their ARNs begin."""
_FIRST_PAGE = PageRequest(DEFAULT_SIZE, "")
_UNDECIDED = Decision(Verdict.ALLOW)
_ARN = re.compile(r"arn:[a-z0-9-]+:[a-z0-9-]+:[^:\s]*:[^:\s]*:\S(?:.*\S)?", re.ASCII)
"""AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is simulated, beside the caller's own policies."""

    actions: Sequence[str]
    resources: Sequence[str] = ()
    """ARNs, or * for an action on no resource; * alone when there is none."""
    context: Sequence[GivenKey] = ()
    """Condition keys, before which nothing that is known stands."""
    boundary: str | None = None
    resource_policy: str = ""
    """Of each of the resources."""
    owner_account_id: str = ""
    """Of resources whose ARN names no account."""
    page: PageRequest = _FIRST_PAGE


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
    matched: tuple[MatchedStatement, ...] = ()
    """The statements that the decision rests on; none of an implicit deny."""
    cross_account: bool = False
    """Whether the resource is another account's than the requester's."""


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
        sources: PrincipalSources = NO_SOURCES,
    ) -> None:
        """Compile everything. Without `claims` nothing is known of whoever asks but the time.

        `sources` are the policies that `bundle` was made of. Raises DomainError: INVALID_FIELD,
        UNSUPPORTED_POLICY.
        """
        for resource in asked.resources:
            if resource != "*" and not _ARN.fullmatch(resource):
                raise invalid_field("resources", f"ResourceNames are not in a valid ARN format: {resource}.")
        if asked.boundary is not None:
            bundle = replace(bundle, boundary=(canonical(parse(asked.boundary)),))
            sources = replace(sources, boundary=(boundary_input(asked.boundary),))
        self._bundle = bundle
        self._compiled: CompiledBundle = PolicyCache(_CHARS).compile_bundle(self._bundle)
        self._requester = requester
        self._claims = claims
        self._asked = asked
        self._given = given_context(asked.context)
        self._clock = clock
        self._facts = facts
        self._parsed = tuple(_policies(self._bundle))
        self._sourced = (
            *(SourcedPolicy(each, Layer.IDENTITY) for each in sources.identity),
            *(SourcedPolicy(each, Layer.BOUNDARY) for each in sources.boundary),
        )

    def page(self) -> Page[Simulated]:
        """Decide about all resources of the first action, then of the next: as many as the page takes.

        Raises DomainError: INVALID_FIELD for a token of another request, UNSUPPORTED_POLICY.
        """
        resources = self._asked.resources or ("*",)
        wanted, count = self._asked.page, len(self._asked.actions) * len(resources)
        # Of another request the token would leave out what nobody has seen yet.
        mark = hashlib.sha256(json.dumps([[*self._asked.actions], [*resources]]).encode()).hexdigest()[:16]
        seen, _, of = wanted.after.partition("/")
        if wanted.after and not (of == mark and seen.isdecimal() and int(seen) < count):
            raise invalid_field("page_token", "is not a token of an earlier page of this request")
        first = int(seen or 0)
        end = min(first + wanted.size, count)
        items = tuple(
            self._decide(self._asked.actions[at // len(resources)], resources[at % len(resources)])
            for at in range(first, end)
        )
        return Page(items, encode_page_token(f"{end}/{mark}") if end < count else "")

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
        parsed, sourced = self._parsed, self._sourced
        if policy is not None:
            parsed = (*parsed, policy)
            source = resource_input(self._asked.resource_policy)
            sourced = (*sourced, SourcedPolicy(source, Layer.RESOURCE, policy))
        verdict = explained.decision.verdict
        return Simulated(
            action,
            resource,
            (explained.decision, self._statement(explained.decision)),
            tuple((each, self._statement(each)) for each in explained.layers),
            missing(parsed, action, resource, context),
            known is not None,
            nearest,
            matched=matched_statements(sourced, verdict, self._requester, action, resource, context),
            cross_account=target.account_id not in ("", self._requester.account_id),
        )

    def _target(self, resource: str) -> tuple[ResourceLayers, Policy | None]:
        target = self._compiled.target(self._requester.account_id, resource)
        if not target.account_id and self._asked.owner_account_id:
            target = replace(target, account_id=self._asked.owner_account_id)
        if not self._asked.resource_policy:
            return target, None
        named = resource_part(resource)
        kind = TRUST if named.startswith("role/") else _RESOURCE
        policy = parse(self._asked.resource_policy, kind)
        owned = named.startswith(_OWN_POLICY_ALONE)
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
