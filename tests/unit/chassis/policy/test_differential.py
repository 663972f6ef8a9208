"""The compiled evaluator against the reference, on random policies that are made to nearly match."""

import ipaddress
import json
import operator
import os
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.policy import arns, conditions, patterns, resources, statements
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.evaluator import PolicySet
from services.chassis.policy.model import Quantifier, Verdict
from services.chassis.policy.operators import Kind, Relation
from tests.unit.chassis.policy import reference

# A small alphabet, so that patterns and requests meet often.
SERVICES = ("bedrock", "kms")
OPERATIONS = ("InvokeModel", "invokemodel", "InvokeModelWithResponseStream", "Invoke", "Decrypt", "I")
REGIONS = ("us-east-1", "us-west-2", "")
ACCOUNTS = ("123456789012", "210987654321", "")
TAILS = ("foundation-model/a", "foundation-model/ab", "key/a:b", "key/", "a", "foundation-model/a:1")
TEXTS = ("alice", "Alice", "true", "us-east-1", "a", "", "*", "al?ce", "foundation-model/a", "${")
ADDRESSES = ("10.1.2.3", "10.1.2.4", "192.0.2.7", "2001:db8::1", "2001:db8:1::", "::ffff:10.1.2.3", "none")
NETWORKS = ("10.0.0.0/8", "10.1.2.3", "10.1.2.2/31", "0.0.0.0/0", "2001:db8::/32", "2001:db8::1", "::/0")
NUMBERS = ("0", "1", "1763719000", "1763719000.5", "-3", "+1", "007")
DATES = ("2025-11-21T09:56:40Z", "2025-11-21T10:56:40+01:00", "2025-11-21", "2025-11", "2025", "1763719000")
ARNS = ("arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:user/a:b", "alice")
KEYS: dict[str, tuple[str, ...]] = {
    "aws:username": TEXTS,
    "aws:RequestedRegion": TEXTS,
    "kms:EncryptionContext:a": TEXTS,
    "kms:EncryptionContextKeys": TEXTS,
    "aws:SecureTransport": ("true", "false"),
    "aws:SourceIp": ADDRESSES,
    "aws:EpochTime": (*NUMBERS, "x"),
    "aws:CurrentTime": (*DATES, "x"),
    "aws:PrincipalArn": ARNS,
    "aws:ResourceTag/a": TEXTS,
    "aws:CalledVia": TEXTS,
    "aws:VpcSourceIp": ADDRESSES,
    "idp.example/a:sub": TEXTS,
    "idp.example/a:amr": TEXTS,
    "sts:DurationSeconds": (*NUMBERS, "x"),
    "aws:ViaAWSService": ("true", "false"),
    "aws:SourceArn": ARNS,
}
SEVERAL_KEYS = ("kms:EncryptionContextKeys", "aws:CalledVia", "idp.example/a:amr")
TEXT_KEYS = ("aws:username", "aws:RequestedRegion", "kms:EncryptionContext:a")
FAMILY_KEYS = ("aws:ResourceTag/a", "idp.example/a:sub")
VARIABLES = (
    "${aws:username}",
    "${AWS:UserName, 'alice'}",
    "${kms:EncryptionContext:a,''}",
    "${aws:PrincipalArn}",
    "${IdP.example/a:Sub, 'alice'}",
    "${aws:RequestedRegion, 'a'}",
    "${*}",
    "${?}",
    "${$}",
)
ORDERS = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")


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


def with_variable(random_: random.Random, text: str) -> str:
    """Put a policy variable into a text, sometimes: anywhere, or instead of all of it."""
    if random_.random() < 0.5:
        return text
    at = random_.randrange(len(text) + 1)
    chosen = random_.choice(VARIABLES)
    return chosen if random_.random() < 0.4 else text[:at] + chosen + text[at:]


def text_value(random_: random.Random) -> str:
    text = random_.choice(TEXTS[:-1])
    return with_variable(random_, wildcarded(random_, text) if random_.random() < 0.5 else text)


def arn_value(random_: random.Random) -> str:
    parts = [wildcarded(random_, part) for part in ("arn", "aws", "iam", "", "123456789012")]
    return ":".join(
        [*parts, with_variable(random_, wildcarded(random_, random_.choice(("user/alice", "user/a:b"))))]
    )


