"""A receipt that is asked for together with an answer."""

import base64
import os
import secrets
from pathlib import Path
from typing import Any

from cli.output import CommandError, Exit
from deploy.pki.store import write_private
from tlog.errors import TlogError
from tlog.note import Note, decode_base64
from tlog.receipt import SALT_BYTES, framed
from tlog.receipt_file import ReceiptFile

HEADER = "x-craton-receipt"
CERTIFICATE_HEADER = "x-craton-receipt-certificate"


class AskedReceipt:
    """Asks for receipts of a client's invocations, and gathers what one commits to."""

    def __init__(self, runtime: Any) -> None:
        """Add the header to what `runtime`, a client of bedrock-runtime, invokes."""
        self._salt = secrets.token_bytes(SALT_BYTES)
        self._request = b""
        self._response = b""
        self._file: ReceiptFile | None = None
        for operation in ("InvokeModel", "InvokeModelWithResponseStream"):
            runtime.meta.events.register(f"before-call.bedrock-runtime.{operation}", self._ask)

    def _ask(self, params: dict[str, Any], **_: Any) -> None:
        params["headers"][HEADER] = base64.b64encode(self._salt).decode()
        body = params["body"]
        self._request = body if isinstance(body, bytes) else body.encode()

    def seen(self, chunk: bytes) -> None:
        """Take the next chunk of a stream."""
        self._response += framed(chunk)

    def of_answer(self, metadata: dict[str, Any], body: bytes) -> "AskedReceipt":
        """Take the receipt out of the headers of a whole answer. Raises CommandError."""
        headers = metadata["HTTPHeaders"]
        self._response = body
        if HEADER not in headers or CERTIFICATE_HEADER not in headers:
            raise CommandError("The answer came without a receipt.", Exit.REFUSED)
        try:
            notes = [decode_base64(headers[name]) for name in (HEADER, CERTIFICATE_HEADER)]
        except TlogError as error:
            raise _misfit(error) from error
        return self._take(*notes)

    def of_stream(self, answer: dict[str, str]) -> "AskedReceipt":
        """Take the receipt out of GetReceipt's answer. Raises CommandError."""
        return self._take(answer["receipt"].encode(), answer["certificate"].encode())

    def _take(self, receipt: bytes, certificate: bytes) -> "AskedReceipt":
        """Check against what was sent and received, so that nobody keeps what proves nothing."""
        try:
            file = ReceiptFile(Note.parse(receipt), Note.parse(certificate), self._salt)
            stated, _ = file.stated()
            stated.verify_request(self._salt, self._request)
            stated.verify_response(self._salt, self._response)
        except TlogError as error:
            raise _misfit(error) from error
        self._file = file
        return self

    def write(self, target: Path) -> None:
        """Write the receipt, and beside it request and response as it commits to them, for their owner."""
        for path, content in (
            (target, bytes(self._file) if self._file is not None else b""),
            (target.with_name(f"{target.name}.request"), self._request),
            (target.with_name(f"{target.name}.response"), self._response),
        ):
            write_private(path, content, os.getuid())


def _misfit(error: TlogError) -> CommandError:
    return CommandError(f"The receipt does not fit its answer: {error}.", Exit.REFUSED)
