"""A complete receipt is verified by two keys alone, and nothing of it can be changed."""

import base64
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from craton.audit.v1 import resources_pb2 as pb

from tests.unit.tlog.json_files import read_differently
from tests.unit.tlog.keys import LOG, Signer
from tests.unit.tlog.receipts import (
    AUTHORITY,
    CERTIFICATE,
    FILE,
    HOLDER,
    NOON,
    RECEIPT,
    TRUST,
    complete,
    key_event,
    prove,
    receipt_event,
)
from tlog.checkpoint import Trust
from tlog.errors import TlogError
from tlog.note import SignatureType
from tlog.receipt_file import ReceiptFile
from tlog.recorded_event import RecordedEvent

OTHER = Signer("craton.example/runtime/receipts-2", SignatureType.NOTE)


def dated(moment: datetime) -> ReceiptFile:
    """A file whose receipt was signed at a moment, and whose event was written when it should."""
    receipt = replace(RECEIPT, time=moment)
    event = receipt_event(receipt)
    event.event_time.FromDatetime(NOON)
    return complete(receipt, event=event)


CASES = [
    (complete(holder=OTHER), "not signed by craton.example/runtime/receipts"),
    (complete(authority=OTHER), "not signed by craton.example/receipts"),
    (complete(authority=HOLDER), "not signed by craton.example/receipts"),
    (dated(CERTIFICATE.not_after), "the receipt is not of the hour"),
    (dated(CERTIFICATE.not_before - timedelta(seconds=1)), "the receipt is not of the hour"),
    (
        complete(certificate=replace(CERTIFICATE, workload="spiffe://craton.example/service/edge")),
        "not recorded by edge",
    ),
    (complete(event=receipt_event(event_id=str(CERTIFICATE.event_id))), "another event"),
    (complete(event=receipt_event(statement_sha256=bytes(32))), "names another one"),
    (complete(event=receipt_event(statement_sha256=b"")), "names another one"),
    (complete(event=receipt_event(recorder="edge")), "not recorded by runtime"),
    (complete(event=receipt_event(status_code="CANCELLED")), "succeeded"),
    (complete(event=receipt_event(phase=pb.EVENT_PHASE_INTENT)), "succeeded"),
    (complete(event=receipt_event(account_id="210987654321")), "another account or request"),
    (complete(event=receipt_event(request_id="another-request")), "another account or request"),
    (complete(published=key_event(recorder="runtime")), "not recorded by kms"),
    (complete(published=key_event(statement_sha256=RECEIPT.digest)), "names another one"),
    (complete(published=key_event(status_code="UNKNOWN")), "succeeded"),
    (replace(FILE, receipt_proof=None), "not complete"),
    (replace(FILE, certificate_proof=None), "not complete"),
    (replace(FILE, receipt_proof=FILE.certificate_proof), "another event"),
    (replace(FILE, certificate_proof=FILE.receipt_proof), "another event"),
]
MISFITS = [file for file, _ in CASES]
"""Each of parts that are right by themselves."""


def test_a_file_is_read_again_and_verified() -> None:
    read = ReceiptFile.parse(bytes(FILE))
    assert read == FILE
    verified = read.verify(AUTHORITY.key, TRUST)
    assert (verified.receipt, verified.certificate) == (RECEIPT, CERTIFICATE)
    assert (verified.recorded, verified.index, verified.checkpoint.size) == (NOON, 1, 4)


def test_every_changed_character_is_refused() -> None:
    """Of both notes, both entries and both events: what is sealed is proved as well."""
    members = json.loads(bytes(FILE))

    def refused(changed: dict[str, Any]) -> None:
        with pytest.raises(TlogError):
            ReceiptFile.parse(json.dumps(members | changed).encode()).verify(AUTHORITY.key, TRUST)

    for name in ("receipt", "certificate"):
        text = members[name]
        for at, character in enumerate(text):
            refused({name: text[:at] + ("A" if character != "A" else "B") + text[at + 1 :]})
    for name in ("receipt_proof", "certificate_proof"):
        for part in ("entry", "event", "salt"):
            content = base64.b64decode(members[name][part])
            for at in range(len(content)):
                changed = content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :]
                refused({name: members[name] | {part: base64.b64encode(changed).decode()}})


@pytest.mark.parametrize(("file", "why"), CASES)
def test_what_does_not_belong_together(file: ReceiptFile, why: str) -> None:
    with pytest.raises(TlogError, match=why):
        file.verify(AUTHORITY.key, TRUST)