def one_condition(random_: random.Random) -> tuple[str, str, Any]:
    """Draw an operator, a key that fits it, and values."""
    family = random_.choice(("String", "String", "Bool", "Ip", "Numeric", "Date", "Arn", "Null"))
    several = family == "String" and random_.random() < 0.3
    families = random_.random() < 0.15
    key = random_.choice(SEVERAL_KEYS if several else FAMILY_KEYS if families else TEXT_KEYS)
    if family == "String":
        name = f"String{random_.choice(('', 'Not'))}{random_.choice(('Equals', 'EqualsIgnoreCase', 'Like'))}"
        values = some(random_, text_value)
    elif family == "Bool":
        name, key = "Bool", random_.choice(("aws:SecureTransport", "aws:ViaAWSService"))
        values = some(random_, lambda r: r.choice((True, False, "true", "False")))
    elif family == "Ip":
        name = random_.choice(("IpAddress", "NotIpAddress"))
        key = random_.choice(("aws:SourceIp", "aws:SourceIp", "aws:VpcSourceIp"))
        values = some(random_, lambda r: r.choice(NETWORKS))
    elif family == "Numeric":
        name = f"Numeric{random_.choice(ORDERS)}"
        key = random_.choice(("aws:EpochTime", "sts:DurationSeconds"))
        values = some(random_, lambda r: r.choice((*NUMBERS, 1, 1763719000)))
    elif family == "Date":
        name, key = f"Date{random_.choice(ORDERS)}", random_.choice(("aws:CurrentTime", "aws:EpochTime"))
        values = some(random_, lambda r: r.choice(DATES))
    elif family == "Arn":
        name = f"Arn{random_.choice(('', 'Not'))}{random_.choice(('Equals', 'Like'))}"
        key = random_.choice(("aws:PrincipalArn", "aws:SourceArn"))
        values = some(random_, arn_value)
    else:
        return "Null", random_.choice(tuple(KEYS)), some(random_, lambda r: r.choice((True, "false", "true")))
    if several or random_.random() < 0.1:
        name = f"{random_.choice(('ForAllValues', 'ForAnyValue'))}:{name}"
    if random_.random() < 0.3:
        name += "IfExists"
    return name, key, values


def condition(random_: random.Random) -> dict[str, Any]:
    made: dict[str, dict[str, Any]] = {}
    for _ in range(random_.choice((1, 1, 2, 3))):
        name, key, values = one_condition(random_)
        made.setdefault(name, {})[key] = values
    return made


def with_variable_in_arn(random_: random.Random, pattern: str) -> str:
    if pattern == "*" or random_.random() < 0.8:
        return pattern
    head, tail = pattern.rsplit(":", 1) if random_.random() < 0.5 else pattern.split(":", 5)[::5]
    if head == "arn":
        head = ":".join(pattern.split(":", 5)[:5])
    return f"{head}:{with_variable(random_, tail)}" if len(head.split(":")) >= 5 else pattern


def statement(random_: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Effect": random_.choice(("Allow", "Allow", "Deny")),
        random_.choice(("Action", "Action", "NotAction")): some(random_, action_pattern),
        random_.choice(("Resource", "Resource", "NotResource")): some(
            random_, lambda r: with_variable_in_arn(r, resource_pattern(r))
        ),
    }
    if random_.random() < 0.4:
        made["Condition"] = condition(random_)
    return made


def document(random_: random.Random) -> str:
    statements = [statement(random_) for _ in range(random_.choice((1, 2, 5, 12)))]
    version = random_.choice(("2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17"))
    return json.dumps({"Version": version, "Statement": statements})


def request(random_: random.Random) -> tuple[str, str, dict[str, str | tuple[str, ...]]]:
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
    context: dict[str, str | tuple[str, ...]] = {}
    for key, values in KEYS.items():
        if random_.random() < 0.25:
            continue
        several = tuple(random_.choice(values) for _ in range(random_.choice((0, 1, 2))))
        context[key.lower()] = several if key in SEVERAL_KEYS else random_.choice(values)
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


