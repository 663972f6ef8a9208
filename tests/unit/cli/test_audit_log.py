"""`craton audit` without a stack: what is called wrongly does nothing and says so in its exit code."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from craton.audit.v1 import resources_pb2
from craton.audit.v1.purge_log_service_pb2 import GetEntryIndexesResponse

import cli.audit
import cli.audit_log
from cli.audit import audit
from cli.output import as_dict
from tests.unit.tlog.keys import LOG, WITNESSES

EVENT_ID = "0f6c2f6e-1d2a-4b7e-9c3d-5a6b7c8d9e0f"


def run(*words: str) -> Any:
    return CliRunner().invoke(audit, words)


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "event.json").write_text("{}")
    return str(tmp_path / "event.json")


def test_keys_that_are_none_are_a_usage_error(file: str) -> None:
    folder, key, witness = str(Path(file).parent), str(LOG.key), str(WITNESSES[0].key)
    for command in (("verify", file), ("fsck", "--folder", folder), ("fsck",)):
        for words in (("--key", "nonsense"), ("--key", key, "--witness", "nonsense")):
            done = run(*command, *words)
            assert (done.exit_code, "not a verifier key" in done.stderr) == (2, True)
    for command in (("verify", file), ("fsck", "--folder", folder)):
        assert run(*command, "--key", key, "--witness", witness, "--witness", witness).exit_code == 2


def test_no_proof_is_asked_for_that_could_not_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.audit_log, "log_client", lambda *_, **__: pytest.fail("the log was asked"))
    done = run("prove", EVENT_ID, "-o", str(tmp_path / "none" / "event.json"))
    assert (done.exit_code, "is no folder that you may write to" in done.stderr) == (2, True)
    assert run("prove", EVENT_ID, "-o", str(tmp_path)).exit_code == 2
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone" / f"{EVENT_ID}.json").mkdir()
    assert run("prove", EVENT_ID).exit_code == 2


def test_numbers_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nobody:
        def __init__(self, _stack: object) -> None:
            """Nothing is opened."""

        def channel(self, _service: str) -> "Nobody":
            return self

        def unary_unary(self, *_: Any, **__: Any) -> None:
            """No method is called."""

    event = resources_pb2.Event(event_id=EVENT_ID, count=2**40, duration_us=1234)
    event.event_time.FromSeconds(1)
    monkeypatch.setattr(cli.audit, "Session", Nobody)
    monkeypatch.setattr(cli.audit, "pages", lambda *_, **__: [event])
    (shown,) = json.loads(run("lookup", "--json").stdout)
    assert (shown["count"], shown["duration_us"]) == (2**40, 1234)
    assert shown["event_time"] == "1970-01-01T00:00:01Z"
    assert run("lookup", "--account-id", "12").exit_code == 2
    found = GetEntryIndexesResponse(indexes={"value": 3, "key": 4})
    assert as_dict(found) == {"indexes": {"value": 3, "key": 4}}
