"""The example of docs/audit-format.md: by the program that shares no code with us, and by ours."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tlog.checkpoint import Trust
from tlog.errors import TlogError
from tlog.event_proof import EventProof
from tlog.note import VerifierKey

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docs/examples/audit_log"
[KEY] = re.findall(r"craton\.example/audit\+\S+", (ROOT / "docs/audit-format.md").read_text())


def by_hand(file: Path, key: str = KEY) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FOLDER / "verify_by_hand.py"), str(file), key]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_both_verify_it() -> None:
    printed = by_hand(FOLDER / "event.json")
    assert printed.stdout == "entry 4 of 7 in craton.example/audit: 165 bytes of event are proved\n"
    proof = EventProof.parse((FOLDER / "event.json").read_bytes())
    assert proof.verify(Trust(VerifierKey.parse(KEY))).index == 4
    assert b"InvokeModel" in proof.event


@pytest.mark.parametrize("name", ["entry", "event", "salt", "proof"])
def test_neither_verifies_another(name: str, tmp_path: Path) -> None:
    members = json.loads((FOLDER / "event.json").read_text())
    value = members[name]
    at = value.index("index 4") + 6 if name == "proof" else 60 if name == "entry" else 10
    other = value[:at] + ("5" if value[at] != "5" else "6") + value[at + 1 :]
    refused(members | {name: other}, tmp_path)


def test_neither_believes_an_event_whose_beginning_is_called_salt(tmp_path: Path) -> None:
    members = json.loads((FOLDER / "event.json").read_text())
    event, salt = (base64.b64decode(members[name]) for name in ("event", "salt"))
    for cut in (1, 32, 92):
        moved = {"event": event[cut:], "salt": salt + event[:cut]}
        refused(members | {name: base64.b64encode(value).decode() for name, value in moved.items()}, tmp_path)


@pytest.mark.parametrize("index", ["-1", "04", "7", "4 ", ""])
def test_neither_believes_another_index(index: str, tmp_path: Path) -> None:
    members = json.loads((FOLDER / "event.json").read_text())
    refused(members | {"proof": members["proof"].replace("index 4", f"index {index}", 1)}, tmp_path)


def refused(members: dict[str, str], folder: Path) -> None:
    """Neither program believes this."""
    changed = folder / "changed.json"
    changed.write_text(json.dumps(members))
    assert by_hand(changed).returncode != 0
    with pytest.raises(TlogError):
        EventProof.parse(changed.read_bytes()).verify(Trust(VerifierKey.parse(KEY)))
