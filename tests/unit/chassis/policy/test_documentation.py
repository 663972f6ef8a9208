"""docs/policy-language.md names every operator and every condition key, and no others."""

import re
from pathlib import Path

from services.chassis.policy.findings import IssueCode
from services.chassis.policy.key_table import KEYS
from services.chassis.policy.operators import OPERATORS

TEXT = (Path(__file__).resolve().parents[4] / "docs/policy-language.md").read_text()


def test_every_operator_is_described_and_no_other() -> None:
    table = TEXT.split("| operators | keys they can compare |")[1].split("\n\n")[0]
    described = set(re.findall(r"`([A-Z]\w+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:])))
    assert described == set(OPERATORS)


def test_every_key_is_described_and_no_other() -> None:
    table = "".join(part.split("\n\n")[0] for part in TEXT.split("| key | kind |")[1:])
    named = set(re.findall(r"`((?:aws|kms|bedrock|sts|iam|organizations):\w+[:/]?)`", table))
    named |= {f"*{claim}" for claim in re.findall(r"`(:\w+)`", table)}
    assert named == {key.name.removesuffix("*") for key in KEYS}


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