def test_an_event_after_the_keys_hour_is_refused() -> None:
    """A stolen key cannot be used later: the receipt may lie about the time, and its entry in the log not."""
    late = receipt_event()
    late.event_time.FromDatetime(CERTIFICATE.not_after)
    with pytest.raises(TlogError, match="hour"):
        complete(event=late).verify(AUTHORITY.key, TRUST)


def test_the_event_has_the_id_of_its_entry() -> None:
    [lying] = prove(receipt_event(event_id=str(CERTIFICATE.event_id)), event_id=RECEIPT.event_id)
    with pytest.raises(TlogError, match="another id than its entry"):
        replace(FILE, receipt_proof=lying).verify(AUTHORITY.key, TRUST)


def test_other_keys_verify_nothing() -> None:
    with pytest.raises(TlogError):
        FILE.verify(OTHER.key, TRUST)
    with pytest.raises(TlogError):
        FILE.verify(AUTHORITY.key, Trust(Signer(LOG.key.name + "2", SignatureType.NOTE).key))


def test_a_closed_event_proves_less_and_must_be_asked_for() -> None:
    assert FILE.receipt_proof is not None
    closed = replace(FILE, salt=b"", receipt_proof=FILE.receipt_proof.closed())
    read = ReceiptFile.parse(bytes(closed))
    assert read == closed
    assert b'"salt"' not in bytes(replace(closed, certificate_proof=None))
    with pytest.raises(TlogError, match="not shown"):
        read.verify(AUTHORITY.key, TRUST)
    assert read.verify(AUTHORITY.key, TRUST, closed=True).receipt == RECEIPT
    # An event that is shown is looked at all the same.
    with pytest.raises(TlogError, match="names another one"):
        complete(event=receipt_event(statement_sha256=b"")).verify(AUTHORITY.key, TRUST, closed=True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b" " * 2_000_000,
        bytes(FILE).replace(b'"certificate"', b'"certificates"'),
        bytes(FILE).replace(b'"salt": "c3', b'"salt": 7, "x": "c3', 1),
        bytes(FILE).replace(b"{", b'{"receipt": "",', 1),
        json.dumps(json.loads(bytes(FILE)) | {"salt": "AAAA"}).encode(),
        json.dumps(json.loads(bytes(FILE)) | {"receipt_proof": {"entry": ""}}).encode(),
        json.dumps(json.loads(bytes(FILE)) | {"receipt_proof": {"entry": 1, "proof": ""}}).encode(),
        b"\xff\xfe",
    ],
)
def test_what_is_no_file(content: bytes) -> None:
    with pytest.raises(TlogError):
        ReceiptFile.parse(content)


@pytest.mark.parametrize("content", read_differently(bytes(FILE)))
def test_what_other_readers_would_read_differently_is_no_file(content: bytes) -> None:
    with pytest.raises(TlogError):
        ReceiptFile.parse(content)


def test_events_are_read_as_protobuf_reads_them() -> None:
    event = receipt_event(duration_us=2**40, read_only=True)
    event.session_context.source_identity = "somebody"
    read = RecordedEvent.parse(event.SerializeToString())
    assert (read.event_id, read.request_id, read.recorder) == (event.event_id, event.request_id, "runtime")
    assert (read.status, read.account_id, read.phase) == ("OK", event.account_id, event.phase)
    assert read.statement_sha256 == event.statement_sha256
    assert RecordedEvent.parse(b"").phase == 0


@pytest.mark.parametrize(
    "event",
    [
        # A field that counts twice: other readers would take the last one.
        receipt_event().SerializeToString() + pb.Event(statement_sha256=b"x").SerializeToString(),
        receipt_event().SerializeToString() + pb.Event(status_code="OK").SerializeToString(),
        receipt_event().SerializeToString()[:-1],
        b"\x0a",
        b"\x0a\x05abc",
        b"\x0a\x01\xff",
        b"\x08\x01",
        b"\x22\x01x",
        # Eight bytes, and four, that are numbers to other readers and no request id.
        b"\x19request1",
        b"\x6dOKOK",
        b"\x0b",
        b"\x80" * 11,
    ],
)
def test_what_is_no_event(event: bytes) -> None:
    with pytest.raises(TlogError):
        RecordedEvent.parse(event)
