"""Findings: what they say, where, and what gives rise to none."""

import json
import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import DomainError
from services.chassis.policy import kinds
from services.chassis.policy.actions import catalogue
from services.chassis.policy.arn_forms import ArnForm
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.findings import Finding, FindingType, IssueCode
from services.chassis.policy.key_table import KEYS
from services.chassis.policy.review import MAX_FINDINGS, review
from services.chassis.policy.templates import parse_template
from tests.unit.chassis.policy import reference
from tests.unit.chassis.policy.layered_cases import layered_set
from tests.unit.chassis.policy.test_differential import wildcarded

MODEL = "arn:aws:bedrock:*::foundation-model/craton.tiny-text-v1"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
ROLE = "arn:aws:iam::123456789012:role/reader"


def reviewed(*statements: dict[str, Any], kind: kinds.PolicyKind = kinds.IDENTITY) -> tuple[Finding, ...]:
    return review(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=1), kind)


def statement(action: Any, resource: Any = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def codes(*statements: dict[str, Any], kind: kinds.PolicyKind = kinds.IDENTITY) -> list[str]:
    return [finding.code.value for finding in reviewed(*statements, kind=kind)]


def test_a_policy_of_which_all_fits_gives_rise_to_none() -> None:
    assert (
        codes(
            statement(["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"], MODEL),
            statement("bedrock:ListFoundationModels"),
            statement("kms:*", KEY, Condition={"StringEquals": {"kms:EncryptionContext:team": "a"}}),
            statement("sts:AssumeRole", ROLE, Condition={"StringEquals": {"sts:ExternalId": "a"}}),
            statement("*", effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}}),
            statement("iam:PassRole", ROLE),
            statement(
                "iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}
            ),
        )
        == []
    )


def test_an_unknown_action_is_named_with_the_nearest_and_with_what_follows() -> None:
    allowed, denied, left_out = reviewed(
        statement(["kms:Encrypt", "kms:Dcrypt"], KEY),
        statement("kms:dcrypt", effect="Deny"),
        {"Effect": "Allow", "NotAction": "kms:Frobnicate", "Resource": KEY},
    )
    assert {each.code for each in (allowed, denied, left_out)} == {IssueCode.INVALID_ACTION}
    assert allowed.details == 'The action "kms:Dcrypt" does not exist. Did you mean kms:Decrypt?'
    assert denied.details.endswith("Did you mean kms:Decrypt? It denies nothing.")
    assert left_out.details == 'The action "kms:Frobnicate" does not exist. It leaves nothing out.'
    assert allowed.finding_type is FindingType.ERROR
    assert allowed.code.learn_more == (
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
        "#access-analyzer-reference-policy-checks-error-invalid-action"
    )


def test_the_place_is_the_value_and_not_the_element() -> None:
    (finding,) = reviewed(statement("kms:Decrypt", KEY), statement(["kms:Encrypt", "kms:Dcrypt"], KEY))
    (location,) = finding.locations
    assert location.path == ("Statement", 1, "Action", 1)
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [statement("kms:Decrypt", KEY), statement(["kms:Encrypt", "kms:Dcrypt"], KEY)],
        },
        indent=1,
    )
    span = location.span
    assert text[span.start.offset : span.end.offset] == '"kms:Dcrypt"'
    lines = text.splitlines()
    assert lines[span.start.line - 1][span.start.column : span.end.column] == '"kms:Dcrypt"'


def test_a_condition_key_is_placed_at_its_name() -> None:
    document = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow",\n"Action": "kms:Decrypt", '
        '"Resource": "*",\n"Condition": {"StringEquals":\n  {"sts:ExternalId": "x"}}}}'
    )
    (finding,) = review(document)
    (location,) = finding.locations
    assert location.key
    assert location.path == ("Statement", 0, "Condition", "StringEquals", "sts:ExternalId")
    assert (location.span.start.line, location.span.start.column) == (4, 3)
    assert finding.code is IssueCode.CONDITION_KEY_WITHOUT_ACTION


def test_a_condition_key_that_nothing_fills_in_is_placed_at_its_name_too() -> None:
    made = statement("bedrock:InvokeModel", MODEL)
    made["Condition"] = {"ArnLike": {"bedrock:GuardrailIdentifier": "arn:aws:bedrock:*:*:guardrail/g"}}
    (finding,) = review(json.dumps({"Version": "2012-10-17", "Statement": made}))
    (location,) = finding.locations
    assert finding.code is IssueCode.CONDITION_KEY_NOT_FILLED
    assert location.key


