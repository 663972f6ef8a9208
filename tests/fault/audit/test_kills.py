"""The audit service, its witness and what records, killed at failpoints: a short campaign, and its judge.

`make campaign NAME=audit-kills` is the long one: docs/evidence/audit-kills.md.
"""

import random
from pathlib import Path

import pytest

from tests.fault.audit.failpoints import POINTS, Armed
from tests.fault.audit.kill_stage import Death, drawn, play

SEED = 20_260_103
KILLS = {"audit": 4, "recorder": 4, "witness": 2}


def deaths(index: int) -> dict[str, list[Death]]:
    return {
        role: drawn(lambda what: random.Random(f"{SEED}/{what}"), role, index, kills)
        for role, kills in KILLS.items()
    }


def test_kills_at_failpoints_lose_nothing(tmp_path: Path) -> None:
    verdict, died, _ = play(tmp_path, deaths(0))
    print(
        f"{died['kills']} kills, seed {SEED}: {verdict.lost} of {verdict.acknowledged} acknowledged events "
        f"lost (at most {3 / died['kills']:.2f} kills in one lose any, at 95 %); {dict(died)}"
    )
    assert verdict.problems == []
    assert verdict.acknowledged > 10 * died["kills"]
    assert verdict.effects > 0
    assert verdict.checkpoints > 1


@pytest.mark.parametrize(
    ("fault", "armed"),
    [
        ("early", Armed("chunk torn", 10, 0.5)),
        ("dropping", Armed("batch committed, not answered", 3)),
    ],
    ids=["acknowledged-early", "an-entry-dropped"],
)
def test_the_judge_finds_a_planted_fault(tmp_path: Path, fault: str, armed: Armed) -> None:
    role = "recorder" if armed.point in POINTS["recorder"] else "audit"
    verdict, _, _ = play(tmp_path, {role: [Death(None, 1.0), Death(armed)], **_others(role)}, fault)
    assert verdict.lost > 0
    assert any("acknowledged events are not in the log" in problem for problem in verdict.problems)


def _others(role: str) -> dict[str, list[Death]]:
    return {other: [Death(None, 2.0)] for other in KILLS if other != role}


def test_every_failpoint_has_its_turn_in_a_round() -> None:
    found: set[str] = set()
    for index in range(len(POINTS["audit"])):
        for role, each in deaths(index).items():
            found |= {f"{role}/{death.armed.point}" for death in each if death.armed is not None}
    assert found == {f"{role}/{point}" for role, points in POINTS.items() for point in points}
