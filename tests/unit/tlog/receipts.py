"""A complete receipt in a small log, made with keys of tests. Events are real messages."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from craton.audit.v1 import resources_pb2 as pb

from tests.unit.tlog.keys import LOG, Signer
from tests.unit.tlog.trees import path, tree_hash
from tlog.checkpoint import Checkpoint, Trust
from tlog.inclusion import InclusionProof
from tlog.leaf import LeafHeader, commit
from tlog.note import Note, SignatureType
from tlog.receipt import INVOKE, Receipt, commit_request, commit_response
from tlog.receipt_file import ReceiptFile, StatementProof
from tlog.receipt_key import ReceiptKey

AUTHORITY = Signer("craton.example/receipts", SignatureType.NOTE)
HOLDER = Signer("craton.example/runtime/receipts", SignatureType.NOTE)
TRUST = Trust(LOG.key)
SALT, REQUEST, RESPONSE = b"s" * 32, b'{"inputText": "Hello"}', b'{"results": []}'
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

RECEIPT = Receipt(
    event_id=UUID("0f6c2f6e-1d2a-4b7e-9c3d-5a6b7c8d9e0f"),
    request_id="7c1e5d3a-0000-4000-8000-1234567890ab",
    time=NOON,
    account_id="123456789012",
    region="us-east-1",
    operation=INVOKE,
    model_id="craton.tiny-text-v1",
    manifest_sha256="ab" * 32,
    artifact_sha256="cd" * 32,
    request_commitment=commit_request(SALT, REQUEST),
    response_commitment=commit_response(SALT, RESPONSE),
    input_tokens=12,
    output_tokens=40,
    stop_reason="max_tokens",
)
CERTIFICATE = ReceiptKey(
    event_id=UUID("11111111-2222-4333-8444-555555555555"),
    key=HOLDER.key,
    workload="spiffe://craton.example/service/runtime",
    not_before=NOON - timedelta(minutes=10),
    not_after=NOON + timedelta(minutes=50),
)


def receipt_event(receipt: Receipt = RECEIPT, **changes: object) -> pb.Event:
    """The event of the answer, as runtime records it."""
    event = pb.Event(
        event_id=str(receipt.event_id),
        request_id=receipt.request_id,
        phase=pb.EVENT_PHASE_OUTCOME,
        recorder="runtime",
        event_source="bedrock.amazonaws.com",
        event_name="InvokeModel",
        resources=["arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"],
        status_code="OK",
        count=1,
        account_id=receipt.account_id,
        statement_sha256=receipt.digest,
    )
    event.usage.input_tokens = 12
    event.event_time.FromDatetime(receipt.time)
    for name, value in changes.items():
        setattr(event, name, value)
    return event


def key_event(certificate: ReceiptKey = CERTIFICATE, **changes: object) -> pb.Event:
    """The event of the certification, as kms records it."""
    event = pb.Event(
        event_id=str(certificate.event_id),
        phase=pb.EVENT_PHASE_OUTCOME,
        recorder="kms",
        event_name="CertifyReceiptKey",
        status_code="OK",
        statement_sha256=certificate.digest,
    )
    event.event_time.FromDatetime(certificate.not_before)
    for name, value in changes.items():
        setattr(event, name, value)
    return event


def signed(text: str, signer: Signer) -> Note:
    """The note of a text."""
    return signer.sign(Note(text, ()))


def prove(*events: pb.Event, event_id: UUID | None = None) -> list[StatementProof]:
    """Put events into a log between others, and return their proofs; entries may have another id."""
    opened = []
    for event in events:
        content, salt = event.SerializeToString(), b"t" * 32
        header = LeafHeader(
            (event_id or UUID(event.event_id)).bytes,
            event.event_time.ToMicroseconds(),
            b"k" * 16,
            commit(content, salt),
        )
        opened.append((bytes(header) + bytes(12 + 32 + len(content) + 16), content, salt))
    entries = [b"another", *(entry for entry, _, _ in opened), b"a third"]
    note = signed(Checkpoint(LOG.key.name, len(entries), tree_hash(entries)).text, LOG)
    return [
        StatementProof(entry, InclusionProof(index, tuple(path(index, entries)), note), content, salt)
        for index, (entry, content, salt) in enumerate(opened, start=1)
    ]


def complete(
    receipt: Receipt = RECEIPT,
    certificate: ReceiptKey = CERTIFICATE,
    *,
    event: pb.Event | None = None,
    published: pb.Event | None = None,
    holder: Signer = HOLDER,
    authority: Signer = AUTHORITY,
) -> ReceiptFile:
    """A complete file; what is given takes the place of what would be right."""
    proofs = prove(event or receipt_event(receipt), published or key_event(certificate))
    return ReceiptFile(signed(receipt.text, holder), signed(certificate.text, authority), SALT, *proofs)


FILE = complete()
