"""Which condition keys policies ask for."""

import json
from typing import Any

import pytest

from services.chassis.policy.context_keys import missing, referenced
from services.chassis.policy.document import parse
from services.chassis.policy.model import Policy

KEY = "arn:aws:kms:us-east-1:1:key/a"


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> Policy:
    return parse(json.dumps({"Version": version, "Statement": list(statements)}))


def statement(**changes: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY, **changes}


CONDITIONAL = statement(
    Condition={
        "StringEquals": {"aws:username": "${aws:PrincipalTag/name}", "kms:CallerAccount": "1"},
        "Bool": {"aws:SecureTransport": "true"},
    }
)


def test_keys_of_conditions_and_of_variables_are_referenced_once() -> None:
    other = statement(
        Resource="arn:aws:kms:us-east-1:1:key/${aws:userid, 'x'}/${*}",
        Condition={"Null": {"AWS:UserName": True}},
    )
    assert sorted(referenced([policy(CONDITIONAL), policy(other)])) == [
        "aws:SecureTransport",
        "aws:principaltag/name",
        "aws:userid",
        "aws:username",
        "kms:CallerAccount",
    ]
    assert referenced([policy(statement())]) == ()


def test_before_2012_there_are_no_variables() -> None:
    made = statement(Condition={"StringEquals": {"aws:username": "${aws:userid}"}})
    assert referenced([policy(made, version="2008-10-17")]) == ("aws:username",)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["aws:SecureTransport", "kms:CallerAccount"]),
        ({"Action": "kms:*"}, ["aws:SecureTransport", "kms:CallerAccount"]),
        ({"Action": "kms:Encrypt"}, []),
        ({"Resource": KEY + "b"}, []),
        ({"Resource": "*"}, ["aws:SecureTransport", "kms:CallerAccount"]),
        (
            {"Resource": KEY[:-1] + "${aws:userid}"},
            ["aws:SecureTransport", "aws:userid", "kms:CallerAccount"],
        ),
        ({"Resource": KEY[:-1] + "${aws:username}"}, []),
        ({"Resource": KEY[:-1] + "${aws:username}*"}, []),
    ],
)
def test_what_is_missing_is_what_could_have_decided(changes: dict[str, Any], expected: list[str]) -> None:
    made = {**CONDITIONAL, **changes}
    context = {"aws:username": "alice", "aws:principaltag/name": "alice"}
    assert sorted(missing([policy(made)], "kms:decrypt", KEY, context)) == expected


def test_not_resource_and_not_action() -> None:
    made = {"Effect": "Deny", "NotAction": "kms:Encrypt", "NotResource": KEY + "b"}
    made["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}
    assert missing([policy(made)], "kms:Decrypt", KEY, {}) == ("aws:SecureTransport",)
    assert missing([policy(made)], "kms:Encrypt", KEY, {}) == ()
    assert missing([policy(made)], "kms:Decrypt", KEY + "b", {}) == ()
    assert missing([policy(made)], "kms:Decrypt", KEY, {"aws:securetransport": "true"}) == ()
    made = {"Effect": "Deny", "Action": "kms:*", "NotResource": KEY[:-1] + "${aws:userid}"}
    assert missing([policy(made)], "kms:Decrypt", KEY, {}) == ("aws:userid",)


def test_no_values_of_several_are_none() -> None:
    made = statement(Condition={"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}})
    assert missing([policy(made)], "kms:Decrypt", KEY, {"aws:tagkeys": ()}) == ("aws:TagKeys",)
    assert missing([policy(made)], "kms:Decrypt", KEY, {"aws:tagkeys": ("b",)}) == ()
