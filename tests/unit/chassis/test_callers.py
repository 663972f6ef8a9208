"""Caller lists: absence denies, and a gap fails the boot."""

from pathlib import Path

import pytest

from services.chassis.callers import CallersError, load_callers


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "callers.toml"
    path.write_text(text)
    return path


def test_lists_are_read(tmp_path: Path) -> None:
    path = _write(tmp_path, '"/a.B/C" = ["service/edge", "public"]\n"/a.B/D" = []\n')
    assert load_callers(path, ["/a.B/C", "/a.B/D"]) == {
        "/a.B/C": frozenset({"service/edge", "public"}),
        "/a.B/D": frozenset(),
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not listed: /a.B/C"),
        ('"/a.B/C" = []\n"/a.B/X" = []', "not served: /a.B/X"),
        ('"/a.B/C" = ["*"]', "not kind/name"),
        ('"/a.B/C" = ["service/*"]', "not kind/name"),
        ('"/a.B/C" = ["edge"]', "not kind/name"),
    ],
)
def test_gaps_and_wildcards_fail(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(CallersError, match=complaint.replace("*", r"\*")):
        load_callers(_write(tmp_path, text), ["/a.B/C"])
