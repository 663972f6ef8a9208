"""What holds of all layers together, whatever the policies: Denies, order, empty layers, canonical form."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import DomainError
from services.chassis.policy import layers
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.model import Decision, Verdict
from services.chassis.policy.principals import Match
from services.chassis.policy.resource_evaluator import ResourcePolicySet
from tests.unit.chassis.policy.layered_cases import LayeredSet, _Drawer, layered_set
from tests.unit.chassis.policy.layered_comparison import CompiledLayers
from tests.unit.chassis.policy.reference import listed
from tests.unit.chassis.policy.reference_layers import (
    BOUNDARY,
    ENDPOINT,
    IDENTITY,
    RCP,
    RESOURCE,
    SCP,
    SESSION,
    Key,
    Request,
    Situation,
)

SEEDS = st.integers(min_value=0, max_value=2**64 - 1)
Asked = tuple[Situation, Request]


def decisions(made: LayeredSet, *, through_canonical: bool = False) -> dict[Asked, Decision]:
    """Ask a set everything that it comes with."""
    compiled = CompiledLayers(made, through_canonical=through_canonical)
    return {
        (situation, request): layers.decide(
            *compiled.of(situation), request.action, request.resource, request.context
        )
        for situation in made.situations
        for request in made.requests
    }


def changed(made: LayeredSet, documents: Mapping[Key, tuple[str, ...]]) -> LayeredSet:
    """Return a set with the documents of some layers replaced."""
    return replace(made, documents={**made.documents, **documents})


def with_statement(random_: random.Random, made: LayeredSet, key: Key, effect: str) -> LayeredSet:
    """Add a statement to a layer: to a document that is there where it fits, or as one of its own."""
    kind = made.kind(key[0])
    drawer = _Drawer(random_, made.resource_kind.service, [each.who for each in made.situations])
    added = drawer._statement(kind, effect)
    if random_.random() < 0.5:
        # About everything, so that it shows.
        added = {name: value for name, value in added.items() if name in ("Effect", "Principal")}
        added |= {"Action": "*"} | ({"Resource": "*"} if kind.has_resource else {})
        if kind.principal.name != "ABSENT":
            added["Principal"] = "*"
    documents = list(made.documents[key])
    if documents and random_.random() < 0.5:
        at = random_.randrange(len(documents))
        policy = json.loads(documents[at])
        statements = list(listed(policy["Statement"]))
        statements.insert(random_.randrange(len(statements) + 1), added)
        longer = json.dumps({**policy, "Statement": statements})
        if sum(not each.isspace() for each in longer) <= kind.max_chars:
            documents[at] = longer
            return changed(made, {key: tuple(documents)})
    alone = json.dumps({"Version": "2012-10-17", "Statement": added})
    documents.insert(random_.randrange(len(documents) + 1), alone)
    return changed(made, {key: tuple(documents)})


@given(SEEDS)
@settings(max_examples=40, deadline=None, database=None)
def test_a_deny_anywhere_never_widens(seed: int) -> None:
    random_ = random.Random(seed)
    made = layered_set(random_)
    before = decisions(made)
    after = decisions(with_statement(random_, made, random_.choice(sorted(made.documents)), "Deny"))
    for asked, decision in before.items():
        assert after[asked].verdict in (decision.verdict, Verdict.EXPLICIT_DENY), asked


@given(SEEDS)
@settings(max_examples=40, deadline=None, database=None)
def test_an_allow_anywhere_never_narrows(seed: int) -> None:
    """A statement that names somebody more loosely or more closely must not take away what another gave."""
    random_ = random.Random(seed)
    made = layered_set(random_)
    before = decisions(made)
    keys = [key for key in sorted(made.documents) if key[0] != RCP]
    after = decisions(with_statement(random_, made, random_.choice(keys), "Allow"))
    for asked, decision in before.items():
        assert after[asked].allowed or not decision.allowed, asked


def test_what_is_added_shows_often() -> None:
    """The two properties above would hold of statements that never apply."""
    random_ = random.Random(20261121)
    counts: Counter[Any] = Counter()
    for _ in range(60):
        made = layered_set(random_)
        before = decisions(made)
        for effect in ("Deny", "Allow"):
            key = random_.choice([key for key in sorted(made.documents) if key[0] != RCP])
            after = decisions(with_statement(random_, made, key, effect))
            counts[effect] += any(after[asked].verdict is not before[asked].verdict for asked in before)
    assert counts["Deny"] > 20
    assert counts["Allow"] > 6


@given(SEEDS)
@settings(max_examples=40, deadline=None, database=None)
def test_order_never_matters(seed: int) -> None:
    """Of statements in a policy, of policies in a layer, of levels in an organization."""
    random_ = random.Random(seed)
    made = layered_set(random_)
    shuffled: dict[Key, tuple[str, ...]] = {}
    for layer in {key[0] for key in made.documents}:
        keys = sorted(key for key in made.documents if key[0] == layer)
        taken = random_.sample(keys, len(keys))
        for key, other in zip(keys, taken, strict=True):
            documents = [_statements_shuffled(random_, each) for each in made.documents[other]]
            random_.shuffle(documents)
            shuffled[key] = tuple(documents)
    before, after = decisions(made), decisions(changed(made, shuffled))
    assert {asked: each.verdict for asked, each in before.items()} == {
        asked: each.verdict for asked, each in after.items()
    }


def _statements_shuffled(random_: random.Random, document: str) -> str:
    policy = json.loads(document)
    statements = list(listed(policy["Statement"]))
    random_.shuffle(statements)
    return json.dumps({**policy, "Statement": statements})


def _permitted(sets: int) -> Iterator[tuple[LayeredSet, Asked, Decision]]:
    random_ = random.Random(20261121)
    for _ in range(sets):
        made = layered_set(random_)
        for asked, decision in decisions(made).items():
            if decision.allowed:
                yield made, asked, decision


@pytest.mark.parametrize("layer", [SCP, RCP, ENDPOINT, BOUNDARY, SESSION])
def test_an_empty_layer_denies_where_it_should(layer: str) -> None:
    """Whatever was permitted is denied by a layer that is there and silent, but for those it is not about."""
    counts: Counter[str] = Counter()
    for made, (situation, request), _ in _permitted(40):
        keys = [key for key in made.documents if key[0] == layer]
        if not keys or layer in situation.absent:
            continue
        key = keys[(len(request.action) + len(request.context)) % len(keys)]
        compiled = CompiledLayers(changed(made, {key: ()}))
        arguments = compiled.of(situation)
        decision = layers.decide(*arguments, request.action, request.resource, request.context)
        exempt = _exempt(layer, arguments, situation, request)
        counts["exempt" if exempt else "bound"] += 1
        assert decision.allowed is exempt, (situation, request)
        if not exempt:
            assert decision.verdict is Verdict.IMPLICIT_DENY
            assert decision.layer.value == layer
            assert decision.level == key[1]
    assert counts["bound"] > 20
    assert (counts["exempt"] > 20) is (layer != ENDPOINT)


def _exempt(layer: str, arguments: Any, situation: Situation, request: Request) -> bool:
    """Say whether a layer may be silent about somebody."""
    who, policy = situation.who, arguments[2].policy
    if layer == ENDPOINT:
        return False
    if layer == SCP:
        return who.service_linked or who.kind == "service"
    if layer == RCP:
        return who.service_linked
    if who.kind in ("root", "service", "federated"):
        return True
    if policy is None or situation.owner not in ("", who.account):
        return False
    # Named itself in the policy of a resource of its own account.
    said = policy.evaluate(arguments[0], request.action, request.resource, request.context)
    return bool(said[1] is Match.REQUESTER)


@pytest.mark.parametrize(
    ("emptied", "applies"),
    [
        (RESOURCE, lambda situation: situation.required),
        (RESOURCE, lambda situation: situation.owner not in ("", situation.who.account)),
        (RESOURCE, lambda situation: situation.who.kind in ("service", "federated")),
        (IDENTITY, lambda situation: RESOURCE in situation.absent and situation.who.kind != "root"),
        (
            IDENTITY,
            lambda situation: (
                situation.owner not in ("", situation.who.account)
                and situation.who.kind in ("user", "session")
            ),
        ),
    ],
    ids=["required", "another account's", "of services", "without a resource policy", "across accounts"],
)
def test_an_empty_side_denies_where_it_must_allow(emptied: str, applies: Callable[[Situation], bool]) -> None:
    cases = 0
    for made, (situation, request), _ in _permitted(40):
        if applies(situation):
            cases += 1
            compiled = CompiledLayers(changed(made, {(emptied, 0): ()}))
            asked = (*compiled.of(situation), request.action, request.resource, request.context)
            assert layers.decide(*asked).verdict is Verdict.IMPLICIT_DENY, (situation, request)
    assert cases > 20


@given(SEEDS)
@settings(max_examples=20, deadline=None, database=None)
def test_silent_layers_are_those_in_which_nothing_applied(seed: int) -> None:
    made = layered_set(random.Random(seed))
    compiled = CompiledLayers(made)
    for situation in made.situations:
        for request in made.requests:
            asked = (*compiled.of(situation), request.action, request.resource, request.context)
            explained = layers.explain(*asked)
            assert explained.silent == tuple(
                each for each in explained.layers if not each.allowed and each.statement == -1
            )


@given(SEEDS)
@settings(max_examples=40, deadline=None, database=None)
def test_a_layer_that_says_it_needs_no_context_needs_none(seed: int) -> None:
    """Enforcement points spare themselves the context of a request where no layer is conditional."""
    made = layered_set(random.Random(seed))
    requester = CompiledLayers(made).of(made.situations[0])[0]
    for key, documents in made.documents.items():
        compiled = CompiledLayers(replace(made, documents={key: documents}))._sets[key]
        statements = [each for text in documents for each in listed(json.loads(text)["Statement"])]
        assert compiled.conditional or not any("Condition" in each for each in statements)
        if not compiled.conditional:
            for asked in made.requests:
                who = [requester] if isinstance(compiled, ResourcePolicySet) else []
                named = [*who, asked.action, asked.resource]
                assert compiled.evaluate(*named, asked.context) == compiled.evaluate(*named, {})


def test_a_statement_without_principal_is_no_statement_of_a_resource() -> None:
    document = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
    with pytest.raises(ValueError, match="names principals"):
        ResourcePolicySet([parse(document)])


@given(SEEDS)
@settings(max_examples=40, deadline=None, database=None)
def test_the_canonical_form_is_the_same_policy_of_every_kind(seed: int) -> None:
    made = layered_set(random.Random(seed))
    for (layer, _), documents in made.documents.items():
        for document in documents:
            policy = parse(document, made.kind(layer))
            stored = canonical(policy)
            assert parse(stored, made.kind(layer)) == policy
            assert canonical(parse(stored, made.kind(layer))) == stored
    # Places and Sids too: what is stored is what a refusal names.
    assert decisions(made) == decisions(made, through_canonical=True)


@given(SEEDS)
@settings(max_examples=40, deadline=None, database=None)
def test_what_is_refused_of_a_kind_is_refused_in_any_document(seed: int) -> None:
    """Principals belong to policies of resources, and only there; an Allow with NotPrincipal to none."""
    made = layered_set(random.Random(seed))
    for (layer, _), documents in made.documents.items():
        named = layer in (RESOURCE, ENDPOINT, RCP)
        for document in documents:
            policy = json.loads(document)
            for statement in listed(policy["Statement"]):
                wrong = dict(statement)
                if not named:
                    wrong["Principal"] = "*"
                elif statement["Effect"] == "Allow":
                    wrong["NotPrincipal"] = wrong.pop("Principal")
                else:
                    wrong = {name: value for name, value in wrong.items() if not name.endswith("Principal")}
                with pytest.raises(DomainError):
                    parse(json.dumps({**policy, "Statement": [wrong]}), made.kind(layer))
