"""The command line of the campaigns."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def command(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.campaigns", *words],
        env={**os.environ, "CRATON_HOME": str(home)},
        text=True,
        capture_output=True,
        check=False,
        timeout=180,
    )


def test_the_command_lists_the_campaigns(tmp_path: Path) -> None:
    result = command("--json", home=tmp_path)
    assert result.returncode == 0, result.stderr
    listed = json.loads(result.stdout)
    assert {"policy", "sigv4"} <= {each["name"] for each in listed}
    assert all(each["summary"] and each["fault"] for each in listed)


@pytest.mark.parametrize(
    "words",
    [
        ("none",),
        ("policy", "--seed", "-1"),
        ("policy", "--minutes", "0"),
        ("policy", "--case", "1"),
        ("policy", "--seed", "x"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], tmp_path: Path) -> None:
    assert command(*words, home=tmp_path).returncode == 2


def test_one_case_is_run_alone_and_counted_nowhere(tmp_path: Path) -> None:
    result = command("records", "--seed", "1", "--case", "5", "--json", home=tmp_path)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {"campaign": "records", "seed": 1, "case": 5, "finding": None}


_EXITS = """
import sys
from pathlib import Path
from tests.campaigns import __main__ as command
from tests.campaigns.toy_campaign import Numbers, file_in

bad, planted_at, folder = int(sys.argv.pop(1)), int(sys.argv.pop(1)), Path(sys.argv.pop(1))
campaign = Numbers((bad,), planted_at)
campaign.sources = ("tests/campaigns/toy_campaign.py",)
command.NAMES["numbers"] = "Numbers"
command.load = lambda name: campaign
command.evidence_file = lambda campaign: file_in(folder)
sys.exit(command.main())
"""


@pytest.mark.parametrize(("bad", "planted_at", "code"), [(-1, 0, 0), (5, 0, 1), (-1, 99, 3)])
def test_exit_codes(bad: int, planted_at: int, code: int, tmp_path: Path) -> None:
    words = (
        str(bad),
        str(planted_at),
        str(tmp_path),
        "numbers",
        "--seed",
        "7",
        "--minutes",
        "0.001",
        "--json",
    )
    result = subprocess.run(
        [sys.executable, "-c", _EXITS, *words], text=True, capture_output=True, check=False, timeout=60
    )
    assert result.returncode == code, result.stderr
    if code == 1:
        assert json.loads(result.stdout)["finding"]["case"] == 5
        assert "SEED=7 CASE=5" in result.stderr
        assert "5 / is bad" in (tmp_path / "evidence/numbers.md").read_text()
    if code == 3:
        assert "planted fault was not found in 10 cases" in result.stderr
        assert not (tmp_path / "evidence").exists()
