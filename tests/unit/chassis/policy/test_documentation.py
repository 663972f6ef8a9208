"""docs/policy-language.md names every operator and every condition key, and no others."""

import re
from pathlib import Path

from services.chassis.policy.keys import KEYS
from services.chassis.policy.operators import OPERATORS

TEXT = (Path(__file__).resolve().parents[4] / "docs/policy-language.md").read_text()


def test_every_operator_is_described() -> None:
    described = TEXT.replace(
        "`DateEquals` … `DateGreaterThanEquals`", " ".join(f"`{name}`" for name in OPERATORS)
    )
    assert {name for name in OPERATORS if f"`{name}`" not in described} == set()


def test_every_key_is_described_and_no_other() -> None:
    table = TEXT.split("| key | kind |")[1].split("\n\n")[0]
    assert set(re.findall(r"`((?:aws|kms|bedrock):\w+:?)`", table)) == {
        key.name.removesuffix("*") for key in KEYS
    }