def test_the_first_resource_that_passes_any_role_is_named() -> None:
    made = statement("iam:PassRole", ["arn:aws:iam::123456789012:role/a", "*", "arn:aws:iam::*:role/*"])
    (finding,) = review(json.dumps({"Version": "2012-10-17", "Statement": made}))
    assert finding.locations[1].path == ("Statement", 0, "Resource", 1)


def test_white_space_may_stand_before_a_colon() -> None:
    document = (
        '{"Version"\n : "2012-10-17", "Statement" :{"Effect"\t\n: "Deny", '
        '"Action"  :"kms:x","Resource" : "*"}}'
    )
    (finding,) = review(document)
    span = finding.locations[0].span
    assert document[span.start.offset : span.end.offset] == '"kms:x"'
    assert (span.start.line, span.start.column) == (3, 21)


def test_lines_count_from_the_very_first_character() -> None:
    document = "\n" + json.dumps({"Version": "2012-10-17", "Statement": statement("kms:x")})
    span = review(document)[0].locations[0].span
    assert (span.start.line, span.start.column) == (2, document.index('"kms:x"') - 1)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (statement("s3:GetObject"), ["UNKNOWN_SERVICE"]),
        (statement("kms:Decrypt", [KEY, KEY.replace("key", "kye")]), ["INVALID_ARN_RESOURCE"]),
        (statement("kmss:Decrypt"), ["INVALID_SERVICE_IN_ACTION"]),
        (statement("*:Frobnicate"), ["INVALID_ACTION"]),
        (statement("kms:Frob*"), ["INVALID_ACTION"]),
        (statement(["*", "*:*"]), ["PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE"]),
        (statement("bedrock:InvokeAgent"), ["ACTION_NOT_SERVED"]),
        (statement("bedrock:*Agent*"), ["ACTION_NOT_SERVED"]),
        (statement("bedrock:Invoke*"), []),
        (statement("bedrock:ListFoundationModels", MODEL), ["ACTION_WITHOUT_RESOURCE"]),
        (statement("bedrock:InvokeModel", KEY), ["ACTION_WITHOUT_RESOURCE"]),
        (statement(["bedrock:InvokeModel", "kms:Decrypt"], [MODEL, KEY]), []),
        (statement(["bedrock:InvokeModel", "kms:Decrypt"], [MODEL]), ["ACTION_WITHOUT_RESOURCE"]),
        (statement("bedrock:InvokeModel", [MODEL, KEY]), ["RESOURCE_WITHOUT_ACTION"]),
        (statement(["*", "bedrock:InvokeModel"], [MODEL, KEY]), []),
        (statement("bedrock:InvokeModel", MODEL.replace("model", "modle")), ["INVALID_ARN_RESOURCE"]),
        (
            statement("kms:Decrypt", "arn:aws:kms:us-east-1:1:kye/a", "Deny"),
            ["INVALID_ARN_ACCOUNT", "INVALID_ARN_RESOURCE"],
        ),
        (statement("kms:Decrypt", KEY.replace("aws", "AWS")), ["INVALID_PARTITION"]),
        (statement("kms:Decrypt", KEY.replace("aws", "")), ["INVALID_PARTITION"]),
        (statement("kms:Decrypt", KEY.replace("aws", "aws-us-gov")), []),
        (statement("kms:Decrypt", KEY.replace("aws", "${aws:PrincipalTag/p}")), []),
        (statement("kms:Decrypt", "arn:a*:kms:u?-*:*12:key/k"), []),
        (statement("kms:Decrypt", KEY.replace("us-east-1", "us-east")), ["INVALID_ARN_REGION"]),
        (statement("bedrock:InvokeModel", MODEL + " text"), ["INVALID_ARN_RESOURCE"]),
        (statement("kms:Decrypt", "arn:aws:s3:::bucket"), ["UNKNOWN_SERVICE"]),
        (statement("kms:Decrypt", "arn:aws:kms:*:*:*"), []),
        (statement("sts:AssumeRole", ROLE), []),
        (statement("iam:CreateAccessKey", "arn:aws:iam::123456789012:root"), []),
        ({"Effect": "Deny", "NotAction": "kms:*", "NotResource": KEY}, []),
        ({"Effect": "Deny", "Action": "bedrock:InvokeModel", "NotResource": KEY}, []),
        ({"Effect": "Deny", "NotAction": "bedrock:InvokeModel", "Resource": KEY}, []),
        ({"Effect": "Deny", "Action": "kms:*", "NotResource": KEY + ":x/y"}, []),
        (
            {"Effect": "Deny", "Action": "kms:*", "NotResource": KEY.replace("key", "kye")},
            ["INVALID_ARN_RESOURCE"],
        ),
        (statement("iam:PassRole"), ["PASS_ROLE_WITH_STAR_IN_RESOURCE"]),
        (statement("iam:PassRole", "arn:aws:iam::*:role/*"), ["PASS_ROLE_WITH_STAR_IN_RESOURCE"]),
        (statement("iam:Pass*"), ["PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE"]),
        (statement("iam:PassRole", effect="Deny"), []),
    ],
)
def test_what_is_found(made: dict[str, Any], expected: list[str]) -> None:
    assert codes(made) == expected


