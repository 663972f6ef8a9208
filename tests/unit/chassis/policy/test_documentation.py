"""docs/policy-language.md names every operator and every condition key, and no others."""

import re
from pathlib import Path

from deploy import policy_reference
from services.chassis.policy.actions import catalogue
from services.chassis.policy.findings import IssueCode
from services.chassis.policy.key_table import KEYS
from services.chassis.policy.operators import OPERATORS

TEXT = (Path(__file__).resolve().parents[4] / "docs/policy-language.md").read_text()


def test_every_operator_is_described_and_no_other() -> None:
    table = TEXT.split("| operators | keys they can compare |")[1].split("\n\n")[0]
    described = set(re.findall(r"`([A-Z]\w+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:])))
    assert described == set(OPERATORS)


def test_every_key_and_every_action_stands_in_the_reference() -> None:
    page = policy_reference.render()
    assert policy_reference.drift() == []
    rows = page.split("| key | values | carried by |")[1].split("\n\n")[0].splitlines()[2:]
    assert len(rows) == len(KEYS)
    for action in catalogue():
        assert f"`{action.name}`" in page


def test_every_finding_is_described_by_its_type_and_no_other() -> None:
    table = TEXT.split("| type | code | when |")[1].split("\n\n")[0]
    described = {
        code: row.split("|")[1].strip()
        for row in table.splitlines()[2:]
        for code in re.findall(r"`([A-Z_]{8,})`", row.split("|")[2])
    }
    assert described == {code.value: code.finding_type.value for code in IssueCode}
    for row in table.splitlines()[2:]:
        codes = [IssueCode(code) for code in re.findall(r"`([A-Z_]{8,})`", row.split("|")[2])]
        assert {("docs.aws" in code.learn_more) for code in codes} == {"(AWS's)" in row}
