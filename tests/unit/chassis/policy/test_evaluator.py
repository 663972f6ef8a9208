"""Single rules of the evaluator, one by one, and its cost."""

import dataclasses
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from services.chassis.errors import DomainError
from services.chassis.policy.document import parse
from services.chassis.policy.evaluator import PolicySet
from services.chassis.policy.keys import PrincipalFacts, merge, request_context, resource_context
from services.chassis.policy.model import Verdict
from services.chassis.policy.patterns import matcher
from services.chassis.principal import ClientContext, PrincipalClaims

MODEL = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"


def policies(*statements: dict[str, Any]) -> PolicySet:
    return PolicySet([parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))])


def allow(resource: str | list[str], action: str = "bedrock:InvokeModel", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_nothing_is_allowed_by_nobody() -> None:
    decision = PolicySet([]).evaluate("bedrock:InvokeModel", MODEL, {})
    assert decision.verdict is Verdict.IMPLICIT_DENY
    assert (decision.policy, decision.statement) == (-1, -1)


def test_a_deny_wins_and_is_named() -> None:
    compiled = policies(allow("*"), {**allow(MODEL), "Effect": "Deny", "Sid": "NotThisOne"})
    decision = compiled.evaluate("bedrock:InvokeModel", MODEL, {})
    assert decision.verdict is Verdict.EXPLICIT_DENY
    assert (decision.policy, decision.statement, decision.sid) == (0, 1, "NotThisOne")


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("*", True),
        (MODEL, True),
        ("arn:aws:bedrock:*::foundation-model/*", True),
        ("arn:aws:bedrock:us-east-?::foundation-model/craton.*", True),
        ("arn:*:bedrock:us-east-1::foundation-model/*-v1", True),
        ("arn:aws:bedrock:us-east-1:*:foundation-model/*", True),
        ("arn:aws:bedrock:*:foundation-model/craton.tiny-text-v1:x", False),
        ("arn:aws:bedrock:us-west-2::foundation-model/*", False),
        ("arn:aws:bedrock:us-east-1::Foundation-Model/*", False),
        ("arn:aws:kms:us-east-1::foundation-model/*", False),
        ("arn:aws:bedrock:us-east-1:123456789012:foundation-model/*", False),
    ],
)
def test_wildcards_end_at_the_colons_of_the_first_five_parts(pattern: str, matches: bool) -> None:
    assert policies(allow(pattern)).evaluate("bedrock:InvokeModel", MODEL, {}).allowed is matches


def test_the_last_part_may_hold_colons() -> None:
    compiled = policies(allow("arn:aws:bedrock:*::foundation-model/a*z"))
    arn = "arn:aws:bedrock:us-east-1::foundation-model/a:b:z"
    assert compiled.evaluate("bedrock:InvokeModel", arn, {}).allowed


def test_actions_are_compared_without_case_and_resources_with_it() -> None:
    compiled = policies(allow(MODEL, "BEDROCK:invoke*"))
    assert compiled.evaluate("bedrock:InvokeModel", MODEL, {}).allowed
    assert not compiled.evaluate("bedrock:InvokeModel", MODEL.upper(), {}).allowed


def test_a_key_that_the_request_lacks_makes_its_condition_false() -> None:
    compiled = policies(allow("*", Condition={"StringLike": {"aws:username": "*"}}))
    assert not compiled.evaluate("bedrock:InvokeModel", MODEL, {}).allowed
    assert compiled.evaluate("bedrock:InvokeModel", MODEL, {"aws:username": ""}).allowed


@pytest.mark.parametrize("pattern", ["a?c", "a*c", "a?*", "*?*"])
def test_wildcards_stand_for_line_ends_too(pattern: str) -> None:
    assert matcher(pattern)("a\nc")


