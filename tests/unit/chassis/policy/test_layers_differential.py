"""All layers together: the compiled evaluator against the reference, which finds whatever is planted."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.policy import layers, principals, statements
from services.chassis.policy.layers import ResourceLayers
from services.chassis.policy.model import Decision, Verdict
from services.chassis.policy.principals import Match, Requester, RequesterKind
from services.chassis.policy.resource_evaluator import ResourcePolicySet
from tests.unit.chassis.policy.layered_cases import DECISIONS, layered_set
from tests.unit.chassis.policy.layered_comparison import difference
from tests.unit.chassis.policy.reference_layers import (
    ALLOW,
    BOUNDARY,
    CLOSENESS,
    DENY,
    ENDPOINT,
    IDENTITY,
    RCP,
    RESOURCE,
    SCP,
    SESSION,
    SILENT,
    Answer,
    ReferenceLayers,
    Request,
    Situation,
)


@given(st.integers(min_value=0, max_value=2**64 - 1))
@settings(max_examples=40, deadline=None, database=None)
def test_compiled_and_reference_never_differ(seed: int) -> None:
    random_ = random.Random(seed)
    assert difference(layered_set(random_), through_canonical=random_.random() < 0.5) == ""


def test_a_long_run_when_asked_for() -> None:
    sets = int(os.environ.get("CRATON_POLICY_SETS", "50"))
    seed = random.SystemRandom().randrange(2**64)
    print(f"seed {seed}, {sets} sets, {sets * DECISIONS} decisions")
    random_ = random.Random(seed)
    assert [found for _ in range(sets) if (found := difference(layered_set(random_)))] == []


def _answers(sets: int) -> Iterator[tuple[Situation, Request, Answer]]:
    random_ = random.Random(20261121)
    for _ in range(sets):
        made = layered_set(random_)
        naive = ReferenceLayers(made.documents)
        for situation in made.situations:
            for request in made.requests:
                yield situation, request, naive.ask(situation, request)


def test_the_cases_reach_everything_often() -> None:
    """A generator that no longer draws one of these would make the campaign's zero mean less than it says."""
    counts: Counter[Any] = Counter()
    for situation, _, answer in _answers(500):
        who = situation.who
        foreign = situation.owner not in ("", who.account)
        counts["decisions"] += 1
        counts[answer.verdict] += 1
        counts[who.kind, answer.verdict] += 1
        counts["foreign" if foreign else "own", answer.verdict] += 1
        counts["required" if situation.required else "not required", answer.verdict] += 1
        counts["nobody's", answer.verdict] += situation.owner == ""
        counts["service-linked", answer.verdict] += who.service_linked
        for layer in {place[0] for place in answer.deciding}:
            counts[answer.verdict, layer] += 1
        said = answer.layers.get((RESOURCE, 0))
        if said and said.closeness:
            counts["named", said.closeness, "foreign" if foreign else "own", answer.verdict] += 1

    def share(*key: Any) -> float:
        return counts[key if len(key) > 1 else key[0]] / counts["decisions"]

    assert min(share(verdict) for verdict in (ALLOW, DENY, SILENT)) > 0.1
    for kind in ("root", "user", "session", "service", "federated", "own", "foreign", "nobody's"):
        assert min(share(kind, verdict) for verdict in (ALLOW, SILENT)) > 0.01, kind
        assert share(kind, DENY) > 0.002, kind
    for needed in ("required", "not required"):
        assert min(share(needed, verdict) for verdict in (ALLOW, DENY, SILENT)) > 0.03, needed
    assert min(share("service-linked", verdict) for verdict in (ALLOW, DENY, SILENT)) > 0.002
    for layer in (SCP, RCP, ENDPOINT, RESOURCE, IDENTITY, BOUNDARY, SESSION):
        assert min(share(verdict, layer) for verdict in (DENY, SILENT)) > 0.008, layer
    assert min(share(ALLOW, layer) for layer in (IDENTITY, RESOURCE)) > 0.05
    for closeness in CLOSENESS:
        for side in ("own", "foreign"):
            assert min(share("named", closeness, side, verdict) for verdict in (ALLOW, SILENT)) > 0.001


def _granted(changed: Callable[..., Any]) -> AbstractContextManager[Any]:
    """Let a fault change the arguments of the last step, which are in this order."""
    original = layers._granted

    def granted(
        requester: Requester, target: ResourceLayers, grant: Decision, match: Match, own: list[Decision]
    ) -> Decision:
        return original(*changed(requester, target, grant, match, own))

    return patch.object(layers, "_granted", granted)


def _closer(*matches: Match) -> AbstractContextManager[Any]:
    """Take these ways of naming somebody for naming the requester itself."""
    return _granted(
        lambda requester, target, grant, match, own: (
            requester,
            target,
            grant,
            Match.REQUESTER if match in matches else match,
            own,
        )
    )


def _gates(changed: Callable[..., Any]) -> AbstractContextManager[Any]:
    original = layers._gates
    return patch.object(
        layers,
        "_gates",
        lambda requester, bound, target, *rest: original(*changed(requester, bound, target), *rest),
    )


