"""Reads what stands in data/: tables of questions and answers, and lists of words and sentence patterns."""

from __future__ import annotations

import tomllib
from pathlib import Path

_DATA = Path(__file__).parent / "data"


def lists(name: str) -> dict[str, list[str]]:
    """The lists of data/<name>.toml."""
    return tomllib.loads((_DATA / f"{name}.toml").read_text(encoding="utf-8"))


def rows(name: str) -> list[list[str]]:
    """The lines of data/<name>.tsv, each split at its tabs; a written \\n is a line break."""
    lines = (_DATA / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n").split("\t") for line in lines if line]
