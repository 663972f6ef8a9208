"""Every refusal says in which line what is wrong, whatever is wrong."""

import ast
import inspect
import json
import re
import sys
from typing import Any

import pytest

from services.chassis.errors import DomainError
from services.chassis.policy import (
    condition_document,
    document,
    elements,
    json_text,
    kinds,
    principal_document,
)
from services.chassis.policy.document import parse
from services.chassis.policy.elements import DocumentError, Place, shown
from services.chassis.policy.kinds import PolicyKind

GOOD: dict[str, Any] = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
NAMED = {**GOOD, "Principal": "*"}
DENIED = {"Effect": "Deny", "Principal": "*", "Resource": "*"}


def written(statement: Any, **top: Any) -> str:
    """Write a document whose first statement is good, in many lines: one for each name and each value."""
    return json.dumps({"Version": "2012-10-17", **top, "Statement": [GOOD, statement]}, indent=1)


def condition(name: str, key: str, values: Any) -> dict[str, Any]:
    return {**GOOD, "Condition": {name: {key: values}}}


def caught(text: str, kind: PolicyKind = kinds.IDENTITY) -> DomainError:
    with pytest.raises(DomainError) as found:
        parse(text, kind)
    return found.value


CASES: list[tuple[str, Any, str, PolicyKind]] = [
    ("is an element that is not supported", {**GOOD, "Comment": "x"}, '"Comment"', kinds.IDENTITY),
    ("must consist of letters and digits", {**GOOD, "Sid": "a b"}, '"Sid"', kinds.IDENTITY),
    ("must be Allow or Deny", {**GOOD, "Effect": "allow"}, '"allow"', kinds.IDENTITY),
    ("exactly one of Action and NotAction", {"Effect": "Deny", "Resource": "*"}, "{", kinds.IDENTITY),
    ("exactly one of Resource and NotResource", {"Effect": "Deny", "Action": "*"}, "{", kinds.IDENTITY),
    ("non-empty list of strings", {**GOOD, "Action": []}, '"Action"', kinds.IDENTITY),
    ("non-empty list of strings", {**GOOD, "Action": ["*", "*", 7]}, "7", kinds.IDENTITY),
    ("service:Operation", {**GOOD, "Action": ["*", "Invoke"]}, '"Invoke"', kinds.IDENTITY),
    ("whose service has no wildcard", {**GOOD, "Resource": ["*", "arn"]}, '"arn"', kinds.IDENTITY),
    ("no policy variable", {**GOOD, "Resource": ["*", "arn:aws:iam::1:a/${"]}, "${", kinds.IDENTITY),
    ("no request carries the key", {**GOOD, "Resource": "arn:aws:iam::1:${aws:x}"}, "aws:x", kinds.IDENTITY),
    ("can have several values", {**GOOD, "Resource": "arn:aws:iam::1:${aws:TagKeys}"}, "$", kinds.IDENTITY),
    ("must be a JSON object", {**GOOD, "Condition": []}, '"Condition"', kinds.IDENTITY),
    ("must be a JSON object", {**GOOD, "Condition": {"Bool": 1}}, '"Bool"', kinds.IDENTITY),
    ("must be a JSON object", "statement", '"statement"', kinds.IDENTITY),
    ("unknown operator", condition("StringIs", "aws:userid", "x"), '"StringIs"', kinds.IDENTITY),
    ("neither with IfExists", condition("NullIfExists", "aws:userid", "true"), "NullIf", kinds.IDENTITY),
    ("has no condition key", {**GOOD, "Condition": {"Bool": {}}}, '"Bool"', kinds.IDENTITY),
    ("no request carries", condition("Bool", "aws:Nothing", "true"), '"aws:Nothing"', kinds.IDENTITY),
    ("cannot compare exactly", condition("Bool", "aws:userid", "true"), '"aws:userid"', kinds.IDENTITY),
    ("needs ForAllValues", condition("StringLike", "aws:TagKeys", "x"), '"aws:TagKeys"', kinds.IDENTITY),
    ("true or false", condition("Bool", "aws:SecureTransport", ["true", "no"]), '"no"', kinds.IDENTITY),
    ("decimal number", condition("NumericEquals", "aws:EpochTime", "1e9"), '"1e9"', kinds.IDENTITY),
    ("CIDR", condition("IpAddress", "aws:SourceIp", ["10.0.0.1", "10.0.0.0/40"]), "/40", kinds.IDENTITY),
    ("six parts", condition("ArnLike", "aws:PrincipalArn", ["arn:*:*:*:*:*", "*"]), '"*"', kinds.IDENTITY),
    (
        "stands there twice",
        {**GOOD, "Condition": {"Bool": {"aws:SecureTransport": "true", "AWS:securetransport": "true"}}},
        '"AWS:securetransport"',
        kinds.IDENTITY,
    ),
    ("do not support", NAMED, '"Principal"', kinds.IDENTITY),
    ("do not support", {**NAMED, "NotPrincipal": "*"}, '"Principal"', kinds.IDENTITY),
    ("exactly one of Principal and NotPrincipal", GOOD, "{", kinds.RESOURCE_CONTROL),
    ("do not support", {**NAMED, "Action": "sts:AssumeRole"}, '"Resource"', kinds.TRUST),
    ("are about actions of kms", {**NAMED, "Action": ["kms:*", "s3:*"]}, '"s3:*"', kinds.KEY),
    ("not supported by", {**DENIED, "NotAction": "*"}, '"NotAction"', kinds.RESOURCE_CONTROL),
    ("must be Deny", {**NAMED, "Principal": "*"}, '"Allow"', kinds.RESOURCE_CONTROL),
    ("permits everybody", {**GOOD, "NotPrincipal": {"AWS": "1" * 12}}, "{", kinds.ENDPOINT),
    ("leaves out everybody", {**GOOD, "NotPrincipal": "*"}, '"NotPrincipal"', kinds.ENDPOINT),
    ('must be "*" or an object', {**GOOD, "Principal": "1"}, '"Principal"', kinds.ENDPOINT),
    ("kind of principals", {**GOOD, "Principal": {"Robot": "1"}}, '"Robot"', kinds.ENDPOINT),
    ("an account, or the ARN", {**GOOD, "Principal": {"AWS": ["*", "1"]}}, '"1"', kinds.ENDPOINT),
    ("amazonaws.com is expected", {**GOOD, "Principal": {"Service": "kms"}}, '"kms"', kinds.ENDPOINT),
    ("OIDC provider", {**GOOD, "Principal": {"Federated": ["x"]}}, '"x"', kinds.ENDPOINT),
    (
        'must be "*", because',
        {**NAMED, "Principal": {"AWS": "1" * 12}},
        "Principal",
        kinds.RESOURCE_CONTROL,
    ),
]


