"""`craton receipts verify` needs no stack: a file, two keys, and exit codes that say what became of it."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import grpc
import pytest
from click.testing import CliRunner

import cli.log_client
import cli.receipts
from cli.invoke import invoke
from cli.output import Exit
from cli.receipts import receipts
from tests.unit.tlog.keys import LOG, WITNESSES
from tests.unit.tlog.receipts import AUTHORITY, CERTIFICATE, FILE, RECEIPT, REQUEST, RESPONSE

KEYS = ("--authority", str(AUTHORITY.key), "--key", str(LOG.key))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "receipt.json").write_bytes(bytes(FILE))
    (tmp_path / "request").write_bytes(REQUEST)
    (tmp_path / "response").write_bytes(RESPONSE)
    return tmp_path


def verify(folder: Path, *words: str) -> Any:
    return CliRunner().invoke(receipts, ["verify", str(folder / "receipt.json"), *words])


def test_what_it_says_is_printed(folder: Path) -> None:
    given = ("--request", str(folder / "request"), "--response", str(folder / "response"))
    done = verify(folder, *KEYS, *given, "--json")
    assert done.exit_code == 0
    printed = json.loads(done.stdout)
    assert (printed["model"], printed["output_tokens"]) == (RECEIPT.model_id, 40)
    assert (printed["event_id"], printed["time"]) == (str(RECEIPT.event_id), "2026-03-01T12:00:00Z")
    assert printed["proved"] == ["receipt", "request", "response"]
    assert json.loads(verify(folder, *KEYS, "--json").stdout)["proved"] == ["receipt"]
    assert RECEIPT.model_id in verify(folder, *KEYS).stdout


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((*KEYS, "--request", "response"), "another request"),
        ((*KEYS, "--response", "request"), "another response"),
        (("--authority", str(LOG.key), "--key", str(LOG.key)), "not signed by"),
        (("--authority", str(AUTHORITY.key), "--key", str(AUTHORITY.key)), "has not signed"),
        ((*KEYS, "--witness", str(WITNESSES[0].key)), "0 of 1 witnesses"),
    ],
)
def test_what_is_not_proved_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], why: str
) -> None:
    monkeypatch.chdir(folder)
    done = verify(folder, *words)
    assert done.exit_code == Exit.REFUSED
    assert why in done.stderr


def test_without_a_salt_contents_prove_nothing(folder: Path) -> None:
    (folder / "receipt.json").write_bytes(bytes(replace(FILE, salt=b"")))
    assert verify(folder, *KEYS).exit_code == 0
    done = verify(folder, *KEYS, "--request", str(folder / "request"))
    assert (done.exit_code, "it has no salt" in done.stderr) == (Exit.REFUSED, True)


def test_a_closed_event_must_be_accepted(folder: Path) -> None:
    assert FILE.receipt_proof is not None
    closed = replace(FILE, receipt_proof=FILE.receipt_proof.closed())
    (folder / "receipt.json").write_bytes(bytes(closed))
    assert "is not shown" in verify(folder, *KEYS).stderr
    assert verify(folder, *KEYS, "--closed").exit_code == 0


@pytest.mark.parametrize("missing", ["--authority", "--key"])
def test_both_keys_are_needed(folder: Path, missing: str) -> None:
    at = KEYS.index(missing)
    done = verify(folder, *KEYS[:at], *KEYS[at + 2 :])
    assert (done.exit_code, f"{missing} is missing" in done.stderr) == (2, True)


@pytest.mark.parametrize("option", ["--authority", "--key", "--witness"])
def test_a_key_that_is_none_is_a_usage_error(folder: Path, option: str) -> None:
    done = verify(folder, *KEYS, option, "nonsense")
    assert (done.exit_code, f"Invalid value for '{option}'" in done.stderr) == (2, True)


def test_what_is_no_receipt(folder: Path) -> None:
    (folder / "receipt.json").write_text("{}")
    for command in (["verify", *KEYS], ["complete"]):
        done = CliRunner().invoke(receipts, [command[0], str(folder / "receipt.json"), *command[1:]])
        assert done.exit_code == Exit.REFUSED


def test_a_file_is_there_as_before_or_complete(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FILE.receipt_proof is not None
    assert FILE.certificate_proof is not None
    file, before = folder / "receipt.json", folder / "before"
    proofs = {RECEIPT.event_id: FILE.receipt_proof, CERTIFICATE.event_id: FILE.certificate_proof}
    monkeypatch.setattr(cli.receipts, "log_client", lambda *_, **__: None)
    monkeypatch.setattr(cli.receipts, "await_proof", lambda _log, event_id, *_: proofs[event_id])
    incomplete = bytes(replace(FILE, receipt_proof=None, certificate_proof=None))
    file.write_bytes(incomplete)
    os.link(file, before)
    assert CliRunner().invoke(receipts, ["complete", str(file)]).exit_code == 0
    assert file.read_bytes() == bytes(FILE)
    # What was there was not written over, but replaced.
    assert before.read_bytes() == incomplete


def test_no_receipt_is_asked_for_that_could_not_be_kept(folder: Path) -> None:
    done = CliRunner().invoke(invoke, ["a.model", "Hello", "--receipt", str(folder / "none" / "hello.json")])
    assert (done.exit_code, "is no folder that you may write to" in done.stderr) == (2, True)


def test_the_log_says_why_there_is_no_proof(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Purged(grpc.RpcError):
        def code(self) -> grpc.StatusCode:
            return grpc.StatusCode.FAILED_PRECONDITION

        def details(self) -> str:
            return "The event was purged with its account."

        def trailing_metadata(self) -> tuple[()]:
            return ()

    class Operator:
        def __init__(self, _stack: object) -> None:
            """Nothing is opened."""

        def channel(self, _service: str) -> "Operator":
            return self

        def unary_unary(self, *_: Any, **__: Any) -> None:
            """No method is called."""

        def call(self, _method: None, _request: object) -> NoReturn:
            raise Purged

    monkeypatch.setattr(cli.log_client, "Session", Operator)
    done = CliRunner().invoke(receipts, ["complete", str(folder / "receipt.json"), "--timeout", "0"])
    assert (done.exit_code, "purged with its account." in done.stderr) == (Exit.UNAVAILABLE, True)
    assert str(RECEIPT.event_id) in done.stderr
