"""Parsing: what is supported is understood, everything else is refused and named."""

import json
import random
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import DomainError
from services.chassis.policy import kinds
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.kinds import IDENTITY
from services.chassis.policy.model import Condition, Effect, Quantifier
from services.chassis.policy.operators import OPERATORS

STATEMENT: dict[str, Any] = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}


def a_policy(**changes: Any) -> str:
    made = {name: value for name, value in {**STATEMENT, **changes}.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [made]})


def refusal(document: str) -> str:
    with pytest.raises(DomainError) as caught:
        parse(document)
    assert caught.value.reason_name == "UNSUPPORTED_POLICY"
    assert caught.value.field == "document"
    return caught.value.message


def test_every_supported_element_is_understood() -> None:
    policy = parse(
        json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Sid": "One",
                    "Effect": "Deny",
                    "NotAction": ["kms:*"],
                    "NotResource": "arn:aws:kms:*:*:key/*",
                    "Condition": {
                        "Bool": {"aws:SecureTransport": False},
                        "StringLike": {"aws:username": ["a*", "b?"], "kms:EncryptionContext:team": "x"},
                        "ForAllValues:StringNotEqualsIfExists": {
                            "kms:EncryptionContextKeys": "${aws:userid}"
                        },
                        "NumericLessThan": {"aws:EpochTime": [1763719000, "1.5"]},
                    },
                },
            }
        )
    )
    (statement,) = policy.statements
    assert statement.effect is Effect.DENY
    assert statement.not_action
    assert statement.not_resource
    assert statement.conditions == (
        Condition(OPERATORS["Bool"], "aws:SecureTransport", ("false",)),
        Condition(
            OPERATORS["StringNotEquals"],
            "kms:EncryptionContextKeys",
            ("${aws:userid}",),
            Quantifier.ALL,
            if_exists=True,
        ),
        Condition(OPERATORS["NumericLessThan"], "aws:EpochTime", ("1763719000", "1.5")),
        Condition(OPERATORS["StringLike"], "aws:username", ("a*", "b?")),
        Condition(OPERATORS["StringLike"], "kms:EncryptionContext:team", ("x",)),
    )


def test_spellings_of_one_policy_are_one_canonical_text() -> None:
    spread = json.dumps(json.loads(a_policy(Action=["bedrock:InvokeModel"], Resource=["*"])), indent=3)
    assert canonical(parse(spread)) == canonical(parse(a_policy()))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"Principal": "*"}, "Principal"),
        ({"NotPrincipal": {"AWS": "*"}}, "NotPrincipal"),
        ({"Effect": "allow"}, "Effect"),
        ({"Effect": None}, "Effect"),
        ({"Sid": "with space"}, "Sid"),
        ({"Sid": 1}, "Sid"),
        ({"Action": None}, "Action and NotAction"),
        ({"NotAction": "kms:*"}, "Action and NotAction"),
        ({"Action": []}, "Action"),
        ({"Action": "InvokeModel"}, "Action"),
        ({"Action": "bed*:InvokeModel"}, "Action"),
        ({"Action": ["bedrock:InvokeModel", 7]}, "Action"),
        ({"Action": "bedrock:"}, "Action"),
        ({"Resource": None}, "Resource and NotResource"),
        ({"Resource": []}, "Resource"),
        ({"Resource": ""}, "Resource"),
        ({"Resource": "arn:aws:bedrock"}, "Resource"),
        ({"Resource": "arn:aws:*:us-east-1:1:key/a"}, "Resource"),
        ({"Resource": "arn:aws:kms:us-east-1:1:"}, "Resource"),
        ({"Resource": "arn:aws:iam::1:user/${aws:Referer}"}, "aws:referer"),
        ({"Resource": "arn:aws:iam::1:user/${aws:username"}, "policy variable"),
        ({"Resource": "arn:aws:iam::1:user/${kms:EncryptionContextKeys}"}, "several values"),
        ({"Resource": "arn:aws:${aws:username}:us-east-1:1:key/a"}, "Resource"),
        ({"Condition": {"StringMatches": {"aws:username": "a"}}}, "StringMatches"),
        ({"Condition": {"stringequals": {"aws:username": "a"}}}, "stringequals"),
        ({"Condition": {"ForSomeValues:StringEquals": {"aws:username": "a"}}}, "ForSomeValues"),
        ({"Condition": {":StringEquals": {"aws:username": "a"}}}, ":StringEquals"),
        ({"Condition": {"NullIfExists": {"aws:username": "true"}}}, "NullIfExists"),
        ({"Condition": {"ForAnyValue:Null": {"aws:username": "true"}}}, "ForAnyValue:Null"),
        ({"Condition": {"Null": {"aws:username": "yes"}}}, "true or false"),
        ({"Condition": {"StringEquals": {"kms:EncryptionContextKeys": "a"}}}, "ForAnyValue:"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/33"}}}, "CIDR"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/255.0.0.0"}}}, "CIDR"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "fe80::1%eth0"}}}, "CIDR"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "::ffff:10.0.0.0/104"}}}, "IPv4"),
        ({"Condition": {"IpAddress": {"aws:username": "10.0.0.0/8"}}}, "IpAddress cannot compare"),
        ({"Condition": {"StringEquals": {"aws:SourceIp": "10.0.0.1"}}}, "StringEquals cannot compare"),
        ({"Condition": {"StringLike": {"aws:CurrentTime": "2026*"}}}, "StringLike cannot compare"),
        ({"Condition": {"DateLessThan": {"aws:CurrentTime": "tomorrow"}}}, "2026-11-21T10:30:00Z"),
        ({"Condition": {"NumericEquals": {"aws:CurrentTime": "1"}}}, "NumericEquals cannot compare"),
        ({"Condition": {"NumericEquals": {"aws:EpochTime": "1e3"}}}, "decimal number"),
        ({"Condition": {"NumericEquals": {"aws:EpochTime": True}}}, "string"),
        ({"Condition": {"ArnLike": {"aws:PrincipalArn": "*"}}}, "six parts"),
        ({"Condition": {"ArnLike": {"aws:username": "arn:aws:iam::1:user/a"}}}, "ArnLike cannot compare"),
        ({"Condition": {"BinaryEquals": {"aws:username": "AA=="}}}, "BinaryEquals cannot compare"),
        ({"Condition": {"StringEquals": {"aws:Referer": "x"}}}, "aws:Referer"),
        ({"Condition": {"StringEquals": {"kms:EncryptionContext:": "x"}}}, "kms:EncryptionContext:"),
        ({"Condition": {"StringEquals": {"aws:username": "a", "AWS:USERNAME": "b"}}}, "twice"),
        ({"Condition": {"StringEquals": {}}}, "no condition key"),
        ({"Condition": {"StringEquals": {"aws:username": "${aws:nobody}"}}}, "aws:nobody"),
        ({"Condition": {"StringEquals": {"aws:username": 1}}}, "string"),
        ({"Condition": {"Bool": {"aws:SecureTransport": "yes"}}}, "true or false"),
        ({"Condition": {"Bool": {"aws:SecureTransport": None}}}, "string"),
        ({"Condition": []}, "Condition"),
        ({"Comment": "x"}, "Comment"),
    ],
)
def test_what_is_not_supported_is_named_with_its_statement(changes: dict[str, Any], named: str) -> None:
    message = refusal(a_policy(**changes))
    assert "statement 0" in message
    assert named in message


