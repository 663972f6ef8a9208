"""Mutants are drawn as the campaign says, killed by tests, and noticed when they are not."""

import ast
from pathlib import Path

import pytest

from tests.campaigns import mutants
from tests.campaigns.campaign import Finding
from tests.campaigns.mutant_drawing import Drawing, Mutant
from tests.campaigns.mutants import MutantsCampaign, known
from tests.campaigns.source import ROOT

MODULE = "module.py"
SOURCE = '''"""A module whose numbers, in 3 places, say nothing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    value: "int | None" = None
    other: int | None = None


def first(values: list[int] | None, *, least: int) -> bool | None:
    """Say 1 thing."""
    if values is None:
        return None
    return [here >= least for here, _ in zip(values, values, strict=True)][0]
'''


def draw(folder: Path, source: str, seed: int, count: int) -> list[Mutant]:
    (folder / MODULE).write_text(source)
    drawing = Drawing(folder, [MODULE], seed)
    return [drawing.mutant(index) for index in range(count)]


def test_what_is_drawn_depends_on_the_seed_alone(tmp_path: Path) -> None:
    drawn = draw(tmp_path, SOURCE, 1, 12)
    assert drawn == draw(tmp_path, SOURCE, 1, 12)
    assert drawn != draw(tmp_path, SOURCE, 2, 12)


def test_nothing_is_drawn_that_only_says_something(tmp_path: Path) -> None:
    drawn = draw(tmp_path, SOURCE, 1, 40)
    assert {mutant.line for mutant in drawn} <= {
        "@dataclass(frozen=True)",
        "if values is None:",
        "return [here >= least for here, _ in zip(values, values, strict=True)][0]",
    }
    for mutant in drawn:
        ast.parse(mutant.code)
        assert "frozen=False" not in mutant.code
        assert "strict=False" not in mutant.code
        assert "== None" not in mutant.code
        assert SOURCE.splitlines()[mutant.row - 1].strip() == mutant.line


def test_a_mutant_keeps_its_name_when_its_line_moves(tmp_path: Path) -> None:
    keys = {mutant.key for mutant in draw(tmp_path, SOURCE, 1, 60)}
    moved = SOURCE.replace("from dataclasses", "import re\n\nfrom dataclasses")
    assert keys == {mutant.key for mutant in draw(tmp_path, moved, 1, 60)}


def test_every_listed_mutant_can_still_be_drawn() -> None:
    for module, operator, line, number in known():
        drawing = Drawing(ROOT, [module], 0)
        names = [
            found[0]
            for place in drawing.places
            for found in place.found
            if (ROOT / module).read_text().splitlines()[place.start[0] - 1].strip() == line
            and found[::2] == (operator, number)
        ]
        assert names, f"{module}: there is no {operator} #{number} in {line!r}"


def test_tests_kill_a_mutant_and_one_that_they_do_not_see_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants, "_tests", lambda _: ["tests/unit/chassis/policy/test_evaluator.py"])
    campaign = MutantsCampaign()
    index = next(index for index in range(2000) if _negates(campaign.mutant(1, index)))
    with campaign.running():
        campaign.case(1, index)
        with campaign.planted(), pytest.raises(Finding, match="survives"):
            campaign.case(1, index)


def _negates(mutant: Mutant) -> bool:
    """Whether it is one that the tests of the evaluator alone must notice: not of what bounds its memory."""
    evaluator = mutant.module.endswith("policy/evaluator.py")
    return evaluator and mutant.operator.endswith("AddNot") and "_MAX" not in mutant.line
