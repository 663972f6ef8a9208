"""`craton audit key`, `prove`, `verify` and `fsck`: the audit log as something that can be checked."""

import asyncio
from pathlib import Path
from uuid import UUID

import click
import grpc
from craton.audit.v1 import log_service_pb2 as pb
from craton.audit.v1 import resources_pb2
from craton.audit.v1.log_service_pb2_grpc import LogServiceStub

from cli.output import CommandError, Exit, as_dict, console, emit, grpc_errors, json_option
from cli.parameters import OutputFile, output_file
from cli.progress import step
from cli.session import Session
from cli.verifier_keys import key_option, service_key, trust_of, witness_option
from deploy.local.stack import Stack
from tlog import fsck as log_check
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.event_proof import EventProof
from tlog.inclusion import InclusionProof
from tlog.note import Note, VerifierKey


@click.command()
@json_option
@grpc_errors
def key(as_json: bool) -> None:
    """Print the verifier keys of the log and of its witnesses, and the log's newest size and root.

    Whoever verifies the log needs these keys from somebody they trust, once.

    \b
    Example:
      craton audit key --json
    """
    answer = _checkpoint(Session(Stack.here()))
    trust = Trust(service_key(answer.verifier_key))
    checkpoint = _verified(trust, answer.checkpoint)
    witnesses = list(answer.witness_keys)
    emit(
        {
            "verifier_key": answer.verifier_key,
            "witness_keys": witnesses if as_json else " ".join(witnesses),
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
        },
        as_json=as_json,
    )


@click.command()
@click.argument("event_id", type=click.UUID)
@click.option("--output", "-o", type=OutputFile(), help="Default: EVENT_ID.json.")
@json_option
@grpc_errors
def prove(event_id: UUID, output: Path | None, as_json: bool) -> None:
    """Write an event with all that proves it into a file, which `verify` needs nothing else for.

    \b
    Example:
      craton audit prove 0f6c2f6e-1d2a-4b7e-9c3d-5a6b7c8d9e0f -o event.json
    """
    target = output or output_file(f"{event_id}.json")
    proof = fetch_proof(Session(Stack.here()), event_id)
    target.write_bytes(bytes(proof))
    emit({"file": str(target), "index": proof.proof.index}, as_json=as_json)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@key_option
@witness_option
@json_option
def verify(file: Path, key: VerifierKey | None, witnesses: tuple[VerifierKey, ...], as_json: bool) -> None:
    """Verify a file that `prove` wrote: offline, by nothing but the log's key. Prints the event.

    \b
    Example:
      craton audit verify event.json --key craton.local/audit+0a1b2c3d+AbCd…
    """
    if key is None:
        raise click.UsageError("--key is missing: `craton audit key` prints it; keep it from then on.")
    trust = trust_of(key, witnesses)
    try:
        proof = EventProof.parse(file.read_bytes())
        proved = proof.verify(trust)
    except TlogError as error:
        raise CommandError(f"{file} proves nothing: {error}.", Exit.REFUSED) from error
    event = as_dict(resources_pb2.Event.FromString(proof.event))
    if not as_json:
        console.print(
            f"Entry {proved.index} of {proved.checkpoint.origin}, in the tree of {proved.checkpoint.size}:"
        )
        emit({name: value for name, value in event.items() if value}, as_json=False)
        return
    emit(
        {"index": proved.index, "size": proved.checkpoint.size, "event": event},
        as_json=True,
    )


@click.command()
@key_option
@witness_option
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Check a copy of the log's files instead of the running stack's.",
)
@json_option
@grpc_errors
def fsck(
    key: VerifierKey | None, witnesses: tuple[VerifierKey, ...], folder: Path | None, as_json: bool
) -> None:
    """Check the whole log: every entry and tile, up to the newest checkpoint.

    Without --key the log's own word is taken for its key: then it shows that the log is whole, and not
    whose it is.

    \b
    Example:
      craton audit fsck --key craton.local/audit+0a1b2c3d+AbCd…
    """
    read, believed = _of_stack(key) if folder is None else _of_folder(folder, key)
    trust = trust_of(believed, witnesses)
    try:
        if as_json:
            done = asyncio.run(log_check.check(read, trust))
        else:
            with step("checking the log") as update:
                done = asyncio.run(
                    log_check.check(read, trust, lambda count, size: update(f"{count:,} of {size:,} entries"))
                )
    except TlogError as error:
        raise CommandError(f"The log is damaged: {error}.", Exit.REFUSED) from error
    found = done.checkpoint
    emit(
        {"entries": found.size, "files": done.files, "root": found.root.hex(), "log": found.origin},
        as_json=as_json,
    )


def fetch_proof(session: Session, event_id: UUID) -> EventProof:
    """Ask for the proof of an event. Raises CommandError, and grpc.RpcError for a refusal."""
    request = pb.GetEventProofRequest(event_id=str(event_id))
    answer = session.call(LogServiceStub(session.channel("audit")).GetEventProof, request)
    try:
        return EventProof(answer.entry, answer.event, answer.salt, InclusionProof.parse(answer.proof))
    except TlogError as error:
        raise CommandError(f"The service's answer proves nothing: {error}.", Exit.REFUSED) from error


def _of_folder(folder: Path, key: VerifierKey | None) -> tuple[log_check.Read, VerifierKey]:
    if key is None:
        raise click.UsageError("--key is missing: a folder does not say whose log it holds.")

    async def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    return read, key


def _of_stack(key: VerifierKey | None) -> tuple[log_check.Read, VerifierKey]:
    session = Session(Stack.here())
    method = LogServiceStub(session.channel("audit")).GetLogFile

    async def read(path: str) -> bytes | None:
        try:
            content: bytes = session.call(method, pb.GetLogFileRequest(path=path)).content
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return None
            raise
        return content

    return read, key or service_key(_checkpoint(session).verifier_key)


def _checkpoint(session: Session) -> pb.GetCheckpointResponse:
    method = LogServiceStub(session.channel("audit")).GetCheckpoint
    answer: pb.GetCheckpointResponse = session.call(method, pb.GetCheckpointRequest())
    return answer


def _verified(trust: Trust, checkpoint: bytes) -> Checkpoint:
    try:
        return trust.checkpoint(Note.parse(checkpoint))
    except TlogError as error:
        raise CommandError(f"The log's checkpoint is not its own: {error}.", Exit.REFUSED) from error
