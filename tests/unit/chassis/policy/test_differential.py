"""The compiled evaluator against the reference, on random policies that are made to nearly match."""

import json
import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.policy import evaluator, patterns, resources
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.evaluator import PolicySet
from services.chassis.policy.model import Verdict
from tests.unit.chassis.policy import reference

# A small alphabet, so that patterns and requests meet often.
SERVICES = ("bedrock", "kms")
OPERATIONS = ("InvokeModel", "invokemodel", "InvokeModelWithResponseStream", "Invoke", "Decrypt", "I")
REGIONS = ("us-east-1", "us-west-2", "")
ACCOUNTS = ("123456789012", "210987654321", "")
TAILS = ("foundation-model/a", "foundation-model/ab", "key/a:b", "key/", "a", "foundation-model/a:1")
CONTEXT_KEYS = ("aws:username", "aws:SecureTransport", "aws:RequestedRegion", "kms:EncryptionContext:a")
CONTEXT_VALUES = ("alice", "true", "false", "us-east-1", "a", "", "*", "al?ce")


def wildcarded(random_: random.Random, text: str) -> str:
    """Replace a random piece of a text by a wildcard, sometimes."""
    if text and random_.random() < 0.1:
        return f"*{text[: random_.randrange(1, 4)]}*"
    for _ in range(random_.choice((0, 0, 1, 1, 2))):
        if not text:
            return random_.choice(("*", ""))
        start = random_.randrange(len(text) + 1)
        end = random_.randrange(start, min(len(text), start + 6) + 1)
        if random_.random() < 0.2:
            # What stands before and after the wildcard overlaps: the text itself must not match.
            start, end = end, start
        text = text[:start] + random_.choice(("*", "?", "**")) + text[end:]
    return text


def action_pattern(random_: random.Random) -> str:
    if random_.random() < 0.1:
        return "*"
    operation = wildcarded(random_, random_.choice(OPERATIONS)) or "*"
    return f"{random_.choice((*SERVICES, '*', 'KMS'))}:{operation}"


def resource_pattern(random_: random.Random) -> str:
    if random_.random() < 0.15:
        return "*"
    parts = [
        wildcarded(random_, "aws"),
        random_.choice(SERVICES),
        wildcarded(random_, random_.choice(REGIONS)),
        wildcarded(random_, random_.choice(ACCOUNTS)),
    ]
    return ":".join(["arn", *parts, wildcarded(random_, random_.choice(TAILS)) or "*"])


def some(random_: random.Random, make: Callable[[random.Random], Any]) -> Any:
    values = [make(random_) for _ in range(random_.choice((1, 1, 2, 3)))]
    return values[0] if len(values) == 1 and random_.random() < 0.5 else values


def condition(random_: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for operator in random_.sample(("StringEquals", "StringLike", "Bool"), random_.choice((1, 1, 2))):
        keys = {}
        for key in random_.sample(CONTEXT_KEYS, random_.choice((1, 1, 2))):
            if operator == "Bool":
                keys[key] = some(random_, lambda r: r.choice((True, False, "true", "False")))
            elif operator == "StringLike":
                keys[key] = some(random_, lambda r: wildcarded(r, r.choice(CONTEXT_VALUES)))
            else:
                keys[key] = some(random_, lambda r: r.choice(CONTEXT_VALUES))
        made[operator] = keys
    return made


def statement(random_: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Effect": random_.choice(("Allow", "Allow", "Deny")),
        random_.choice(("Action", "Action", "NotAction")): some(random_, action_pattern),
        random_.choice(("Resource", "Resource", "NotResource")): some(random_, resource_pattern),
    }
    if random_.random() < 0.4:
        made["Condition"] = condition(random_)
    return made


def document(random_: random.Random) -> str:
    statements = [statement(random_) for _ in range(random_.choice((1, 2, 5, 12)))]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def request(random_: random.Random) -> tuple[str, str, dict[str, str]]:
    action = f"{random_.choice(SERVICES)}:{random_.choice(OPERATIONS)}"
    resource = random_.choice(
        (
            "*",
            "not-an-arn",
            "arn:aws:bedrock",
            "nra:aws:bedrock:us-east-1::a",
            *(
                f"arn:aws:{random_.choice(SERVICES)}:{random_.choice(REGIONS)}:{random_.choice(ACCOUNTS)}:{tail}"
                for tail in TAILS
            ),
        )
    )
    context = {key.lower(): random_.choice(CONTEXT_VALUES) for key in CONTEXT_KEYS if random_.random() < 0.7}
    return action, resource, context


def differences(seed: int, policy_sets: int, requests: int = 20) -> list[Any]:
    """Compare decisions; return those of the first policy set in which some differ."""
    random_ = random.Random(seed)
    found: list[Any] = []
    for _ in range(policy_sets):
        documents = [document(random_) for _ in range(random_.choice((1, 1, 2, 3)))]
        compiled = PolicySet([parse(each) for each in documents])
        for _ in range(requests):
            action, resource, context = request(random_)
            decision = compiled.evaluate(action, resource, context)
            verdict, deciding = reference.evaluate(documents, action, resource, context)
            place = (decision.policy, decision.statement)
            right_place = place in deciding if deciding else place == (-1, -1)
            if decision.verdict.value != verdict or not right_place:
                found.append((documents, action, resource, context, decision, verdict, deciding))
        if found:
            break
    return found


@given(st.integers(min_value=0, max_value=2**64 - 1))
@settings(max_examples=50, deadline=None, database=None)
def test_compiled_and_reference_never_differ(seed: int) -> None:
    assert differences(seed, policy_sets=2) == []


def test_a_long_run_when_asked_for() -> None:
    policy_sets = int(os.environ.get("CRATON_POLICY_SETS", "100"))
    seed = random.SystemRandom().randrange(2**64)
    print(f"seed {seed}, {policy_sets * 20} decisions")
    assert differences(seed, policy_sets) == []


def test_the_requests_reach_every_verdict() -> None:
    random_ = random.Random(1)
    verdicts = set()
    for _ in range(50):
        compiled = PolicySet([parse(document(random_))])
        verdicts |= {compiled.evaluate(*request(random_)).verdict for _ in range(20)}
    assert verdicts == set(Verdict)


def _ignores_denies(monkeypatch: pytest.MonkeyPatch) -> None:
    original = PolicySet._index

    def index(self: PolicySet, action: str) -> Any:
        deny, allow = original(self, action)
        self._by_action[action] = (allow, deny)
        return self._by_action[action]

    monkeypatch.setattr(PolicySet, "_index", index)


def _crosses_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        resources.ResourcePattern,
        "matches_candidate",
        lambda self, parts: all(check(parts[i]) for i, check in self._checks if i > 2),
    )


