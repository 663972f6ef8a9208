"""Receipts: what runtime says of an answer, and how it commits to what went in and came out.

docs/receipts.md has the format for readers in other languages.
"""

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from tlog.errors import TlogError
from tlog.note import decode_base64
from tlog.statement import digest, one_of, read, render

KIND = "craton receipt v1"
SALT_BYTES = 32
INVOKE = "InvokeModel"
INVOKE_STREAM = "InvokeModelWithResponseStream"
NONE = "-"
"""Stands where there is nothing to say."""

_REQUEST = b"craton receipt request v1\n"
_RESPONSE = b"craton receipt response v1\n"
_STREAM = b"craton receipt response stream v1\n"
_LENGTH_BYTES = 4

UUID_FORM = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HASH = re.compile(r"[A-Za-z0-9+/]{43}=")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")
_FORMS = {
    "event": UUID_FORM,
    "request": re.compile(r"[A-Za-z0-9-]{8,64}"),
    "time": TIME_FORM,
    "account": re.compile(r"[0-9]{12}"),
    "region": re.compile(r"[a-z0-9-]{1,64}"),
    "operation": one_of((INVOKE, INVOKE_STREAM)),
    "model": re.compile(r"[!-~]{1,256}"),
    "manifest": _SHA256,
    "artifact": re.compile(f"{_SHA256.pattern}|{NONE}"),
    "request-commitment": _HASH,
    "response-commitment": _HASH,
    "input-tokens": _NUMBER,
    "output-tokens": _NUMBER,
    "stop-reason": re.compile(f"[a-z_]{{1,64}}|{NONE}"),
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is said of one answer."""

    event_id: UUID
    """Of the outcome's event, which carries the digest of the receipt."""
    request_id: str
    time: datetime
    """When it was signed, UTC, whole seconds."""
    account_id: str
    region: str
    operation: str
    """INVOKE or INVOKE_STREAM: of a stream the response is committed to in another way."""
    model_id: str
    manifest_sha256: str
    """Of the signed manifest's file, hex."""
    artifact_sha256: str
    """Of the weights, as the manifest has it; NONE for a model without weights."""
    request_commitment: bytes
    response_commitment: bytes
    input_tokens: int
    output_tokens: int
    stop_reason: str
    """Why the generation ended; NONE for models that do not generate."""

    @property
    def text(self) -> str:
        """The text that is signed. Raises TlogError for a value that no receipt can have."""
        text = render(
            KIND,
            (
                ("event", str(self.event_id)),
                ("request", self.request_id),
                ("time", time_text(self.time)),
                ("account", self.account_id),
                ("region", self.region),
                ("operation", self.operation),
                ("model", self.model_id),
                ("manifest", self.manifest_sha256),
                ("artifact", self.artifact_sha256),
                ("request-commitment", base64.b64encode(self.request_commitment).decode()),
                ("response-commitment", base64.b64encode(self.response_commitment).decode()),
                ("input-tokens", str(self.input_tokens)),
                ("output-tokens", str(self.output_tokens)),
                ("stop-reason", self.stop_reason),
            ),
        )
        # What is signed here is what others will read.
        read(text, KIND, _FORMS)
        return text

    @property
    def digest(self) -> bytes:
        """What the event carries of it."""
        return digest(self.text)

    @classmethod
    def parse(cls, text: str) -> "Receipt":
        """Read a text. Raises TlogError."""
        values = read(text, KIND, _FORMS)
        return cls(
            event_id=UUID(values["event"]),
            request_id=values["request"],
            time=parse_time(values["time"]),
            account_id=values["account"],
            region=values["region"],
            operation=values["operation"],
            model_id=values["model"],
            manifest_sha256=values["manifest"],
            artifact_sha256=values["artifact"],
            request_commitment=decode_base64(values["request-commitment"]),
            response_commitment=decode_base64(values["response-commitment"]),
            input_tokens=int(values["input-tokens"]),
            output_tokens=int(values["output-tokens"]),
            stop_reason=values["stop-reason"],
        )

    def verify_request(self, salt: bytes, body: bytes) -> None:
        """Verify that this was the body of the request. Raises TlogError."""
        if commit_request(salt, body) != self.request_commitment:
            raise TlogError("the receipt is of another request, or the salt is another")

    def verify_response(self, salt: bytes, content: bytes) -> None:
        """Verify that this was the answer: its body, or of a stream its chunks as `framed` joins them.

        Raises TlogError.
        """
        purpose = _STREAM if self.operation == INVOKE_STREAM else _RESPONSE
        if sha256(purpose + _checked(salt) + content).digest() != self.response_commitment:
            raise TlogError("the receipt is of another response, or the salt is another")


class StreamCommitment:
    """Commits to the chunks of a stream as they come."""

    def __init__(self, salt: bytes) -> None:
        """Begin with a salt. Raises TlogError."""
        self._hash = sha256(_STREAM + _checked(salt))

    def add(self, chunk: bytes) -> None:
        """Add the next chunk, as the client sees it."""
        self._hash.update(framed(chunk))

    def digest(self) -> bytes:
        """Return the commitment to what was added."""
        return self._hash.digest()


def framed(chunk: bytes) -> bytes:
    """Return a chunk after its length in four bytes, big-endian: no two streams are joined to the same."""
    return len(chunk).to_bytes(_LENGTH_BYTES, "big") + chunk


def commit_request(salt: bytes, body: bytes) -> bytes:
    """Return the commitment to the body of a request. Raises TlogError for another salt than 32 bytes."""
    return sha256(_REQUEST + _checked(salt) + body).digest()


def commit_response(salt: bytes, body: bytes) -> bytes:
    """Return the commitment to the body of a whole answer. Raises TlogError."""
    return sha256(_RESPONSE + _checked(salt) + body).digest()


def time_text(moment: datetime) -> str:
    """Return the second of a moment, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """Read a second. Raises TlogError."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise TlogError("not a time") from error


def _checked(salt: bytes) -> bytes:
    # A longer one could swallow the beginning of what is committed to.
    if len(salt) != SALT_BYTES:
        raise TlogError(f"a salt has {SALT_BYTES} bytes")
    return salt