def _one_side(*, theirs: bool) -> AbstractContextManager[Any]:
    """Between accounts, ask only the resource's owner, or only the requester's account."""
    original = layers._granted

    def granted(requester: Any, target: Any, grant: Any, match: Any, own: Any) -> Decision:
        if target.account_id in ("", requester.account_id) or requester.kind is RequesterKind.SERVICE:
            return original(requester, target, grant, match, own)
        return grant if theirs else layers._all(own)

    return patch.object(layers, "_granted", granted)


def _own_denies_forgotten() -> AbstractContextManager[Any]:
    original = layers._own

    def own(*arguments: Any) -> Iterator[Decision]:
        for each in original(*arguments):
            denied = each.verdict is Verdict.EXPLICIT_DENY
            yield Decision(Verdict.IMPLICIT_DENY, layer=each.layer) if denied else each

    return patch.object(layers, "_own", own)


def _root_is_narrowed() -> AbstractContextManager[Any]:
    original = layers._own

    def own(requester: Requester, bound: Any, *rest: Any) -> Iterator[Decision]:
        yield from original(requester, bound, *rest)
        if requester.kind is RequesterKind.ROOT and bound.boundary is not None:
            yield bound.boundary.evaluate(*rest)

    return patch.object(layers, "_own", own)


def _first_allow_counts() -> AbstractContextManager[Any]:
    original = ResourcePolicySet.evaluate

    def evaluate(self: Any, requester: Requester, action: str, *rest: Any) -> Any:
        decision, match = original(self, requester, action, *rest)
        if not decision.allowed:
            return decision, match
        everything = self._statements
        for entry in everything:
            # One statement at a time: the first that allows is taken, however it names the requester.
            kept = self._by_action[action]
            self._by_action[action] = (entry,), kept[1]
            single = original(self, requester, action, *rest)
            self._by_action[action] = kept
            if entry in kept[0] and single[0].allowed:
                return single
        return decision, match

    return patch.object(ResourcePolicySet, "evaluate", evaluate)


def _match(changed: Callable[[Any, Requester, Match], Match]) -> AbstractContextManager[Any]:
    original = principals._match
    return patch.object(
        principals, "_match", lambda name, requester: changed(name, requester, original(name, requester))
    )


def _not_principal_forgets(forgotten: Match) -> AbstractContextManager[Any]:
    original = principals._wanted
    return patch.object(principals, "_wanted", lambda requester: original(requester) - {forgotten})


def _not_resource_ignored() -> AbstractContextManager[Any]:
    return patch.object(
        statements.CompiledStatement,
        "applies",
        lambda self, _parts, context: all(check.holds(context) for check in self.checks),
    )


FAULTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "NotResource is ignored": _not_resource_ignored,
    "an SCP level is skipped": lambda: _gates(
        lambda who, bound, target: (who, replace(bound, service_control=bound.service_control[1:]), target)
    ),
    "an RCP level is skipped": lambda: _gates(
        lambda who, bound, target: (who, bound, replace(target, control=target.control[:-1]))
    ),
    "the endpoint policy is skipped": lambda: _gates(
        lambda who, bound, target: (who, replace(bound, endpoint=None), target)
    ),
    "service-linked roles are restricted": lambda: _gates(
        lambda who, bound, target: (replace(who, service_linked=False), bound, target)
    ),
    "what a role is given is not narrowed": lambda: _closer(Match.ROLE),
    "what everybody is given is not narrowed": lambda: _closer(Match.ANYONE),
    "naming the account is a grant": lambda: _closer(Match.ACCOUNT),
    "between accounts the resource's side is enough": lambda: _one_side(theirs=True),
    "between accounts the requester's side is enough": lambda: _one_side(theirs=False),
    "a key needs no policy of its own": lambda: _granted(
        lambda who, target, *rest: (who, replace(target, required=False), *rest)
    ),
    "what nobody owns is another account's": lambda: _granted(
        lambda who, target, *rest: (who, replace(target, account_id=target.account_id or "0"), *rest)
    ),
    "denies of the requester's own layers are silence": _own_denies_forgotten,
    "the root user is narrowed": _root_is_narrowed,
    "of several Allows the first counts": _first_allow_counts,
    "NotPrincipal need not list the role": lambda: _not_principal_forgets(Match.ROLE),
    "NotPrincipal need not list the account": lambda: _not_principal_forgets(Match.ACCOUNT),
    "a role's id is unknown": lambda: _match(
        lambda name, _who, match: Match.NONE if name.value.startswith("AROA") else match
    ),
    "everybody does not mean services": lambda: _match(
        lambda name, who, match: (
            Match.NONE if name.value == "*" and who.kind is RequesterKind.SERVICE else match
        )
    ),
}
"""What the campaign must find, each by its sentence."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str) -> None:
    random_ = random.Random(20261121)
    for _ in range(200):
        made = layered_set(random_)
        with FAULTS[fault]():
            if difference(made):
                break
    else:
        pytest.fail("not found in 200 policy sets")
    assert difference(made) == ""
