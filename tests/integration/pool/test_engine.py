"""The text engine against transformers' own forward pass, in the models' environment."""

import json
import subprocess
from typing import Any

import pytest

from tests.integration.pool.backend_stack import MODELS, ROOT


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    command = [str(MODELS / "bin/python"), "-m", "tests.integration.pool.engine_check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_every_architecture_takes_the_tokens_that_the_model_likes_best(lines: list[dict[str, Any]]) -> None:
    reports = [line for line in lines if "architecture" in line]
    assert len(reports) == 7
    for report in reports:
        assert report["finished"], report
        assert report["failed"] == 0, report
        # Rounding costs 0.000001; a forgotten window or a position off by one costs 0.04 and more.
        assert report["worst_choice"] < 1e-4, report
        # The stream that was cancelled stopped early, the others gave what was asked.
        assert report["lengths"][:5] == [40, 40, 5, 40, 40], report
        assert 8 <= report["lengths"][5] < 900, report
        assert report["lengths"][6:] == [40, 40], report


def test_nothing_of_a_prompt_stays_in_the_cache(lines: list[dict[str, Any]]) -> None:
    assert [line["left_in_cache"] for line in lines if "architecture" in line] == [0] * 7


def test_artifacts_that_cannot_be_served_are_refused_in_words(lines: list[dict[str, Any]]) -> None:
    (refusals,) = (line["refusals"] for line in lines if "refusals" in line)
    assert len(refusals) == 5
    for name, words in refusals.items():
        assert words.startswith("ArtifactError: "), (name, words)


def test_tokens_are_drawn_with_the_probabilities_of_the_definition(lines: list[dict[str, Any]]) -> None:
    (sampling,) = (line["sampling"] for line in lines if "sampling" in line)
    assert len(sampling) == 9
    for case, difference in sampling.items():
        assert difference < 0.002, (case, difference)
