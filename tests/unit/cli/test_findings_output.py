"""Findings beside what a command wrote."""

import json

import pytest

from cli.findings import emit_written
from services.chassis.policy.finding_messages import findings_about

DOCUMENT = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:Pass*", "Resource": "*"}}
)


def test_programs_get_both_in_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    emit_written({"policy_name": "p"}, findings_about(DOCUMENT), as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["policy_name"] == "p"
    (finding,) = printed["findings"]
    assert finding["finding_type"] == "SECURITY_WARNING"
    assert [each["path"][-2] for each in finding["locations"]] == [{"value": "Action"}, {"value": "Resource"}]


def test_people_read_findings_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    emit_written({"policy_name": "p"}, findings_about(DOCUMENT), as_json=False)
    printed = capsys.readouterr()
    assert printed.out == "policy_name  p\n"
    assert printed.err.startswith("1:70, 1:95: SECURITY_WARNING PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE: ")
    emit_written({"policy_name": "p"}, [], as_json=False)
    assert capsys.readouterr().err == ""