def _absent_key_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    original = evaluator._Check.holds
    monkeypatch.setattr(
        evaluator._Check,
        "holds",
        lambda self, context: self._key not in context or original(self, context),
    )


def _forgets_not_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        evaluator._Compiled,
        "applies",
        lambda self, parts, context: all(check.holds(context) for check in self.checks),
    )


def _actions_keep_their_case(monkeypatch: pytest.MonkeyPatch) -> None:
    original = evaluator._Compiled.covers

    def covers(self: Any, action: str) -> bool:
        return original(self, action) and action != "bedrock:invokemodel"

    monkeypatch.setattr(evaluator._Compiled, "covers", covers)


def _overlapping_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    original = patterns.matcher

    def matcher(pattern: str) -> Any:
        if pattern.count("*") != 1 or "?" in pattern:
            return original(pattern)
        first, last = pattern.split("*")
        return lambda text: text.startswith(first) and text.endswith(last)

    monkeypatch.setattr(evaluator, "matcher", matcher)
    monkeypatch.setattr(resources, "matcher", matcher)


MUTANTS = (
    _ignores_denies,
    _crosses_segments,
    _absent_key_holds,
    _forgets_not_resource,
    _actions_keep_their_case,
    _overlapping_pieces,
)


@pytest.mark.parametrize("mutate", MUTANTS)
def test_a_planted_mutant_is_found(
    mutate: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch)
    assert differences(seed=20261121, policy_sets=400)


@given(st.integers(min_value=0, max_value=2**64 - 1))
@settings(max_examples=40, deadline=None, database=None)
def test_canonical_json_means_the_same_and_is_stable(seed: int) -> None:
    random_ = random.Random(seed)
    written = document(random_)
    policy = parse(written)
    assert parse(canonical(policy)) == policy
    assert canonical(parse(canonical(policy))) == canonical(policy)
    action, resource, context = request(random_)
    original = reference.evaluate([written], action, resource, context)
    assert reference.evaluate([canonical(policy)], action, resource, context) == original


@given(st.integers(min_value=0, max_value=2**64 - 1))
@settings(max_examples=40, deadline=None, database=None)
def test_adding_a_deny_never_widens_and_order_never_matters(seed: int) -> None:
    random_ = random.Random(seed)
    documents = [document(random_) for _ in range(3)]
    denied = json.dumps({"Version": "2012-10-17", "Statement": {**statement(random_), "Effect": "Deny"}})
    before = PolicySet([parse(each) for each in documents])
    after = PolicySet([parse(each) for each in (*documents, denied)])
    turned = PolicySet([parse(each) for each in reversed(documents)])
    for _ in range(20):
        asked = request(random_)
        assert before.evaluate(*asked).allowed or not after.evaluate(*asked).allowed
        assert before.evaluate(*asked).verdict is turned.evaluate(*asked).verdict
