"""A receipt with all that proves it, in one file that is verified offline.

JSON: `receipt` and `certificate`, the signed notes as they came with the answer; perhaps `salt`, the client's
own, in base64; and, once the file is complete, `receipt_proof` and `certificate_proof`, each with the members
of an event's proof. Whoever shows a receipt to others may leave out `salt`, and `event` and `salt` of the
receipt's proof.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tlog import strict_json
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.event_proof import EventProof
from tlog.inclusion import InclusionProof
from tlog.leaf import LeafHeader, verify_event
from tlog.leaf import parse as parse_entry
from tlog.note import Note, VerifierKey, decode_base64
from tlog.receipt import SALT_BYTES, Receipt
from tlog.receipt_key import ReceiptKey
from tlog.recorded_event import OUTCOME, RecordedEvent
from tlog.statement import signed_text

CERTIFIER = "kms"
"""The name under which the service that certifies receipt keys stands in the log."""
_REQUIRED = {"receipt": str, "certificate": str}
_OPTIONAL = {"salt": str, "receipt_proof": dict, "certificate_proof": dict}
_CLOSED = ("entry", "proof")
_OPENED = ("entry", "event", "salt", "proof")


@dataclass(frozen=True, slots=True)
class StatementProof:
    """Where a statement stands in the log: an entry, its proof, and perhaps the event that it is of."""

    entry: bytes
    proof: InclusionProof
    event: bytes | None = field(default=None, repr=False)
    salt: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, proof: EventProof) -> "StatementProof":
        """Take all of an event's proof."""
        return cls(proof.entry, proof.proof, proof.event, proof.salt)

    @classmethod
    def parse(cls, members: Mapping[str, Any]) -> "StatementProof":
        """Read decoded JSON. Raises TlogError."""
        if set(members) not in (set(_CLOSED), set(_OPENED)):
            raise TlogError(f"the members {', '.join(_OPENED)} of a proof are expected, and no others")
        if not all(isinstance(value, str) for value in members.values()):
            raise TlogError("a member of a proof is not a string")
        proof = InclusionProof.parse(members["proof"].encode())
        entry = decode_base64(members["entry"])
        if "event" not in members:
            return cls(entry, proof)
        return cls(entry, proof, decode_base64(members["event"]), decode_base64(members["salt"]))

    def members(self) -> dict[str, str]:
        """Return what `parse` reads."""
        written = {"entry": base64.b64encode(self.entry).decode()}
        if self.event is not None:
            written["event"] = base64.b64encode(self.event).decode()
            written["salt"] = base64.b64encode(self.salt).decode()
        return written | {"proof": bytes(self.proof).decode()}

    def closed(self) -> "StatementProof":
        """Return it without the event, for those who shall not read that."""
        return StatementProof(self.entry, self.proof)

    def verify(self, event_id: UUID, trust: Trust, what: str) -> tuple[LeafHeader, Checkpoint]:
        """Verify that an entry of this event id is in the log. Raises TlogError."""
        header = parse_entry(self.entry)
        if header.event_id != event_id.bytes:
            raise TlogError(f"the proof is of another event than that of {what}")
        return header, self.proof.verify(self.entry, trust)

    def opened(self, digest: bytes, recorder: str, what: str) -> RecordedEvent:
        """Verify that the event is opened, and names the statement with this digest. Raises TlogError."""
        if self.event is None:
            raise TlogError(f"the event of {what} is not shown, so that nothing says that it names it")
        header = verify_event(self.entry, self.event, self.salt)
        event = RecordedEvent.parse(self.event)
        if event.event_id != str(UUID(bytes=header.event_id)):
            raise TlogError(f"the event of {what} has another id than its entry")
        if event.phase != OUTCOME or event.status != "OK":
            raise TlogError(f"the event of {what} is not of a call that succeeded")
        if event.recorder != recorder:
            raise TlogError(f"the event of {what} was not recorded by {recorder}")
        if event.statement_sha256 != digest:
            raise TlogError(f"the event of {what} names another one")
        return event


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """What a complete file has shown."""

    receipt: Receipt
    certificate: ReceiptKey
    recorded: datetime
    """When the event of the answer was written."""
    index: int
    """Of that event in the log."""
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """A receipt, the certificate of its key, and where both stand in the log once that is known."""

    receipt: Note
    certificate: Note
    salt: bytes = field(default=b"", repr=False)
    receipt_proof: StatementProof | None = None
    certificate_proof: StatementProof | None = None

    @classmethod
    def parse(cls, content: bytes) -> "ReceiptFile":
        """Read a file. Raises TlogError."""
        members = strict_json.parse(content)
        kinds = _REQUIRED | _OPTIONAL
        if not isinstance(members, dict) or not _REQUIRED.keys() <= members.keys() <= kinds.keys():
            raise TlogError(f"the members {', '.join(kinds)} are expected, and no others")
        if not all(isinstance(value, kinds[name]) for name, value in members.items()):
            raise TlogError("a member is of another type than it should be")
        receipt, certificate = (Note.parse(members[name].encode()) for name in ("receipt", "certificate"))
        salt = decode_base64(members.get("salt", ""))
        if salt and len(salt) != SALT_BYTES:
            raise TlogError(f"a salt has {SALT_BYTES} bytes")
        proofs = [
            StatementProof.parse(members[name]) if name in members else None
            for name in ("receipt_proof", "certificate_proof")
        ]
        return cls(receipt, certificate, salt, *proofs)

    def __bytes__(self) -> bytes:
        """Return the file."""
        members: dict[str, Any] = {
            "receipt": bytes(self.receipt).decode(),
            "certificate": bytes(self.certificate).decode(),
        }
        if self.salt:
            members["salt"] = base64.b64encode(self.salt).decode()
        for name, proof in (
            ("receipt_proof", self.receipt_proof),
            ("certificate_proof", self.certificate_proof),
        ):
            if proof is not None:
                members[name] = proof.members()
        return json.dumps(members, indent=2, ensure_ascii=False).encode() + b"\n"

    def stated(self) -> tuple[Receipt, ReceiptKey]:
        """Return what receipt and certificate say. Nothing of it is verified. Raises TlogError."""
        return Receipt.parse(self.receipt.text), ReceiptKey.parse(self.certificate.text)

    def verify_signatures(self, authority: VerifierKey) -> tuple[Receipt, ReceiptKey]:
        """Verify the certificate by the key of whoever certifies, and the receipt by the certificate.

        Says nothing of the log. Raises TlogError.
        """
        certificate = ReceiptKey.parse(signed_text(self.certificate, authority, "the certificate"))
        receipt = Receipt.parse(signed_text(self.receipt, certificate.key, "the receipt"))
        certificate.verify_time(receipt.time, "the receipt")
        return receipt, certificate

    def verify(self, authority: VerifierKey, trust: Trust, *, closed: bool = False) -> VerifiedReceipt:
        """Verify all of a complete file. Raises TlogError.

        With `closed` the answer's event need not be shown: it is then proved that an event of the receipt's
        id is in the log, and not that it names the receipt.
        """
        receipt, certificate = self.verify_signatures(authority)
        if self.receipt_proof is None or self.certificate_proof is None:
            raise TlogError("the file is not complete: it does not say where in the log the receipt stands")
        self.certificate_proof.verify(certificate.event_id, trust, "the certificate")
        self.certificate_proof.opened(certificate.digest, CERTIFIER, "the certificate")
        header, checkpoint = self.receipt_proof.verify(receipt.event_id, trust, "the receipt")
        recorded = _time(header)
        certificate.verify_time(recorded, "the receipt's event")
        if not (closed and self.receipt_proof.event is None):
            event = self.receipt_proof.opened(receipt.digest, certificate.recorder, "the receipt")
            if (event.account_id, event.request_id) != (receipt.account_id, receipt.request_id):
                raise TlogError("the event of the receipt is of another account or request")
        return VerifiedReceipt(receipt, certificate, recorded, self.receipt_proof.proof.index, checkpoint)


def _time(header: LeafHeader) -> datetime:
    try:
        return datetime.fromtimestamp(header.time_us / 1e6, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise TlogError("an entry has a time that is none") from error
