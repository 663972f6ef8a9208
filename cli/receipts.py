"""`craton receipts`."""

import os
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import click
import grpc
from craton.kms.v1 import receipt_key_service_pb2 as pb
from craton.kms.v1.receipt_key_service_pb2_grpc import ReceiptKeyServiceStub

from cli.audit_log import fetch_proof
from cli.output import CommandError, Exit, emit, grpc_errors, json_option
from cli.session import Session
from cli.verifier_keys import VerifierKeyType, key_option, trust_of, witness_option
from deploy.local.stack import Stack
from deploy.pki.store import write_private
from tlog.errors import TlogError
from tlog.note import VerifierKey
from tlog.receipt import time_text
from tlog.receipt_file import CERTIFIER, ReceiptFile, StatementProof

_POLL_S = 0.05
_NOT_YET = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION)
"""What is said of an event that was not shipped yet, and of one that no checkpoint covers yet. Of one that is
gone with its account the second is said as well, so that the service's own words are shown in the end."""
_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_CONTENT = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def receipts() -> None:
    """Complete receipts of models' answers, and verify them.

    \b
    Example:
      craton invoke craton.tiny-chat-v1 "Hello" --receipt hello.json
      craton receipts complete hello.json
    """


@receipts.command()
@json_option
@grpc_errors
def key(as_json: bool) -> None:
    """Print the verifier key of the authority that certifies receipt keys.

    Whoever verifies receipts needs it, and the log's, from somebody they trust, once.

    \b
    Example:
      craton receipts key --json
    """
    session = Session(Stack.here())
    method = ReceiptKeyServiceStub(session.channel("kms")).GetReceiptAuthority
    answer = session.call(method, pb.GetReceiptAuthorityRequest())
    emit({"verifier_key": answer.verifier_key}, as_json=as_json)


@receipts.command()
@_FILE
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Seconds to wait until the log has taken in the answer's event.",
)
@json_option
@grpc_errors
def complete(file: Path, timeout_s: float, as_json: bool) -> None:
    """Add to a receipt the proofs that it stands in the log, and its key as well.

    \b
    Example:
      craton receipts complete hello.json
    """
    began = time.monotonic()
    try:
        found = ReceiptFile.parse(file.read_bytes())
        receipt, certificate = found.stated()
    except TlogError as error:
        raise CommandError(f"{file} is no receipt: {error}.", Exit.REFUSED) from error
    session, deadline = Session(Stack.here()), began + timeout_s
    proof = await_proof(session, receipt.event_id, deadline)
    published = await_proof(session, certificate.event_id, deadline)
    try:
        proof.opened(receipt.digest, certificate.recorder, "the receipt")
        published.opened(certificate.digest, CERTIFIER, "the certificate")
    except TlogError as error:
        raise CommandError(f"The log contradicts {file}: {error}.", Exit.REFUSED) from error
    # It may be the only copy: it is there as before, or complete.
    complete_file = bytes(replace(found, receipt_proof=proof, certificate_proof=published))
    write_private(file, complete_file, os.getuid())
    emit(
        {
            "file": str(file),
            "event_id": str(receipt.event_id),
            "index": proof.proof.index,
            "seconds": round(time.monotonic() - began, 3),
        },
        as_json=as_json,
    )


@receipts.command()
@_FILE
@click.option(
    "--authority",
    type=VerifierKeyType(),
    metavar="KEY",
    help="Verifier key of the authority, as `craton receipts key` prints it.",
)
@key_option
@witness_option
@click.option("--request", "request_file", type=_CONTENT, help="The body that was sent.")
@click.option(
    "--response",
    "response_file",
    type=_CONTENT,
    help="The body that came; of a stream its chunks, each after its length in four bytes.",
)
@click.option(
    "--closed", is_flag=True, help="Accept a file that does not show the answer's event: a weaker proof."
)
@json_option
def verify(
    file: Path,
    authority: VerifierKey | None,
    key: VerifierKey | None,
    witnesses: tuple[VerifierKey, ...],
    request_file: Path | None,
    response_file: Path | None,
    closed: bool,
    as_json: bool,
) -> None:
    """Verify a complete receipt: offline, by nothing but two keys. Prints what it says.

    \b
    Example:
      craton receipts verify hello.json --authority craton.local/receipts+0a1b2c3d+AbCd… \\
        --key craton.local/audit+4e5f6a7b+EfGh… --request hello.json.request --response hello.json.response
    """
    if authority is None:
        raise click.UsageError(
            "--authority is missing: `craton receipts key` prints it; keep it from then on."
        )
    if key is None:
        raise click.UsageError("--key is missing: `craton audit key` prints it; keep it from then on.")
    trust = trust_of(key, witnesses)
    try:
        found = ReceiptFile.parse(file.read_bytes())
        verified = found.verify(authority, trust, closed=closed)
        receipt = verified.receipt
        if request_file is not None:
            receipt.verify_request(_salt(found), request_file.read_bytes())
        if response_file is not None:
            receipt.verify_response(_salt(found), response_file.read_bytes())
    except TlogError as error:
        raise CommandError(f"{file} proves nothing: {error}.", Exit.REFUSED) from error
    emit(
        {
            "operation": receipt.operation,
            "model": receipt.model_id,
            "manifest_sha256": receipt.manifest_sha256,
            "artifact_sha256": receipt.artifact_sha256,
            "input_tokens": receipt.input_tokens,
            "output_tokens": receipt.output_tokens,
            "stop_reason": receipt.stop_reason,
            "account": receipt.account_id,
            "region": receipt.region,
            "time": time_text(receipt.time),
            "request_id": receipt.request_id,
            "event_id": str(receipt.event_id),
            "index": verified.index,
            "size": verified.checkpoint.size,
            "key_event_id": str(verified.certificate.event_id),
            "proved": ["receipt", *_contents(request_file, response_file)],
        },
        as_json=as_json,
    )


def await_proof(session: Session, event_id: UUID, deadline: float) -> StatementProof:
    """Return where an event stands in the log, once it is there. Raises CommandError at the deadline."""
    while True:
        try:
            return StatementProof.of(fetch_proof(session, event_id))
        except grpc.RpcError as error:
            if error.code() not in _NOT_YET:
                raise
            if time.monotonic() >= deadline:
                raise CommandError(
                    f"The log gives no proof of event {event_id}: {error.details()} "
                    "If it is to come, try again, or with a longer --timeout.",
                    Exit.UNAVAILABLE,
                ) from error
        time.sleep(_POLL_S)


def _salt(file: ReceiptFile) -> bytes:
    if not file.salt:
        raise TlogError("it has no salt, without which nobody can say what it is a receipt of")
    return file.salt


def _contents(request_file: Path | None, response_file: Path | None) -> list[str]:
    given = {"request": request_file, "response": response_file}
    return [name for name, path in given.items() if path is not None]
