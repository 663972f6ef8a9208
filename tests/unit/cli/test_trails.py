"""`craton trails open` reads what whoever runs the bucket may have written."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cli.trails


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> None:
    """No stack is asked about files that are not sealed."""
    monkeypatch.setattr(cli.trails, "Session", lambda _stack: None)


def opened(folder: Path, content: bytes, *words: str) -> Any:
    file = folder / "log.json.gz"
    file.write_bytes(gzip.compress(content))
    return CliRunner().invoke(cli.trails.trails, ["open", str(file), *words])


@pytest.mark.parametrize(
    "content",
    [
        b'{"Records": 5}', b'{"Records": [1]}', b'{"Records": {"a": 1}}', b'{"Records": "abc"}', b"{}",
        b'{"Records": null}', b'{"Records": ' + b"[" * 100_000, b"{",
    ],
)  # fmt: skip
@pytest.mark.parametrize("words", [(), ("--json",)])
def test_what_has_no_records_is_no_log_file(tmp_path: Path, content: bytes, words: tuple[str, ...]) -> None:
    done = opened(tmp_path, content, *words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "is not a log file of a trail" in done.stderr


def test_no_record_speaks_to_the_terminal(tmp_path: Path) -> None:
    name = "Invoke\x1b[2J\x9b2JModel \N{SNOWMAN}"
    done = opened(tmp_path, json.dumps({"Records": [{"eventName": name}]}).encode())
    assert done.exit_code == 0
    assert r"Invoke\x1b[2J\x9b2JModel" in done.stdout
    assert "\N{SNOWMAN}" in done.stdout
    assert not {"\x1b", "\x9b"} & set(done.stdout)
