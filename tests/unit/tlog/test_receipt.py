"""Receipts as texts, and commitments to what went in and came out."""

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from tests.unit.tlog.keys import WITNESSES
from tests.unit.tlog.receipts import CERTIFICATE, RECEIPT, REQUEST, RESPONSE, SALT
from tlog.errors import TlogError
from tlog.note import VerifierKey
from tlog.receipt import (
    INVOKE_STREAM,
    Receipt,
    StreamCommitment,
    commit_request,
    commit_response,
    framed,
)
from tlog.receipt_key import ReceiptKey
from tlog.statement import read, render

TEXT = """craton receipt v1
event 0f6c2f6e-1d2a-4b7e-9c3d-5a6b7c8d9e0f
request 7c1e5d3a-0000-4000-8000-1234567890ab
time 2026-03-01T12:00:00Z
account 123456789012
region us-east-1
operation InvokeModel
model craton.tiny-text-v1
manifest abababababababababababababababababababababababababababababababab
artifact cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd
request-commitment nX09t5KfAiI9olwXRxF02tL02+IHhRM45Iu+nYpgwRo=
response-commitment z5FMpmibFa0NFoq+srE3y1EaZW67Qp7UPlO+dnlhlA4=
input-tokens 12
output-tokens 40
stop-reason max_tokens
"""


def test_the_text_is_the_documented_one() -> None:
    assert RECEIPT.text == TEXT
    assert Receipt.parse(RECEIPT.text) == RECEIPT
    assert RECEIPT.digest == sha256(RECEIPT.text.encode()).digest()
    assert Receipt.parse(replace(RECEIPT, artifact_sha256="-", stop_reason="-").text).stop_reason == "-"


def test_a_certificate_is_read_again() -> None:
    assert ReceiptKey.parse(CERTIFICATE.text) == CERTIFICATE
    assert CERTIFICATE.recorder == "runtime"
    with pytest.raises(TlogError, match="signs notes"):
        ReceiptKey.parse(replace(CERTIFICATE, key=WITNESSES[0].key).text)
    assert VerifierKey.parse(str(CERTIFICATE.key)) == CERTIFICATE.key


@pytest.mark.parametrize("text", [RECEIPT.text, CERTIFICATE.text])
def test_every_line_is_there_once_and_in_its_place(text: str) -> None:
    parse = Receipt.parse if text == RECEIPT.text else ReceiptKey.parse
    lines = text.split("\n")[:-1]
    for at in range(len(lines)):
        for other in (
            lines[:at] + lines[at + 1 :],
            [*lines[: at + 1], *lines[at:]],
            [*lines[:at], lines[at] + " ", *lines[at + 1 :]],
            [*lines[:at], lines[at].replace(" ", "  ", 1), *lines[at + 1 :]],
            [*lines[:at], lines[at].upper(), *lines[at + 1 :]],
        ):
            changed = "\n".join(other) + "\n"
            if changed == text:
                continue
            with pytest.raises(TlogError):
                parse(changed)
    for other_text in ("", "\n", text[:-1], text + "\n", text.replace(" v1", " v2"), "more\n" + text):
        with pytest.raises(TlogError):
            parse(other_text)


@pytest.mark.parametrize(
    "change",
    [
        {"request_id": "a b"},
        {"request_id": "short"},
        {"account_id": "1"},
        {"region": "us\neast"},
        {"operation": "Converse"},
        {"model_id": "two words"},
        {"manifest_sha256": ""},
        {"artifact_sha256": "AB" * 32},
        {"request_commitment": b"short"},
        {"input_tokens": -1},
        {"stop_reason": ""},
    ],
)
def test_what_no_receipt_says_is_not_signed(change: dict[str, object]) -> None:
    with pytest.raises(TlogError):
        _ = replace(RECEIPT, **change).text  # type: ignore[arg-type]


def test_no_value_ends_its_line() -> None:
    for value in ("", " x", "x ", "a\nb", "a\x7f"):
        with pytest.raises(TlogError):
            render("kind v1", [("name", value)])
    with pytest.raises(TlogError):
        read("kind v1\nname x\n", "kind v2", {})


def test_times_are_seconds_of_utc() -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 999_999, UTC)
    assert Receipt.parse(replace(RECEIPT, time=moment).text).time == RECEIPT.time
    with pytest.raises(TlogError):
        Receipt.parse(RECEIPT.text.replace("2026-03-01T", "2026-02-30T"))


def test_commitments_are_those_that_are_documented() -> None:
    assert commit_request(SALT, b"x") == sha256(b"craton receipt request v1\n" + SALT + b"x").digest()
    assert commit_response(SALT, b"x") == sha256(b"craton receipt response v1\n" + SALT + b"x").digest()
    stream = StreamCommitment(SALT)
    stream.add(b"one")
    stream.add(b"")
    joined = b"\0\0\0\x03one\0\0\0\0"
    assert stream.digest() == sha256(b"craton receipt response stream v1\n" + SALT + joined).digest()
    assert joined == framed(b"one") + framed(b"")


def test_request_and_response_are_verified() -> None:
    RECEIPT.verify_request(SALT, REQUEST)
    RECEIPT.verify_response(SALT, RESPONSE)
    for salt, request, response in (
        (SALT, RESPONSE, REQUEST),
        (bytes(32), REQUEST, RESPONSE),
        (SALT, REQUEST + b" ", RESPONSE + b" "),
        (b"", REQUEST, RESPONSE),
        (SALT + REQUEST[:1], REQUEST[1:], RESPONSE[1:]),
    ):
        with pytest.raises(TlogError):
            RECEIPT.verify_request(salt, request)
        with pytest.raises(TlogError):
            RECEIPT.verify_response(salt, response)


def test_a_stream_is_no_whole_answer_and_its_chunks_have_their_places() -> None:
    stream = StreamCommitment(SALT)
    for chunk in (b"ab", b"c"):
        stream.add(chunk)
    receipt = replace(RECEIPT, operation=INVOKE_STREAM, response_commitment=stream.digest())
    receipt.verify_response(SALT, framed(b"ab") + framed(b"c"))
    for other in (b"abc", framed(b"abc"), framed(b"a") + framed(b"bc")):
        with pytest.raises(TlogError):
            receipt.verify_response(SALT, other)
    whole = framed(b"ab") + framed(b"c")
    with pytest.raises(TlogError):
        replace(receipt, response_commitment=commit_response(SALT, whole)).verify_response(SALT, whole)