def test_a_set_says_whether_any_statement_looks_at_the_context() -> None:
    conditional = {**allow("*"), "Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    assert not policies(allow("*")).conditional
    assert policies(allow("*"), conditional).conditional
    assert policies(conditional, allow("*")).conditional


def test_an_action_needs_conditions_when_a_statement_about_it_does() -> None:
    conditional = {**allow("*"), "Action": "kms:*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    variable = {**allow("arn:aws:bedrock:*::${aws:username}"), "Action": "bedrock:Get*"}
    mixed = policies({**allow("*"), "Action": "sts:*"}, conditional, variable)
    for _ in range(2):
        assert mixed.conditional_for("kms:Decrypt") is True
        assert mixed.conditional_for("bedrock:GetFoundationModel") is True
        assert mixed.conditional_for("sts:AssumeRole") is False
    assert policies(allow("*")).conditional_for("kms:Decrypt") is False
    mixed.retire()
    assert mixed.conditional_for("kms:Decrypt") is False


def test_actions_in_any_number_do_not_grow_memory() -> None:
    compiled = policies(allow("*"))
    for number in range(3000):
        assert not compiled.evaluate(f"bedrock:Other{number}", MODEL, {}).allowed
    assert len(compiled._by_action) <= 1024
    assert compiled.evaluate("bedrock:InvokeModel", MODEL, {}).allowed


CLAIMS = PrincipalClaims(
    account_id="123456789012",
    account_incarnation="i",
    arn="arn:aws:iam::123456789012:user/alice",
    principal_id="AIDA",
    access_key_id="AKIA",
    root=False,
    policy_epoch=1,
    region="us-east-1",
    audience="runtime",
    token_id="t",
    issued_at=0,
    expires_at=60,
    client=ClientContext("192.0.2.1", "boto3", "TLSv1.3", "", "localhost"),
)


def test_the_context_says_who_has_passed_a_request_on_and_for_whom() -> None:
    via = ("bedrock.amazonaws.com", "kms.amazonaws.com")
    passed_on = dataclasses.replace(CLAIMS, via=via, source_identity="carol")
    context = request_context(passed_on, datetime.now(UTC))
    assert context["aws:calledvia"] == via
    assert (context["aws:calledviafirst"], context["aws:calledvialast"]) == via
    assert context["aws:viaawsservice"] == "true"
    assert context["aws:sourceidentity"] == "carol"
    as_role = request_context(
        dataclasses.replace(CLAIMS, invoked_by="bedrock.amazonaws.com"), datetime.now(UTC)
    )
    assert as_role["aws:viaawsservice"] == "false", "a service with a role of its own calls for nobody else"
    assert "aws:calledvia" not in as_role


def test_the_context_says_what_the_token_says() -> None:
    now = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
    assert request_context(CLAIMS, now) == {
        "aws:currenttime": "2026-11-21T10:30:00Z",
        "aws:epochtime": "1795257000",
        "aws:principalaccount": "123456789012",
        "aws:principalarn": "arn:aws:iam::123456789012:user/alice",
        "aws:principaltype": "User",
        "aws:requestedregion": "us-east-1",
        "aws:userid": "AIDA",
        "aws:username": "alice",
        "aws:securetransport": "true",
        "aws:sourceip": "192.0.2.1",
        "aws:useragent": "boto3",
        "aws:principalisawsservice": "false",
        "aws:viaawsservice": "false",
    }


def test_the_context_says_where_the_account_stands() -> None:
    facts = PrincipalFacts("o-1", "o-1/r-1/ou-1-a/")
    context = request_context(CLAIMS, datetime.now(UTC), facts)
    assert context["aws:principalorgid"] == "o-1"
    assert context["aws:principalorgpaths"] == ("o-1/r-1/ou-1-a/",)
    assert resource_context("", CLAIMS, facts) == {}, "nobody owns it"
    assert resource_context(CLAIMS.account_id, CLAIMS, facts) == {
        "aws:resourceaccount": CLAIMS.account_id,
        "aws:resourceorgid": "o-1",
        "aws:resourceorgpaths": ("o-1/r-1/ou-1-a/",),
    }
    assert resource_context("210987654321", CLAIMS, facts) == {
        "aws:resourceaccount": "210987654321",
        "aws:resourceorgid": "o-1",
    }
    assert resource_context(CLAIMS.account_id, CLAIMS) == {"aws:resourceaccount": CLAIMS.account_id}


def test_the_context_carries_the_tags_of_the_principal() -> None:
    facts = PrincipalFacts(tags=(("Team", "a"), ("stage", "B")))
    context = request_context(CLAIMS, datetime.now(UTC), facts)
    tags = {key: value for key, value in context.items() if key.startswith("aws:principaltag/")}
    assert tags == {"aws:principaltag/team": "a", "aws:principaltag/stage": "B"}
    assert not any(key.startswith("aws:principaltag/") for key in request_context(CLAIMS, datetime.now(UTC)))


def test_operations_cannot_hide_one_value_behind_another() -> None:
    assert merge({}, {"kms:EncryptionContext:Team": ["a"], "kms:EncryptionContextKeys": ["a", "b"]}) == {
        "kms:encryptioncontext:team": "a",
        "kms:encryptioncontextkeys": ("a", "b"),
    }
    with pytest.raises(DomainError):
        merge({}, {"kms:EncryptionContext:Team": "a", "kms:EncryptionContext:team": "b"})
    with pytest.raises(DomainError):
        merge(request_context(CLAIMS, datetime.now(UTC)), {"aws:username": "mallory"})


@pytest.mark.parametrize("pattern", ["*a" * 400 + "b", "?*" * 200 + "b", "a*" * 1000, "*" * 3000 + "?b"])
def test_no_pattern_makes_matching_slow(pattern: str) -> None:
    matches = matcher(pattern)
    text = "a" * 2000
    started = time.process_time()
    for _ in range(20):
        matches(text)
    # Linear work takes a few milliseconds; a backtracking engine would not end in this century.
    assert time.process_time() - started < 2


def test_a_hundred_statements_cost_no_more_than_ten_times_the_bar() -> None:
    documents = [
        json.dumps(
            {
                "Statement": [
                    allow(f"arn:aws:bedrock:*::foundation-model/provider{10 * p + i}.*") for i in range(10)
                ]
            }
        )
        for p in range(10)
    ]
    documents[-1] = json.dumps({"Statement": [allow("arn:aws:bedrock:*::foundation-model/craton.*")]})
    compiled = PolicySet([parse(document) for document in documents])
    rounds = 1000
    started = time.process_time()
    for _ in range(rounds):
        assert compiled.evaluate("bedrock:InvokeModel", MODEL, {}).allowed
    assert (time.process_time() - started) / rounds < 100e-6
