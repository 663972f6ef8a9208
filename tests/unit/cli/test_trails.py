"""`craton trails open` reads what whoever runs the bucket may have written."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cli.trails
from services.chassis.encryption_sdk import seal
from services.chassis.secret import SecretBytes


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> None:
    """No stack is asked about files that are not sealed."""
    monkeypatch.setattr(cli.trails, "Session", lambda _stack: None)


def opened(folder: Path, content: bytes, *words: str) -> Any:
    file = folder / "log.json.gz"
    file.write_bytes(gzip.compress(content))
    return CliRunner().invoke(cli.trails.trails, ["open", str(file), *words])


def test_anybody_seals_for_any_trail_and_only_under_keys_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = "arn:aws:cloudtrail:us-east-1:123456789012:trail/t"
    mine, eves = (f"arn:aws:kms:us-east-1:{account}:key/k" for account in ("123456789012", "210987654321"))
    context = {"aws:cloudtrail:arn": trail, "aws:s3:arn": "arn:aws:s3:::b/log.json.gz"}
    data_key, asked = SecretBytes(bytes(32)), []

    def decrypt(_session: None, _sealed: bytes, key_arn: str, _context: object) -> SecretBytes:
        asked.append(key_arn)
        return data_key

    monkeypatch.setattr(cli.trails, "_data_key", decrypt)
    message = seal(gzip.compress(b'{"Records": []}'), data_key, b"encrypted", eves, context)
    (shown,) = json.loads(opened(tmp_path, message, "--trail", trail, "--json").stdout)
    assert (shown["sealed"], shown["key"], shown["trail"]) == (True, eves, trail)
    assert opened(tmp_path, message, "--key", eves).exit_code == 0
    asked.clear()
    for content in (message, b'{"Records": []}'):
        done = opened(tmp_path, content, "--key", mine)
        assert (done.exit_code, done.stdout) == (3, "")
        assert mine in done.stderr
    assert asked == [], "kms was asked about another's key"


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


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(gzip.compress(b'{"Records": []}')[:-5], id="cut off"),
        pytest.param(gzip.compress(b'{"Records": []}') + b"more", id="more behind it"),
        pytest.param(gzip.compress(b'{"Records": []}' + b" " * 1000), id="too long"),
    ],
)
def test_what_is_no_whole_file_is_refused(
    tmp_path: Path, packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.trails, "_LONGEST_FILE_BYTES", 1000)
    file = tmp_path / "log.json.gz"
    file.write_bytes(packed)
    done = CliRunner().invoke(cli.trails.trails, ["open", str(file)])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "is not a log file of a trail" in done.stderr
