"""Files of evidence: what is written is what is read."""

import os
from pathlib import Path

import pytest

from tests.campaigns.evidence import (
    Evidence,
    EvidenceError,
    Found,
    Measure,
    Past,
    Run,
    cell,
    parse,
    render,
)
from tests.campaigns.source import digest, machine
from tests.campaigns.toy_campaign import SUBJECT, A, B


def test_what_is_written_is_what_is_read() -> None:
    evidence = Evidence(
        A,
        (Run(1, 10, 2, "2026-01-02", "2026-01-03", 1, "a machine, 2 cores"),),
        (Found(B, 3, 4, "2026-01-02", cell("a | b\n\x1b[2Jé")),),
        (Past(B, Run(2, 30, 1, "2026-01-01", "2026-01-01", 2, "a machine, 4 cores")),),
        (Measure(A, 1, "0 to 9", "2026-01-03", "a figure"),),
    )
    text = render(SUBJECT, evidence)
    assert parse(text) == evidence
    assert parse(render(SUBJECT, Evidence(A))) == Evidence(A)
    assert render(SUBJECT, parse(text)) == text
    for broken in (
        text.replace(A, "?"),
        text.replace("| 1 | 10 |", "| 1 | x |"),
        text.replace("10 | 2", "1"),
    ):
        with pytest.raises(EvidenceError):
            parse(broken)


def test_a_cell_is_one_short_line_without_paths_of_this_machine() -> None:
    assert cell(f"a\n| b {Path(__file__).resolve()}") == "a / b tests/campaigns/test_evidence.py"
    assert len(cell("x" * 1000)) == 300


def test_the_digest_is_of_the_files_contents(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package/a.py").write_text("a")
    (tmp_path / "b.py").write_text("b")
    before = digest(("package", "b.py"), tmp_path)
    assert digest(("b.py", "package"), tmp_path) == before
    (tmp_path / "package/notes.txt").write_text("no module")
    assert digest(("package", "b.py"), tmp_path) == before
    (tmp_path / "b.py").write_text("c")
    assert digest(("package", "b.py"), tmp_path) != before
    for absent in ("gone.py", "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(FileNotFoundError):
            digest(("package", absent), tmp_path)


def test_the_machine_has_no_name() -> None:
    assert os.uname().nodename not in machine()
    assert "cores" in machine()