@given(st.integers(min_value=0, max_value=2**64 - 1))
@settings(max_examples=50, deadline=None, database=None)
def test_what_is_unconditional_for_an_action_decides_alike_in_every_context(seed: int) -> None:
    random_ = random.Random(seed)
    compiled = PolicySet([parse(document(random_))])
    for _ in range(50):
        action, resource, context = request(random_)
        if not compiled.conditional_for(action):
            assert compiled.evaluate(action, resource, context) == compiled.evaluate(action, resource, {})


def test_contexts_are_needed_for_some_actions_and_not_for_others() -> None:
    random_ = random.Random(2)
    found = {PolicySet([parse(document(random_))]).conditional_for(request(random_)[0]) for _ in range(100)}
    assert found == {True, False}


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
        deny, allow, conditional = original(self, action)
        self._by_action[action] = (allow, deny, conditional)
        return self._by_action[action]

    monkeypatch.setattr(PolicySet, "_index", index)


def _crosses_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        resources.ResourcePattern,
        "matches_candidate",
        lambda self, parts, context: all(check(parts[i]) for i, check in self._checks if i > 2),
    )


def _absent_key_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    original = conditions.Check.holds
    monkeypatch.setattr(
        conditions.Check,
        "holds",
        lambda self, context: self._key not in context or original(self, context),
    )


def _forgets_not_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        statements.CompiledStatement,
        "applies",
        lambda self, parts, context: all(check.holds(context) for check in self.checks),
    )


def _actions_keep_their_case(monkeypatch: pytest.MonkeyPatch) -> None:
    original = statements.CompiledStatement.covers

    def covers(self: Any, action: str) -> bool:
        return original(self, action) and action != "bedrock:invokemodel"

    monkeypatch.setattr(statements.CompiledStatement, "covers", covers)


def _overlapping_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    original = patterns.matcher

    def matcher(pattern: str) -> Any:
        if pattern.count("*") != 1 or "?" in pattern:
            return original(pattern)
        first, last = pattern.split("*")
        return lambda text: text.startswith(first) and text.endswith(last)

    monkeypatch.setattr(statements, "matcher", matcher)
    monkeypatch.setattr(arns, "matcher", matcher)


def _negates_each_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take StringNotEquals for "differs from one of the values"."""
    original = conditions._fixed_matches

    def fixed(relation: Any, values: list[str]) -> Any:
        return original(relation, values[:1])

    monkeypatch.setattr(conditions, "_fixed_matches", fixed)


def _inserts(monkeypatch: pytest.MonkeyPatch, insert: Any) -> None:
    for module in (conditions, arns):
        monkeypatch.setattr(module, "insert", insert)


def _inserts_wildcards(monkeypatch: pytest.MonkeyPatch) -> None:
    original = conditions.insert
    _inserts(
        monkeypatch,
        lambda template, context: (
            None
            if (pieces := original(template, context)) is None
            else tuple(piece if isinstance(piece, str) else piece.text for piece in pieces)
        ),
    )


def _defaults_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    original = conditions.insert
    _inserts(monkeypatch, lambda template, context: original(template, context) or ())


def _takes_one_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    original = conditions.Check.__init__

    def init(self: Any, condition: Any) -> None:
        original(self, condition)
        if self._quantifier is Quantifier.ALL:
            self._quantifier = Quantifier.ANY

    monkeypatch.setattr(conditions.Check, "__init__", init)


def _keeps_mapped_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions.scalars, "address", ipaddress.ip_address)


def _dates_without_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    original = conditions.scalars.instant
    monkeypatch.setitem(
        conditions._SCALARS, Kind.DATE, lambda text: original(re.sub(r"[+-]\d\d:\d\d$", "Z", text))
    )


def _is_strict_about_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(conditions._ORDER, Relation.LESS_OR_EQUAL, operator.lt)


MUTANTS = (
    _negates_each_value,
    _inserts_wildcards,
    _defaults_to_nothing,
    _takes_one_of_all,
    _keeps_mapped_addresses,
    _dates_without_zones,
    _is_strict_about_order,
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
    assert differences(seed=20261121, policy_sets=2000)


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
