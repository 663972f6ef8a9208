"""`craton audit key`, `checkpoint`, `prove`, `verify` and `fsck`: the audit log as what can be checked."""

import asyncio
from pathlib import Path
from uuid import UUID

import click
import grpc
from craton.audit.v1 import log_service_pb2 as pb
from craton.audit.v1 import resources_pb2
from craton.audit.v1.log_service_pb2_grpc import LogServiceStub

from cli.audit_index import check_index, require_clean
from cli.log_client import OperatorLog, log_client, profile_option
from cli.output import CommandError, Exit, as_dict, console, emit, grpc_errors, json_option
from cli.parameters import OutputFile, output_file
from cli.pinned_log import CheckedLog, PinnedLog, keys_option, trust_of_options
from cli.progress import step
from cli.session import Session
from cli.shown_record import compare_record
from cli.verifier_keys import key_option, service_key, trust_of, witness_option
from deploy.local.stack import Stack
from tlog import fsck as log_check
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.event_proof import EventProof
from tlog.note import Note, VerifierKey


@click.command()
@profile_option
@json_option
@grpc_errors
def key(as_profile: bool, as_json: bool) -> None:
    """Print the verifier keys of the log and of its witnesses, and the log's newest size and root.

    Whoever verifies the log needs these keys from somebody they trust, once.

    \b
    Example:
      craton audit key --json > log.json
    """
    answer = log_client(Stack.here(), as_profile=as_profile).checkpoint()
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
@keys_option(required=True)
@profile_option
@json_option
@grpc_errors
def checkpoint(pinned: PinnedLog, as_profile: bool, as_json: bool) -> None:
    """Check that the log has only grown since you saw it last, and remember how far it has come.

    Do so now and then, best from a machine of your own: a log that was put back, or that shows you other
    entries than others, is found out by those who remember.

    \b
    Example:
      craton audit checkpoint --as-profile --keys log.json
    """
    before = pinned.seen()
    log = log_client(Stack.here(), as_profile=as_profile)
    found = pinned.admit(_note(log.checkpoint().checkpoint), before, log.consistency)
    emit(
        {"log": found.origin, "size": found.size, "root": found.root.hex(), "seen_before": before.size},
        as_json=as_json,
    )


@click.command()
@click.argument("event_id", type=click.UUID)
@click.option("--output", "-o", type=OutputFile(), help="Default: EVENT_ID.json.")
@keys_option()
@profile_option
@json_option
@grpc_errors
def prove(
    event_id: UUID, output: Path | None, pinned: PinnedLog | None, as_profile: bool, as_json: bool
) -> None:
    """Write an event with all that proves it into a file, which `verify` needs nothing else for.

    With --keys it is verified before it is written, and the log must continue what you saw of it before.

    \b
    Example:
      craton audit prove 0f6c2f6e-1d2a-4b7e-9c3d-5a6b7c8d9e0f -o event.json
      craton audit prove 0f6c2f6e-1d2a-4b7e-9c3d-5a6b7c8d9e0f --as-profile --keys log.json
    """
    target = output or output_file(f"{event_id}.json")
    proof = CheckedLog(log_client(Stack.here(), as_profile=as_profile), pinned).event(event_id)
    target.write_bytes(bytes(proof))
    emit({"file": str(target), "index": proof.proof.index}, as_json=as_json)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@key_option
@witness_option
@keys_option()
@click.option(
    "--record",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CloudTrailEvent of LookupEvents: refuse it unless it says what the event says.",
)
@json_option
def verify(
    file: Path,
    key: VerifierKey | None,
    witnesses: tuple[VerifierKey, ...],
    pinned: PinnedLog | None,
    record: Path | None,
    as_json: bool,
) -> None:
    """Verify a file that `prove` wrote: offline, by nothing but the log's key. Prints the event.

    \b
    Example:
      craton audit verify event.json --key craton.local/audit+0a1b2c3d+AbCd…
      craton audit verify event.json --keys log.json --record record.json
    """
    trust = trust_of_options(key, witnesses, pinned)
    try:
        proof = EventProof.parse(file.read_bytes())
        proved = proof.verify(trust)
    except TlogError as error:
        raise CommandError(f"{file} proves nothing: {error}.", Exit.REFUSED) from error
    if pinned is not None:
        pinned.compare(proved.checkpoint)
    opened = resources_pb2.Event.FromString(proof.event)
    if record is not None:
        compare_record(record, opened)
    event = as_dict(opened)
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
@click.option("--files-only", is_flag=True, help="Leave the database out.")
@json_option
@grpc_errors
def fsck(
    key: VerifierKey | None,
    witnesses: tuple[VerifierKey, ...],
    folder: Path | None,
    files_only: bool,
    as_json: bool,
) -> None:
    """Check the whole log: every entry and tile, and what the database says of every event.

    The files are read and verified here, up to the newest checkpoint. The database is compared with them by
    the audit service, which can open events; with --folder or --files-only it is left out. What differs
    is named.

    Without --key the log's own word is taken for its key: then it shows that the log is whole, and not
    whose it is. Ends with 0 when all is whole, 1 while another check of the database runs, 3 when something
    differs, 5 when the service is away.

    \b
    Example:
      craton audit fsck --key craton.local/audit+0a1b2c3d+AbCd…
      craton audit fsck --folder /backup/audit-log --key craton.local/audit+0a1b2c3d+AbCd…
      craton audit fsck --files-only
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
    shown = {"entries": found.size, "files": done.files, "root": found.root.hex(), "log": found.origin}
    if folder is not None or files_only:
        emit(shown, as_json=as_json)
        return
    index = check_index(Session(Stack.here()), as_json=as_json)
    findings = {"findings": index.findings} if as_json else {}
    emit({**shown, **index.shown(), **findings}, as_json=as_json)
    require_clean(index, as_json=as_json)


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

    return read, key or service_key(OperatorLog(Stack.here()).checkpoint().verifier_key)


def _note(checkpoint: bytes) -> Note:
    try:
        return Note.parse(checkpoint)
    except TlogError as error:
        raise CommandError(f"The log's checkpoint is none: {error}.", Exit.REFUSED) from error


def _verified(trust: Trust, checkpoint: bytes) -> Checkpoint:
    try:
        return trust.checkpoint(_note(checkpoint))
    except TlogError as error:
        raise CommandError(f"The log's checkpoint is not its own: {error}.", Exit.REFUSED) from error
