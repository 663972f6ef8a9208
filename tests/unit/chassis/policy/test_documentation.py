"""docs/policy-language.md names every operator and every condition key, and no others."""

import re
from pathlib import Path

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
