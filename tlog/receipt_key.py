"""Certificates of receipt keys: whose key it is, and in which hour it signs."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tlog.errors import TlogError
from tlog.note import SignatureType, VerifierKey
from tlog.receipt import TIME_FORM, UUID_FORM, parse_time, time_text
from tlog.statement import digest, read, render

KIND = "craton receipt key v1"
_FORMS = {
    "event": UUID_FORM,
    "key": re.compile(r"[^\s+]{1,256}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}"),
    "workload": re.compile(r"spiffe://[a-z0-9.-]{1,255}/service/[a-z0-9-]{1,64}"),
    "not-before": TIME_FORM,
    "not-after": TIME_FORM,
}


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """What kms says of a key that signs receipts."""

    event_id: UUID
    """Of the event of its certification, which carries the certificate's digest."""
    key: VerifierKey
    workload: str
    """Who holds the key, a SPIFFE id."""
    not_before: datetime
    """The first second in which it signs, UTC."""
    not_after: datetime
    """The first second in which it does not any more."""

    @property
    def text(self) -> str:
        """The text that is signed. Raises TlogError."""
        text = render(
            KIND,
            (
                ("event", str(self.event_id)),
                ("key", str(self.key)),
                ("workload", self.workload),
                ("not-before", time_text(self.not_before)),
                ("not-after", time_text(self.not_after)),
            ),
        )
        read(text, KIND, _FORMS)
        return text

    @property
    def digest(self) -> bytes:
        """What the event carries of it."""
        return digest(self.text)

    @property
    def recorder(self) -> str:
        """The name under which the events of its holder stand in the log."""
        return self.workload.rpartition("/")[2]

    @classmethod
    def parse(cls, text: str) -> "ReceiptKey":
        """Read a text. Raises TlogError."""
        values = read(text, KIND, _FORMS)
        key = VerifierKey.parse(values["key"])
        if key.type is not SignatureType.NOTE:
            raise TlogError("a receipt key signs notes")
        return cls(
            event_id=UUID(values["event"]),
            key=key,
            workload=values["workload"],
            not_before=parse_time(values["not-before"]),
            not_after=parse_time(values["not-after"]),
        )

    def verify_time(self, moment: datetime, what: str) -> None:
        """Verify that the key signed at a moment. Raises TlogError."""
        if not self.not_before <= moment < self.not_after:
            raise TlogError(f"{what} is not of the hour in which its key signs")