@pytest.mark.parametrize(
    ("action", "operator", "key", "value", "expected"),
    [
        ("kms:Decrypt", "StringEquals", "kms:EncryptionContext:a", "x", []),
        ("KMS:decrypt", "StringEquals", "KMS:encryptioncontext:a", "x", []),
        ("kms:ListKeys", "StringEquals", "kms:EncryptionContext:a", "x", ["CONDITION_KEY_WITHOUT_ACTION"]),
        ("bedrock:InvokeModel", "StringEquals", "sts:ExternalId", "x", ["CONDITION_KEY_WITHOUT_ACTION"]),
        (["bedrock:InvokeModel", "sts:*"], "StringEquals", "sts:ExternalId", "x", []),
        ("*", "StringEquals", "sts:ExternalId", "x", ["PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE"]),
        ("kms:Dcrypt", "StringEquals", "sts:ExternalId", "x", ["INVALID_ACTION"]),
        ("bedrock:InvokeModel", "StringEquals", "aws:ResourceTag/team", "x", []),
        ("bedrock:GetFoundationModel", "Null", "aws:ResourceTag/a", True, ["CONDITION_KEY_WITHOUT_ACTION"]),
        ("bedrock:InvokeModel", "StringEquals", "idp.example:sub", "x", []),
        ("bedrock:InvokeModel", "StringEquals", "aws:userid", "a*", ["WILDCARD_WITHOUT_LIKE_OPERATOR"]),
        ("bedrock:InvokeModel", "StringNotEquals", "aws:userid", "a?", ["WILDCARD_WITHOUT_LIKE_OPERATOR"]),
        ("bedrock:InvokeModel", "StringEquals", "aws:userid", "a${*}", []),
        ("bedrock:InvokeModel", "StringLike", "aws:userid", "a*", []),
        (
            "kms:ReplicateKey",
            "StringEquals",
            "kms:ReplicaRegion",
            "x",
            ["ACTION_NOT_SERVED", "CONDITION_KEY_NOT_FILLED"],
        ),
        ("kms:Decrypt", "StringEquals", "aws:userid", "${kms:ReplicaRegion}", ["CONDITION_KEY_NOT_FILLED"]),
    ],
)
def test_conditions(action: Any, operator: str, key: str, value: Any, expected: list[str]) -> None:
    assert codes(statement(action, Condition={operator: {key: value}})) == expected


@pytest.mark.parametrize(
    ("action", "resource", "details"),
    [
        (
            "bedrock:ListFoundationModels",
            KEY,
            "The action bedrock:ListFoundationModels acts on no resource: it is permitted or denied with "
            "Resource * alone.",
        ),
        ("kms:Decrypt", MODEL, "None of the statement's resources is one of kms:Decrypt: key."),
    ],
)
def test_what_would_fit_is_said(action: str, resource: str, details: str) -> None:
    (finding,) = reviewed(statement(action, resource, "Deny"))
    assert (finding.code, finding.details) == (IssueCode.ACTION_WITHOUT_RESOURCE, details)


def test_what_is_too_permissive_is_found_where_its_value_stands() -> None:
    (finding,) = reviewed(statement("iam:PassRole"))
    lines = json.dumps(
        {"Version": "2012-10-17", "Statement": [statement("iam:PassRole")]}, indent=1
    ).splitlines()
    for location in finding.locations:
        assert not location.key
        line = lines[location.span.start.line - 1]
        assert line[location.span.start.column :].startswith(('"*"', '"iam:PassRole"'))


def test_of_many_types_that_would_fit_five_are_named() -> None:
    (finding,) = reviewed(statement("bedrock:*", KEY, "Deny"))
    types = {each.name for known in catalogue().matching("bedrock:*") for each in known.resources}
    named = ", ".join(sorted(types)[:5])
    assert finding.details.endswith(f" bedrock:*: {named} and {len(types) - 5} more.")


def test_a_variable_that_nothing_fills_is_found_in_a_resource_too() -> None:
    resource = "arn:aws:kms:us-east-1:123456789012:key/${kms:ReplicaRegion}"
    assert codes(statement("kms:Decrypt", resource)) == ["CONDITION_KEY_NOT_FILLED"]