TOP_CASES: list[tuple[str, int, str]] = [
    ("", 1, "is not JSON"),
    ('{\n"Version": "2012-10-17",\n"Statement" []}', 3, "is not JSON"),
    ('{\n"Statement": [\n{"Effect": "Deny",\n"Effect": "Allow"}]}', 4, "the same key twice"),
    ('{\n"Statement": {},\n"Statement": []}', 3, "the same key twice"),
    ('{\n"Statement": [\n"\\ud800"]}', 3, "not JSON in UTF-8"),
    ('{\n"Statement": [\n"\ud800"]}', 3, "not JSON in UTF-8"),
    ("[" * 50 + "\n" + "[" * 5000, 2, "nested too deeply"),
    ('{"Statement":\n' + "9" * 5000 + "}", 1, "not JSON"),
    ('{\n"Id": "x",\n"Statement": []}', 2, "not supported"),
    ('{"Statement": [],\n"Version": "2011-01-01"}', 2, "must be 2012-10-17 or 2008-10-17"),
    ('{\n"Version": "2012-10-17"}', 1, "a non-empty list of statements"),
    ('{"Version": "2012-10-17",\n"Statement": []}', 2, "a non-empty list of statements"),
    ("[\n]", 1, "must be a JSON object"),
    ('{"Statement":\n"' + "x" * 7000 + '"}', 2, "longer than 6144"),
    (
        '{"Statement": [{"Sid": "A", "Effect": "Deny", "Action": "*", "Resource": "*"},\n'
        '{"Effect": "Deny", "Action": "*", "Resource": "*",\n"Sid": "A"}]}',
        3,
        "that of another statement",
    ),
    ('{"Statement": {"Effect": "Deny",\n"Action":\n"x", "Resource": "*"}}', 3, "service:Operation"),
]


