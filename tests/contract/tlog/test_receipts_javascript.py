"""A verifier of receipts in JavaScript, written from docs/receipts.md, agrees with ours."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

from tests.unit.tlog.json_files import read_differently
from tests.unit.tlog.keys import LOG
from tests.unit.tlog.receipts import AUTHORITY, FILE, RECEIPT, REQUEST, RESPONSE, TRUST
from tests.unit.tlog.test_receipt_file import MISFITS
from tests.verifier.javascript import FOLDER, NODE
from tlog.errors import TlogError
from tlog.receipt_file import ReceiptFile


def judge(files: list[Path], *words: str) -> list[Any]:
    """What each file says; a text for one that proves nothing."""
    keys = ("--authority", str(AUTHORITY.key), "--key", str(LOG.key))
    command = [NODE, str(FOLDER / "receipts.mjs"), *map(str, files), *keys, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return list(json.loads(done.stdout))


def altered() -> list[bytes]:
    """Files of which one thing is another: a hundred characters of each note, and bytes of each proof."""
    members, found = json.loads(bytes(FILE)), [bytes(file) for file in MISFITS]
    found += read_differently(bytes(FILE))
    for name in members:
        twice = f"{{{json.dumps(name)}: {json.dumps(members[name])}, "
        found.append(bytes(FILE).replace(b"{", twice.encode(), 1))
    for name in ("receipt", "certificate"):
        text = members[name]
        for at in range(0, len(text), 4):
            changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
            found.append(json.dumps(members | {name: changed}).encode())
    for name in ("receipt_proof", "certificate_proof"):
        for part in ("entry", "event", "salt"):
            content = base64.b64decode(members[name][part])
            for at in range(0, len(content), 7):
                other = content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :]
                proof = members[name] | {part: base64.b64encode(other).decode()}
                found.append(json.dumps(members | {name: proof}).encode())
    return found


def test_both_believe_the_same(tmp_path: Path) -> None:
    cases = [bytes(FILE), *altered()]
    files = []
    for number, content in enumerate(cases):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_bytes(content)
    theirs = judge(files)
    assert isinstance(theirs[0], dict)
    lines = [line.split(" ", 1) for line in RECEIPT.text.split("\n")[1:-1]]
    assert theirs[0] == dict(lines)
    assert len(cases) > 300
    for content, result in zip(cases[1:], theirs[1:], strict=True):
        try:
            ReceiptFile.parse(content).verify(AUTHORITY.key, TRUST)
        except TlogError:
            assert isinstance(result, str), content
        else:
            raise AssertionError("an altered file is believed")


def test_contents_are_compared(tmp_path: Path) -> None:
    file, request, response = (tmp_path / name for name in ("file", "request", "response"))
    file.write_bytes(bytes(FILE))
    request.write_bytes(REQUEST)
    response.write_bytes(RESPONSE)
    [good] = judge([file], "--request", str(request), "--response", str(response))
    assert isinstance(good, dict)
    for words in (("--request", str(response)), ("--response", str(request))):
        assert "not proved: another" in judge([file], *words)[0]