def test_without_a_version_there_are_no_variables() -> None:
    (finding,) = review(json.dumps({"Statement": statement("kms:Decrypt", KEY)}))
    assert finding.code is IssueCode.MISSING_VERSION
    assert finding.locations[0].path == ()
    assert not finding.locations[0].key
    assert finding.code.learn_more.endswith("-general-warning-missing-version")


def test_a_trust_policy_has_no_resources_and_the_keys_of_its_provider() -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/idp.example"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"idp.example:aud": "x"}},
    }
    found = codes(trust, kind=kinds.TRUST)
    assert set(found) <= {"ACTION_NOT_SERVED"}


def test_only_identity_policies_pass_roles() -> None:
    everything = statement("*")
    assert codes(everything, kind=kinds.SERVICE_CONTROL) == []
    assert codes({**everything, "Principal": "*"}, kind=kinds.RESOURCE_CONTROL) == []
    assert codes(everything, kind=kinds.SESSION) == ["PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE"]


def test_what_cannot_be_evaluated_is_refused_as_ever() -> None:
    with pytest.raises(DomainError, match="at line 3: statement 0, Action"):
        review('{"Version": "2012-10-17", "Statement": {"Effect": "Deny",\n"Resource": "*",\n"Action": "x"}}')


def test_findings_are_bounded() -> None:
    assert len(reviewed(statement([f"kms:Frobnicate{at}" for at in range(200)]))) == MAX_FINDINGS


@pytest.mark.parametrize(
    "made",
    [
        statement([f"*:{letter}*{at}*" for letter in "abcdef" for at in range(60)], KEY),
        statement("kms:*", ["arn:aws:bedrock:*:*:*" + "?a*" * 600 for _ in range(3)]),
        statement([f"{'x' * at}:y" for at in range(1, 60)]),
        statement("kms:" + "Decrypt" * 800),
    ],
)
def test_no_document_makes_a_review_slow(made: dict[str, Any]) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": made})
    assert len(text) < kinds.IDENTITY.max_chars * 1.2
    begun = time.process_time()
    review(text)
    assert time.process_time() - begun < 2


def test_a_review_changes_nothing_and_asks_no_more_than_parsing() -> None:
    """Whatever is accepted has a review, and whatever is refused is refused alike."""
    random_ = random.Random(20261121)
    seen = set()
    for _ in range(40):
        made = layered_set(random_)
        for (layer, _level), documents in made.documents.items():
            for document in documents:
                kind = made.kind(layer)
                before = canonical(parse(document, kind))
                found = review(document, kind)
                seen |= {finding.code for finding in found}
                assert canonical(parse(document, kind)) == before
                for finding in found:
                    for location in finding.locations:
                        start, end = location.span.start.offset, location.span.end.offset
                        assert 0 <= start < end <= len(document)
    assert len(seen) >= 4


CASES = tuple(
    each.form.text for service in catalogue().services.values() for each in service.resources.values()
)


@given(st.integers(min_value=0, max_value=2**64 - 1))
@settings(max_examples=200, deadline=None, database=None)
def test_a_pattern_that_matches_an_arn_of_a_form_meets_the_form(seed: int) -> None:
    """No finding says that nothing fits where something does: the naive matcher is the witness."""
    random_ = random.Random(seed)
    form = random_.choice(CASES)
    parts = form.split(":", 5)
    arn = form.replace("${Partition}", "aws").replace("${Region}", "us-east-1").replace("${Account}", "1")
    arn = arn.replace("${MasterAccountId}", "1")
    while "${" in arn:
        head, _, rest = arn.partition("${")
        arn = head + random_.choice(("a", "b-1", "a/b", "x:y")) + rest.partition("}")[2]
    pattern = ":".join(wildcarded(random_, part) or "*" for part in arn.split(":", 5))
    pattern = pattern.replace(":" + arn.split(":")[2] + ":", ":" + parts[2] + ":")
    if reference._resource_like(arn, pattern, {}, False):
        assert ArnForm(form).may_match((pattern,))
    assert ArnForm(form).may_match(parse_template(arn))


def test_every_code_is_documented_by_its_type() -> None:
    assert {code.finding_type for code in IssueCode} == set(FindingType)
    assert [code for code in IssueCode if not code.learn_more] == []


def test_a_key_that_is_not_filled_is_of_no_key_that_a_request_carries() -> None:
    assert {"aws:userid", "kms:CallerAccount"} <= {key.name for key in KEYS if key.filled}