RESOURCE_CASES: list[tuple[str, int, str, PolicyKind]] = [
    ('{"Statement": ' + json.dumps(TRUST) + ',\n"Id": 7}', 2, "must be text", kinds.TRUST),
    ('{"Statement": ' + json.dumps(TRUST) + ',\n"Id": "' + "x" * 129 + '"}', 2, "of at most", kinds.TRUST),
    (
        '{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",\n'
        '"Sid": "a\\u0000"}}',
        2,
        "must be text of at most 128",
        kinds.KEY,
    ),
]
"""Of what only the policies of resources have."""


def document_of(statement: Any, kind: PolicyKind) -> tuple[dict[str, Any], str]:
    """Return a good first statement of the kind, and a document of it and the other."""
    first = {"Effect": "Deny", "Action": "kms:*", "Resource": "*", "Principal": "*"}
    if kind is kinds.IDENTITY:
        del first["Principal"]
    elif kind is kinds.TRUST:
        first = TRUST
    return first, json.dumps({"Version": "2012-10-17", "Statement": [first, statement]}, indent=1)


@pytest.mark.parametrize(("what", "statement", "culprit", "kind"), CASES)
def test_a_refusal_names_the_line_and_the_reason(
    what: str, statement: Any, culprit: str, kind: PolicyKind
) -> None:
    first, text = document_of(statement, kind)
    error = caught(text, kind)
    assert error.reason_name == "UNSUPPORTED_POLICY"
    assert error.field == "document"
    assert what in error.message
    found = re.match(r"The policy is refused at line (\d+): statement 1\b", error.message)
    assert found, error.message
    line = int(found[1])
    # The first two lines and the opening of the list, then the first statement.
    assert line > 2 + len(json.dumps(first, indent=1).splitlines())
    assert culprit in text.splitlines()[line - 1], error.message


@pytest.mark.parametrize(("text", "line", "what"), TOP_CASES)
def test_what_is_wrong_outside_statements_has_a_line_too(text: str, line: int, what: str) -> None:
    message = caught(text).message
    assert message.startswith(f"The policy is refused at line {line}: ")
    assert what in message


@pytest.mark.parametrize(("text", "line", "what", "kind"), RESOURCE_CASES)
def test_what_is_wrong_in_names_has_a_line_too(text: str, line: int, what: str, kind: PolicyKind) -> None:
    message = caught(text, kind).message
    assert message.startswith(f"The policy is refused at line {line}: ")
    assert what in message


def test_every_place_that_refuses_is_reached_by_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new refusal needs a case above, which shows that its line is right."""
    reached: set[tuple[str, int]] = set()

    class NotedError(DocumentError):
        def __init__(self, *arguments: Any) -> None:
            caller = sys._getframe(1)
            reached.add((caller.f_globals["__name__"], caller.f_lineno))
            super().__init__(*arguments)

    modules = (condition_document, document, elements, json_text, principal_document)
    raising = set()
    for module in modules:
        monkeypatch.setattr(module, "DocumentError", NotedError)
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            raised = node.exc if isinstance(node, ast.Raise) else None
            if isinstance(raised, ast.Call) and ast.unparse(raised.func) == "DocumentError":
                raising.add((module.__name__, node.lineno))
    for _, statement, _, kind in CASES:
        caught(document_of(statement, kind)[1], kind)
    for text, _, _ in TOP_CASES:
        caught(text)
    for text, _, _, kind in RESOURCE_CASES:
        caught(text, kind)
    assert sorted(raising - reached) == []


def test_what_a_document_calls_things_is_shown_as_text_and_cut() -> None:
    error = caught(written({**GOOD, 'a "b"\n': 1}))
    assert r'statement 1, "a \"b\"\n" is an element' in error.message
    assert len(caught(written({**GOOD, "x" * 3000: 1})).message) < 300


def test_a_place_knows_how_it_is_called() -> None:
    assert str(Place()) == "the document"
    assert str(Place() / "Version") == "Version"
    assert str(Place() / "Statement") == "Statement"
    assert str(Place() / "Statement" / 3 / "Action" / 7) == "statement 3, Action"
    assert "at line" not in DocumentError(Place(), "is wrong").message


def test_what_is_told_of_a_document_stays_readable() -> None:
    assert shown('a"b') == '"a\\"b"'
    assert shown("x" * 80) == f'"{"x" * 80}"'
    assert shown("x" * 81) == f'"{"x" * 77}..."'
