"""The table of actions says which of IAM's are served, for findings and the reference."""

import tomllib
from pathlib import Path

from services.edge.events import SERVED

CATALOGUE = Path(__file__).parents[3] / "services/chassis/policy/catalogue/iam.toml"
PERMISSION_ONLY = {"PassRole"}
"""Asked about by operations of other services; itself it is none."""


def test_the_table_marks_what_the_edge_serves() -> None:
    actions = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["actions"]
    marked = {name for name, action in actions.items() if action.get("served")}
    assert marked - PERMISSION_ONLY == {name for service, name in SERVED if service == "iam"}
