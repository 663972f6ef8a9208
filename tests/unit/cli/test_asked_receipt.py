"""Nobody keeps a receipt that proves nothing about the answer it came with."""

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.asked_receipt import CERTIFICATE_HEADER, HEADER, AskedReceipt
from cli.output import CommandError, Exit
from tests.unit.tlog.receipts import FILE, REQUEST, RESPONSE, SALT
from tlog.receipt_file import ReceiptFile


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> AskedReceipt:
    """Has sent the request that the receipt of the tests is of."""
    monkeypatch.setattr("secrets.token_bytes", lambda size: SALT[:size])
    hooks: list[Any] = []
    events = SimpleNamespace(register=lambda _name, hook: hooks.append(hook))
    made = AskedReceipt(SimpleNamespace(meta=SimpleNamespace(events=events)))
    params: dict[str, Any] = {"headers": {}, "body": REQUEST}
    hooks[0](params)
    assert base64.b64decode(params["headers"][HEADER]) == SALT
    return made


def answered(receipt: bytes = bytes(FILE.receipt), header: str = "") -> dict[str, Any]:
    notes = {HEADER: receipt, CERTIFICATE_HEADER: bytes(FILE.certificate)}
    headers = {name: base64.b64encode(note).decode() for name, note in notes.items()}
    return {"HTTPHeaders": headers | ({HEADER: header} if header else {})}


def test_what_fits_is_kept_with_what_it_is_of(asked: AskedReceipt, tmp_path: Path) -> None:
    asked.of_answer(answered(), RESPONSE).write(tmp_path / "r.json")
    kept = ReceiptFile.parse((tmp_path / "r.json").read_bytes())
    assert (kept.receipt, kept.certificate, kept.salt) == (FILE.receipt, FILE.certificate, SALT)
    assert (tmp_path / "r.json.request").read_bytes() == REQUEST
    assert (tmp_path / "r.json.response").read_bytes() == RESPONSE
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("metadata", "response", "why"),
    [
        (answered(), RESPONSE + b" ", "another response"),
        (answered(bytes(FILE.certificate)), RESPONSE, "not a statement"),
        (answered(b"no note"), RESPONSE, "not a signed note"),
        (answered(header="%"), RESPONSE, "not base64"),
        ({"HTTPHeaders": {}}, RESPONSE, "without a receipt"),
    ],
)
def test_what_does_not_fit_is_refused(
    asked: AskedReceipt, metadata: dict[str, Any], response: bytes, why: str
) -> None:
    with pytest.raises(CommandError, match=why) as refused:
        asked.of_answer(metadata, response)
    assert vars(refused.value)["exit_code"] == Exit.REFUSED
