"""The audit log by the command line: an event is proved, verified offline, and the whole log is checked."""

import base64
import contextlib
import json
import shutil
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cli.output import Exit
from tests.unit.tlog.keys import WITNESSES
from tests.verifier.javascript import javascript
from tlog.tiles import CHECKPOINT_PATH, WIDTH, bundles_between, tiles_between


@pytest.fixture(scope="module")
def event(stack: Any) -> dict[str, Any]:
    """An event of this installation."""
    stack.client("bedrock").list_foundation_models()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = stack.craton_json("audit", "lookup", "--event-name", "ListFoundationModels", "--max", "1")
        if found:
            return dict(found[0])
    pytest.fail("the call was not shipped")


@pytest.fixture(scope="module")
def key(stack: Any) -> str:
    return str(stack.craton_json("audit", "key")["verifier_key"])


@pytest.fixture(scope="module")
def proof(stack: Any, event: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that proves it, once a checkpoint covers it."""
    file = tmp_path_factory.mktemp("proof") / "event.json"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done = stack.craton("audit", "prove", event["event_id"], "-o", str(file), check=False)
        if done.returncode == 0:
            return file
    pytest.fail(done.stderr)


def test_an_event_is_verified_by_the_logs_key_alone(stack: Any, event: Any, proof: Path, key: str) -> None:
    verified = stack.craton_json("audit", "verify", str(proof), "--key", key)
    assert verified["event"] == event
    assert verified["index"] < verified["size"]
    printed = stack.craton("audit", "verify", str(proof), "--key", key).stdout
    assert "ListFoundationModels" in printed


def test_the_witness_has_seen_it(stack: Any, event: dict[str, Any], key: str, tmp_path: Path) -> None:
    """Checkpoints of the first seconds may lack its signature: it starts beside the log."""
    [witness] = stack.craton_json("audit", "key")["witness_keys"]
    assert witness.startswith("craton.local/witness-one+")
    file, deadline = str(tmp_path / "seen.json"), time.monotonic() + 60
    commands = (
        ("verify", file, "--key", key, "--witness", witness),
        ("fsck", "--key", key, "--witness", witness),
    )
    while True:
        stack.client("bedrock").list_foundation_models()
        stack.craton("audit", "prove", event["event_id"], "-o", file)
        done = [stack.craton("audit", *command, check=False) for command in commands]
        if not any(each.returncode for each in done):
            break
        assert time.monotonic() < deadline, [each.stderr for each in done]
    other = str(WITNESSES[0].key)
    refused = stack.craton("audit", "verify", file, "--key", key, "--witness", other, check=False)
    assert refused.returncode == Exit.REFUSED
    assert "0 of 1 witnesses have cosigned" in refused.stderr
    twice = stack.craton("audit", "fsck", "--key", key, *(2 * ("--witness", witness)), check=False)
    assert (twice.returncode, "have one key" in twice.stderr) == (2, True)


def test_another_event_or_key_proves_nothing(stack: Any, proof: Path, key: str, tmp_path: Path) -> None:
    members = json.loads(proof.read_text())
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(members | {"event": members["salt"]}))
    refused = stack.craton("audit", "verify", str(forged), "--key", key, check=False)
    assert refused.returncode == Exit.REFUSED
    assert "the entry holds another event" in refused.stderr
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert stack.craton("audit", "verify", str(proof), "--key", other, check=False).returncode == Exit.REFUSED
    without = stack.craton("audit", "verify", str(proof), check=False)
    assert without.returncode == 2
    assert "--key is missing" in without.stderr


def copy_log(log: Path, target: Path) -> None:
    """Copy a log that grows: its checkpoint first, and then what that needs."""
    checkpoint = (log / CHECKPOINT_PATH).read_bytes()
    size = int(checkpoint.split(b"\n")[1])
    target.mkdir()
    (target / CHECKPOINT_PATH).write_bytes(checkpoint)
    for tile in (*bundles_between(0, size), *tiles_between(0, size)):
        file = log / tile.path
        path = file if file.exists() else log / replace(tile, width=WIDTH).path
        (target / path.relative_to(log)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target / path.relative_to(log))


def test_the_whole_log_is_checked_and_damage_found(stack: Any, key: str, tmp_path: Path) -> None:
    whole = stack.craton_json("audit", "fsck", "--key", key)
    assert whole["entries"] >= 10
    assert whole["log"] == "craton.local/audit"
    assert (whole["index_entries"] >= whole["entries"], whole["index_differences"]) == (True, 0)
    copy = tmp_path / "log"
    copy_log(stack.home / "state/audit/log", copy)
    size = stack.craton_json("audit", "fsck", "--folder", str(copy), "--key", key)["entries"]
    assert size >= whole["entries"]
    bundle = copy / next(bundles_between(0, size)).path
    content = bundle.read_bytes()
    bundle.write_bytes(content[:-1] + bytes((content[-1] ^ 1,)))
    damaged = stack.craton("audit", "fsck", "--folder", str(copy), "--key", key, check=False)
    assert damaged.returncode == Exit.REFUSED
    assert "The log is damaged" in damaged.stderr


def test_a_database_that_says_something_else_is_found(stack: Any, event: dict[str, Any], key: str) -> None:
    """Whoever can write the database hides a record from readers of CloudTrail."""
    row = "UPDATE entries SET record = NOT record WHERE event_id = ?"
    path, parameters = stack.home / "state/audit/audit.sqlite", (UUID(event["event_id"]).bytes,)

    def altered() -> None:
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as database, database:
            assert database.execute(row, parameters).rowcount == 1

    altered()
    try:
        done = stack.craton("audit", "fsck", "--key", key, "--json", check=False)
    finally:
        altered()
    assert (done.returncode, "not what the log says: 1 difference" in done.stderr) == (Exit.REFUSED, True)
    (found,) = json.loads(done.stdout)["findings"]
    assert (found["table"], found["columns"], found["event_id"]) == ("entries", ["record"], event["event_id"])


@pytest.mark.usefixtures("proof")
def test_a_verifier_in_another_language_agrees(
    stack: Any, event: dict[str, Any], key: str, tmp_path: Path
) -> None:
    """The one in JavaScript, which shares no code with ours, on this log and on a proof of its."""
    [witness] = stack.craton_json("audit", "key")["witness_keys"]
    keys, deadline = ("--key", key, "--witness", witness), time.monotonic() + 60
    file, attempt = tmp_path / "event.json", 0
    while True:
        copy, attempt = tmp_path / f"log-{attempt}", attempt + 1
        copy_log(stack.home / "state/audit/log", copy)
        stack.craton("audit", "prove", event["event_id"], "-o", str(file))
        done = [javascript("log", str(copy), *keys), javascript("verify", str(file), *keys)]
        if not any(each.returncode for each in done):
            break
        # A checkpoint of the first seconds may lack the witness' signature.
        assert time.monotonic() < deadline, [each.stderr for each in done]
    log, proved = (json.loads(each.stdout) for each in done)
    whole = stack.craton_json("audit", "fsck", "--folder", str(copy), *keys)
    assert {name: log[name] for name in whole} == whole
    verified = stack.craton_json("audit", "verify", str(file), *keys)
    assert (proved["index"], proved["size"]) == (verified["index"], verified["size"])
    assert (proved["log"], proved["event_id"]) == (whole["log"], event["event_id"])
    assert event["request_id"].encode() in base64.b64decode(proved["event"])
    assert [each["witness"] for each in proved["cosigned"]] == [witness.partition("+")[0]]
    for folder in ("tile/entries", "tile/0"):
        damaged = min(path for path in (copy / folder).rglob("*") if path.is_file())
        content = damaged.read_bytes()
        damaged.write_bytes(bytes((content[0] ^ 1,)) + content[1:])
        assert javascript("log", str(copy), "--key", key).returncode == 1
        damaged.write_bytes(content)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"event": ""}))
    assert javascript("verify", str(file), "--key", key).returncode == 1


def test_events_that_there_are_not(stack: Any) -> None:
    missing = "00000000-0000-4000-8000-000000000000"
    assert stack.craton("audit", "prove", missing, check=False).returncode == Exit.NOT_FOUND


def test_records_are_those_of_cloudtrail(stack: Any, event: dict[str, Any]) -> None:
    words = ("--request-id", event["request_id"], "--event-name", event["event_name"], "--records")
    records = stack.craton_json("audit", "lookup", *words)["Records"]
    [record] = [each for each in records if each["eventID"] == event["event_id"]]
    assert record["eventVersion"] == "1.11"
    assert record["userIdentity"]["arn"] == event["principal"]["arn"]
    assert record["eventSource"] == "bedrock.amazonaws.com"
    assert record["tlsDetails"]["tlsVersion"].startswith("TLSv1.")
    assert "exactly" not in record["additionalEventData"]
