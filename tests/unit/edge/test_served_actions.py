"""The tables of actions say which of IAM's and KMS's are served, for findings and the reference."""

import tomllib
from pathlib import Path

import pytest

from services.edge.events import SERVED

CATALOGUE = Path(__file__).parents[3] / "services/chassis/policy/catalogue"
PERMISSION_ONLY = {
    # Asked about by operations of other services; itself it is none.
    "iam": {"PassRole"},
    # Both are asked about by ReEncrypt, of one key each.
    "kms": {"ReEncryptFrom", "ReEncryptTo"},
}
WITHOUT_ACTION = {"iam": set[str](), "kms": {"ReEncrypt"}}


@pytest.mark.parametrize("named", ["iam", "kms"])
def test_the_table_marks_what_the_edge_serves(named: str) -> None:
    actions = tomllib.loads((CATALOGUE / f"{named}.toml").read_text(encoding="utf-8"))["actions"]
    marked = {name for name, action in actions.items() if action.get("served")}
    operations = {name for service, name in SERVED if service == named}
    assert marked - PERMISSION_ONLY[named] == operations - WITHOUT_ACTION[named]
    assert marked >= PERMISSION_ONLY[named]
