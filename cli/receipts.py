"""`craton receipts`."""

import os
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import click
from craton.kms.v1 import receipt_key_service_pb2 as pb
from craton.kms.v1.receipt_key_service_pb2_grpc import ReceiptKeyServiceStub

from cli.log_client import NoProofError, log_client, profile_option
from cli.output import CommandError, Exit, emit, grpc_errors, json_option
from cli.pinned_log import CheckedLog, PinnedLog, keys_option, trust_of_options
from cli.session import Session
from cli.verifier_keys import VerifierKeyType, key_option, witness_option
from deploy.local.stack import Stack
from deploy.pki.store import write_private
from tlog.errors import TlogError
from tlog.note import VerifierKey
from tlog.receipt import time_text
from tlog.receipt_file import CERTIFIER, ReceiptFile, StatementProof

_POLL_S = 0.05
_AS_PROFILE_POLL_S = 0.2
"""A customer's question is recorded by edge and by audit, and asked again over HTTPS."""
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
@profile_option
@json_option
@grpc_errors
def key(as_profile: bool, as_json: bool) -> None:
    """Print the verifier key of the authority that certifies receipt keys.

    Whoever verifies receipts needs it, and the log's, from somebody they trust, once.

    \b
    Example:
      craton receipts key --json
    """
    if as_profile:
        # botocore takes longer to import than the operator waits for an answer.
        from cli.customer_log import receipt_authority

        found = receipt_authority(Stack.here())
    else:
        found = _authority()
    emit({"verifier_key": found}, as_json=as_json)


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
@keys_option()
@profile_option
@json_option
@grpc_errors
def complete(file: Path, timeout_s: float, pinned: PinnedLog | None, as_profile: bool, as_json: bool) -> None:
    """Add to a receipt the proofs that it stands in the log, and its key as well.

    With --keys they are verified before they are written, and the log must continue what you saw of it.

    \b
    Example:
      craton receipts complete hello.json
      craton receipts complete hello.json --as-profile --keys log.json
    """
    began = time.monotonic()
    try:
        found = ReceiptFile.parse(file.read_bytes())
        receipt, certificate = found.stated()
    except TlogError as error:
        raise CommandError(f"{file} is no receipt: {error}.", Exit.REFUSED) from error
    log, deadline = CheckedLog(log_client(Stack.here(), as_profile=as_profile), pinned), began + timeout_s
    poll_s = _AS_PROFILE_POLL_S if as_profile else _POLL_S
    proof = await_proof(log, receipt.event_id, deadline, poll_s)
    published = await_proof(log, certificate.event_id, deadline, poll_s)
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
@keys_option()
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
    pinned: PinnedLog | None,
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
    trust = trust_of_options(key, witnesses, pinned)
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
    if pinned is not None:
        pinned.compare(verified.checkpoint)
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


def await_proof(log: CheckedLog, event_id: UUID, deadline: float, poll_s: float) -> StatementProof:
    """Return where an event stands in the log, once it is there. Raises CommandError at the deadline."""
    while True:
        try:
            return StatementProof.of(log.event(event_id))
        except NoProofError as error:
            if time.monotonic() >= deadline:
                raise CommandError(
                    f"The log gives no proof of event {event_id}: {error.message} "
                    "If it is to come, try again, or with a longer --timeout.",
                    Exit.UNAVAILABLE,
                ) from error
        time.sleep(poll_s)


def _authority() -> str:
    session = Session(Stack.here())
    method = ReceiptKeyServiceStub(session.channel("kms")).GetReceiptAuthority
    return str(session.call(method, pb.GetReceiptAuthorityRequest()).verifier_key)


def _salt(file: ReceiptFile) -> bytes:
    if not file.salt:
        raise TlogError("it has no salt, without which nobody can say what it is a receipt of")
    return file.salt


def _contents(request_file: Path | None, response_file: Path | None) -> list[str]:
    given = {"request": request_file, "response": response_file}
    return [name for name, path in given.items() if path is not None]