@pytest.mark.parametrize(
    "document",
    [
        "",
        "null",
        "[]",
        '"text"',
        "{}",
        '{"Version": "2012-10-17"}',
        '{"Version": "2012-10-17", "Statement": []}',
        '{"Version": "2012-10-17", "Statement": "x"}',
        '{"Version": "2011-01-01", "Statement": ' + json.dumps(STATEMENT) + "}",
        '{"Version": 1, "Statement": ' + json.dumps(STATEMENT) + "}",
        '{"Id": "x", "Statement": ' + json.dumps(STATEMENT) + "}",
        '{"Statement": [], "Statement": ' + json.dumps(STATEMENT) + "}",
        "[" * 6000,
        '{"Statement": ' + json.dumps(STATEMENT) + "} trailing",
        a_policy(Resource="arn:aws:kms:::\ud800"),
        a_policy(Resource=["arn:aws:kms:::" + "k" * IDENTITY.max_chars]),
    ],
)
def test_what_is_no_policy_is_refused(document: str) -> None:
    assert refusal(document).startswith("The policy is refused at line 1: ")


def test_before_2012_a_dollar_is_text() -> None:
    statement = {**STATEMENT, "Condition": {"StringEquals": {"aws:username": "${nothing"}}}
    document = json.dumps({"Version": "2008-10-17", "Statement": statement})
    assert parse(document).statements[0].conditions[0].values == ("${nothing",)
    assert not parse(document).statements[0].variables


@pytest.mark.parametrize(("version", "accepted"), [("2008-10-17", True), ("2012-10-17", False)])
def test_a_colon_within_a_variable_separates_no_parts(version: str, accepted: bool) -> None:
    arn = "arn:aws:iam::${aws:PrincipalAccount}"
    statement = {**STATEMENT, "Condition": {"ArnLike": {"aws:PrincipalArn": arn}}}
    document = json.dumps({"Version": version, "Statement": statement})
    if accepted:
        assert parse(document).statements[0].conditions[0].values == (arn,)
    else:
        assert "six parts" in refusal(document)


def test_the_key_policy_that_aws_gives_is_one() -> None:
    # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    document = {"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}
    parsed = parse(json.dumps(document), kinds.KEY)
    assert (parsed.id, parsed.statements[0].sid) == ("key-default-1", "Enable IAM User Permissions")
    rendered = json.loads(canonical(parsed))
    assert (rendered["Id"], rendered["Statement"][0]["Sid"]) == (document["Id"], statement["Sid"])
    assert parse(canonical(parsed), kinds.KEY) == parsed
    for kind in (kinds.IDENTITY, kinds.RESOURCE_CONTROL):
        with pytest.raises(DomainError):
            parse(json.dumps({"Version": "2012-10-17", "Id": "x", "Statement": STATEMENT}), kind)


def test_an_id_has_at_most_128_characters() -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    whole = json.dumps({"Version": "2012-10-17", "Id": "i" * 128, "Statement": statement})
    assert parse(whole, kinds.KEY).id == "i" * 128


def test_two_statements_may_not_share_a_sid() -> None:
    both = [{**STATEMENT, "Sid": "A"}, {**STATEMENT, "Sid": "A"}]
    assert "Sid" in refusal(json.dumps({"Statement": both}))


def test_the_line_of_a_syntax_error_is_named() -> None:
    assert "line 3" in refusal('{\n"Version": "2012-10-17",\n"Statement" []}')


@given(st.text(max_size=200) | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
@settings(max_examples=100, deadline=None, database=None)
def test_noise_is_refused_without_a_crash(document: str) -> None:
    refusal(document)


def test_a_damaged_policy_is_refused_or_read_whole() -> None:
    random_ = random.Random(7)
    good = a_policy(Sid="One", Condition={"Bool": {"aws:SecureTransport": "true"}})
    for _ in range(1000):
        at = random_.randrange(len(good))
        damaged = good[:at] + random_.choice(string.printable) + good[at + random_.choice((0, 1)) :]
        try:
            policy = parse(damaged)
        except DomainError:
            continue
        assert parse(canonical(policy)) == policy
