"""`craton policies check`: without any service, with exit statuses that scripts can use."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.policies import policies

GOOD = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}
MISSPELT = {"Effect": "Deny", "Action": "bedrock:InvokeModle", "Resource": "*"}
UNFIT = {
    "Effect": "Allow",
    "Action": "bedrock:ListFoundationModels",
    "Resource": "arn:aws:bedrock:*::foundation-model/a",
}


def check(tmp_path: Path, statement: dict[str, Any], *options: str) -> Result:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=1))
    return CliRunner().invoke(policies, ["check", str(path), *options])


def test_what_is_well_is_accepted_in_silence(tmp_path: Path) -> None:
    result = check(tmp_path, GOOD)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "accepted, nothing found\n", "")


def test_a_misspelt_action_fails_and_is_named_with_its_place(tmp_path: Path) -> None:
    result = check(tmp_path, MISSPELT)
    assert result.exit_code == 1
    assert result.stdout == "accepted, 1 findings\n"
    assert result.stderr == (
        '6:14: ERROR INVALID_ACTION: The action "bedrock:InvokeModle" does not exist. '
        "Did you mean bedrock:InvokeModel? It denies nothing.\n"
    )


@pytest.mark.parametrize(
    ("fail_on", "expected"), [("error", 0), ("security-warning", 0), ("warning", 1), ("suggestion", 1)]
)
def test_how_bad_it_must_be_can_be_chosen(tmp_path: Path, fail_on: str, expected: int) -> None:
    assert check(tmp_path, UNFIT, "--fail-on", fail_on).exit_code == expected


def test_programs_get_what_aws_answers(tmp_path: Path) -> None:
    result = check(tmp_path, MISSPELT, "--json")
    (finding,) = json.loads(result.stdout)["findings"]
    assert finding == {
        "finding_type": "ERROR",
        "issue_code": "INVALID_ACTION",
        "finding_details": 'The action "bedrock:InvokeModle" does not exist. '
        "Did you mean bedrock:InvokeModel? It denies nothing.",
        "learn_more_link": "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
        "access-analyzer-reference-policy-checks.html"
        "#access-analyzer-reference-policy-checks-error-invalid-action",
        "locations": [
            {
                "path": [{"value": "Statement"}, {"index": 0}, {"value": "Action"}, {"index": 0}],
                "start": {"line": 6, "column": 13, "offset": 82},
                "end": {"line": 6, "column": 34, "offset": 103},
            }
        ],
    }


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_would_be_refused_has_its_own_status(tmp_path: Path, options: tuple[str, ...]) -> None:
    result = check(tmp_path, {**GOOD, "Comment": "x"}, *options)
    assert result.exit_code == 3
    said = json.loads(result.stdout)["reason"] if options else result.stderr
    assert said.startswith("The policy is refused at line 8: statement 0, Comment is an element")
    if options:
        assert json.loads(result.stdout)["accepted"] is False


def test_the_kind_decides_what_is_accepted(tmp_path: Path) -> None:
    trust = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
    assert check(tmp_path, trust, "--type", "trust").exit_code == 0
    assert check(tmp_path, trust).exit_code == 3
    assert check(tmp_path, {**trust, "Resource": "*"}, "--type", "endpoint").exit_code == 0
