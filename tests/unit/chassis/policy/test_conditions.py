"""Each condition operator, as AWS's pages describe it."""

import json
from typing import Any

import pytest

from services.chassis.policy.document import parse
from services.chassis.policy.evaluator import PolicySet

CONTEXT: dict[str, str | tuple[str, ...]] = {
    "aws:username": "alice",
    "aws:requestedregion": "us-east-1",
    "aws:sourceip": "203.0.113.7",
    "aws:securetransport": "true",
    "aws:currenttime": "2026-11-21T10:30:00Z",
    "aws:epochtime": "1795257000",
    "aws:principalarn": "arn:aws:iam::123456789012:user/team/alice",
    "kms:encryptioncontextkeys": ("team", "project"),
    "kms:encryptioncontext:path": "a/*",
}


def holds(name: str, key: str, values: Any, **changes: Any) -> bool:
    """Evaluate one condition; a change to None takes the key out of the request."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {name: {key: values}}}
    policies = PolicySet([parse(json.dumps({"Version": "2012-10-17", "Statement": statement}))])
    context = {**CONTEXT, **changes}
    present = {key: value for key, value in context.items() if value is not None}
    return policies.evaluate("bedrock:InvokeModel", "*", present).allowed


@pytest.mark.parametrize(
    ("name", "key", "values"),
    [
        ("StringEquals", "AWS:UserName", ["bob", "alice"]),
        ("StringNotEquals", "aws:username", ["bob", "Alice"]),
        ("StringEqualsIgnoreCase", "aws:username", "ALICE"),
        ("StringNotEqualsIgnoreCase", "aws:username", "bob"),
        ("StringLike", "aws:username", "a*c?"),
        ("StringNotLike", "aws:username", ["b*", "alice?"]),
        ("NumericEquals", "aws:EpochTime", "1795257000.0"),
        ("NumericNotEquals", "aws:EpochTime", 7),
        ("NumericLessThan", "aws:EpochTime", 1795257001),
        ("NumericLessThanEquals", "aws:EpochTime", 1795257000),
        ("NumericGreaterThan", "aws:EpochTime", ["9999999999", "-1"]),
        ("NumericGreaterThanEquals", "aws:EpochTime", 1795257000),
        ("DateEquals", "aws:CurrentTime", "2026-11-21T11:30:00+01:00"),
        ("DateNotEquals", "aws:CurrentTime", "2026-11-21"),
        ("DateLessThan", "aws:CurrentTime", "2026-12"),
        ("DateLessThanEquals", "aws:EpochTime", "2026-11-21T10:30:00Z"),
        ("DateGreaterThan", "aws:CurrentTime", "2026"),
        ("DateGreaterThanEquals", "aws:CurrentTime", 1795257000),
        ("Bool", "aws:SecureTransport", True),
        ("IpAddress", "aws:SourceIp", ["2001:db8::/32", "203.0.113.0/24"]),
        ("IpAddress", "aws:SourceIp", "203.0.113.7"),
        ("NotIpAddress", "aws:SourceIp", "203.0.113.8/30"),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::*:user/team/*"),
        ("ArnLike", "aws:PrincipalArn", "arn:*:iam::123456789012:user/*"),
        ("ArnNotEquals", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/*"),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:*:role/*:*:alice"),
        ("Null", "aws:username", "false"),
        ("ForAllValues:StringEquals", "kms:EncryptionContextKeys", ["team", "project", "x"]),
        ("ForAnyValue:StringEquals", "kms:EncryptionContextKeys", ["project", "x"]),
        ("ForAllValues:StringNotEquals", "kms:EncryptionContextKeys", ["x", "y"]),
        ("ForAnyValue:StringNotEquals", "kms:EncryptionContextKeys", "team"),
        ("StringEquals", "aws:username", "${aws:username}"),
        ("StringLike", "aws:username", "${aws:nam, 'al'}*".replace("aws:nam", "kms:EncryptionContext:none")),
        ("StringEquals", "kms:EncryptionContext:path", "a/${*}"),
        ("StringLike", "kms:EncryptionContext:path", "?/${*}"),
        ("StringEqualsIgnoreCase", "aws:username", "${kms:EncryptionContext:none, 'Alice'}"),
        ("DateLessThan", "aws:CurrentTime", "2026-11-21T10:30:00.000000001Z"),
        ("DateNotEquals", "aws:CurrentTime", "2026-11-21T10:30:00.0000001Z"),
    ],
)
def test_it_holds(name: str, key: str, values: Any) -> None:
    assert holds(name, key, values)


@pytest.mark.parametrize(
    ("written", "given", "equal"),
    [
        ("ÉCOLE", "école", True),
        ("STRASSE", "straße", False),
        ("fi", "\N{LATIN SMALL LIGATURE FI}", False),
        ("s", "\N{LATIN SMALL LETTER LONG S}", False),
        ("K", "\N{KELVIN SIGN}", False),
        ("k", "\N{KELVIN SIGN}", False),
        ("i", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", False),
        ("Å", "\N{ANGSTROM SIGN}", True),
    ],
)
def test_case_is_ignored_letter_by_letter(written: str, given: str, equal: bool) -> None:
    for value in (written, "${kms:EncryptionContext:none, '" + written + "'}"):
        assert holds("StringEqualsIgnoreCase", "aws:username", value, **{"aws:username": given}) is equal
        assert (
            holds("StringNotEqualsIgnoreCase", "aws:username", value, **{"aws:username": given}) is not equal
        )


@pytest.mark.parametrize(
    ("name", "key", "values"),
    [
        ("StringEquals", "aws:username", ["bob", "Alice"]),
        ("StringNotEquals", "aws:username", ["bob", "alice"]),
        ("StringNotEqualsIgnoreCase", "aws:username", ["bob", "ALICE"]),
        ("StringLike", "aws:username", ["A*", "alice?"]),
        ("StringNotLike", "aws:username", ["zzz", "a*"]),
        ("NumericLessThan", "aws:EpochTime", 1795257000),
        ("NumericGreaterThan", "aws:EpochTime", 1795257000),
        ("DateLessThan", "aws:CurrentTime", "2026-11-21T10:30:00Z"),
        ("Bool", "aws:SecureTransport", "false"),
        ("IpAddress", "aws:SourceIp", "::/0"),
        ("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "203.0.0.0/8"]),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam:*:user/*:*"),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:user/team/alice"),
        ("Null", "aws:username", "true"),
        ("ForAllValues:StringEquals", "kms:EncryptionContextKeys", "team"),
        ("ForAnyValue:StringLike", "kms:EncryptionContextKeys", "x*"),
        ("ForAllValues:StringNotEquals", "kms:EncryptionContextKeys", ["team", "x"]),
        ("StringLike", "aws:username", "${kms:EncryptionContext:path}"),
        ("StringLike", "aws:username", "${*}"),
    ],
)
def test_it_does_not_hold(name: str, key: str, values: Any) -> None:
    assert not holds(name, key, values)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("StringEquals", False),
        ("StringNotEquals", True),
        ("StringLike", False),
        ("StringNotLike", True),
        ("StringEqualsIfExists", True),
        ("StringNotEqualsIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAllValues:StringNotEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", True),
    ],
)
def test_a_key_that_the_request_does_not_carry(name: str, expected: bool) -> None:
    assert holds(name, "aws:username", "alice", **{"aws:username": None}) is expected
    if name.startswith("For"):
        keys = {"kms:encryptioncontextkeys": ()}
        assert holds(name, "kms:EncryptionContextKeys", "alice", **keys) is expected, "no value is as no key"


def test_null_asks_whether_a_key_is_there() -> None:
    assert holds("Null", "aws:username", True, **{"aws:username": None})
    assert not holds("Null", "aws:username", "false", **{"aws:username": None})
    assert holds("Null", "kms:EncryptionContextKeys", "false")


def test_a_variable_without_a_value_matches_nothing() -> None:
    gone = {"aws:username": None}
    assert not holds("StringLike", "aws:RequestedRegion", "*${aws:username}*", **gone)
    assert holds("StringNotLike", "aws:RequestedRegion", "*${aws:username}*", **gone)


def test_what_a_request_inserts_is_never_a_wildcard() -> None:
    star = {"aws:username": "*"}
    assert not holds("StringLike", "aws:RequestedRegion", "${aws:username}", **star)
    assert holds("StringLike", "aws:username", "${aws:username}", **star)


@pytest.mark.parametrize("mapped", ["::ffff:203.0.113.7", "203.0.113.7"])
def test_an_address_of_ipv4_is_one_however_it_is_written(mapped: str) -> None:
    assert holds("IpAddress", "aws:SourceIp", "203.0.113.0/24", **{"aws:sourceip": mapped})
    assert not holds("IpAddress", "aws:SourceIp", "::/0", **{"aws:sourceip": mapped})


def test_what_the_request_carries_may_be_no_such_value() -> None:
    assert not holds("IpAddress", "aws:SourceIp", "0.0.0.0/0", **{"aws:sourceip": "unix:"})
    assert holds("NotIpAddress", "aws:SourceIp", "0.0.0.0/0", **{"aws:sourceip": "unix:"})
    assert not holds("NumericLessThan", "aws:EpochTime", "9", **{"aws:epochtime": "x"})


def test_resources_insert_what_the_request_says() -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::home/${aws:username}/*"}
    policies = PolicySet([parse(json.dumps({"Version": "2012-10-17", "Statement": statement}))])
    assert policies.conditional
    assert policies.evaluate("s3:GetObject", "arn:aws:s3:::home/alice/x", CONTEXT).allowed
    assert not policies.evaluate("s3:GetObject", "arn:aws:s3:::home/bob/x", CONTEXT).allowed
    assert not policies.evaluate("s3:GetObject", "arn:aws:s3:::home//x", {}).allowed
