"""`craton accounts purges`."""

from pathlib import Path
from typing import Any
from uuid import UUID

import click
import grpc
from craton.auth.v1 import account_purge_service_pb2 as pb
from craton.auth.v1.account_purge_service_pb2_grpc import AccountPurgeServiceStub

from cli.output import (
    CommandError,
    Exit,
    as_dict,
    emit,
    errors,
    grpc_errors,
    json_option,
    raise_command_error,
)
from cli.pages import pages
from cli.parameters import ACCOUNT_ID, OPERATOR, OutputFile, PublicKey
from cli.session import Session
from deploy.local.stack import Stack
from services.chassis.dsse import EnvelopeError
from services.chassis.purge_certificate import verify_purge_certificate

_PREFIX = "ACCOUNT_PURGE_STATE_"
_COLUMNS = ("purge_id", "account_id", "state", "requested_by", "approved_by", "due_time")
operator_option = click.option(
    "--operator",
    type=OPERATOR,
    default="admin",
    show_default=True,
    metavar="NAME",
    help="Whose certificate is used.",
)


@click.group("purges")
def purges() -> None:
    """Approve, call off and look at purges of accounts, and check their certificates.

    \b
    Example:
      craton accounts purges list
    """


@purges.command()
@click.argument("purge_id", type=click.UUID)
@operator_option
@json_option
@grpc_errors
def approve(purge_id: UUID, operator: str, as_json: bool) -> None:
    """Approve a purge that another operator asked for: its seven days begin.

    \b
    Example:
      craton accounts purges approve 0e1b… --operator approver
    """
    session = Session(Stack.here(), name=operator)
    stub = AccountPurgeServiceStub(session.channel("auth"))
    request = pb.ApproveAccountPurgeRequest(purge_id=str(purge_id))
    emit(shown(call(session, stub.ApproveAccountPurge, request).purge), as_json=as_json)


@purges.command()
@click.argument("purge_id", type=click.UUID)
@operator_option
@json_option
@grpc_errors
def cancel(purge_id: UUID, operator: str, as_json: bool) -> None:
    """Call a purge off that has not begun; either operator can.

    \b
    Example:
      craton accounts purges cancel 0e1b…
    """
    session = Session(Stack.here(), name=operator)
    stub = AccountPurgeServiceStub(session.channel("auth"))
    request = pb.CancelAccountPurgeRequest(purge_id=str(purge_id))
    emit(shown(call(session, stub.CancelAccountPurge, request).purge), as_json=as_json)


@purges.command()
@click.argument("purge_id", type=click.UUID)
@click.option("--certificate", type=OutputFile(new=True), help="File to write its certificate to.")
@operator_option
@json_option
@grpc_errors
def status(purge_id: UUID, certificate: Path | None, operator: str, as_json: bool) -> None:
    """Show how far a purge is, and write its certificate when it is done.

    \b
    Example:
      craton accounts purges status 0e1b… --certificate purge.json
    """
    session = Session(Stack.here(), name=operator)
    stub = AccountPurgeServiceStub(session.channel("auth"))
    found = session.call(stub.GetAccountPurge, pb.GetAccountPurgeRequest(purge_id=str(purge_id))).purge
    if certificate is not None:
        if not found.certificate:
            raise CommandError(f"the purge is {state(found)}: it has no certificate yet")
        write(found, certificate)
    emit(shown(found), as_json=as_json)


@purges.command("list")
@click.option("--account", type=ACCOUNT_ID, help="Of this account alone.")
@operator_option
@json_option
@grpc_errors
def list_(account: str | None, operator: str, as_json: bool) -> None:
    """List purges, the newest first.

    \b
    Example:
      craton accounts purges list --account 210987654321
    """
    session = Session(Stack.here(), name=operator)
    stub = AccountPurgeServiceStub(session.channel("auth"))
    request = pb.ListAccountPurgesRequest(account_id=account or "")
    found = pages(session, stub.ListAccountPurges, request, "purges")
    emit([shown(each) for each in found], as_json=as_json, columns=_COLUMNS)


@purges.command()
@click.argument("purge_id", type=click.UUID)
@operator_option
@json_option
@grpc_errors
def key(purge_id: UUID, operator: str, as_json: bool) -> None:
    """Make the first key of what began anew after a purge: its root user's, while nobody has any.

    `craton accounts purge` does it by itself, unless it ended before.

    \b
    Example:
      craton accounts purges key 0e1b…
    """
    session = Session(Stack.here(), name=operator)
    emit(first_key(session, str(purge_id), as_json=as_json), as_json=as_json)


@purges.command()
@click.argument("certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--key", type=PublicKey(), required=True, help="Public key of kms in base64: `public_key` of the status."
)
@json_option
def check(certificate: Path, key: bytes, as_json: bool) -> None:
    """Check a certificate, without the installation: show what it says if kms' key signed it.

    Its entries of the log are verified with `craton audit`: they are in the log if their indexes are below
    the size of a checkpoint that you trust.

    \b
    Example:
      craton accounts purges check purge.json --key 3q2+7w…
    """
    try:
        said = verify_purge_certificate(certificate.read_bytes(), key)
    except EnvelopeError as error:
        raise CommandError(f"{certificate}: {error}", Exit.REFUSED) from error
    emit(dict(said), as_json=as_json)


def call(session: Session, method: Any, request: Any) -> Any:
    """Call a method that an account or a purge may stand otherwise than it needs: that is a refusal, too."""
    try:
        return session.call(method, request)
    except grpc.RpcError as error:
        refused = error.code() is grpc.StatusCode.FAILED_PRECONDITION
        raise_command_error(error, Exit.REFUSED if refused else None)


def first_key(session: Session, purge_id: str, *, as_json: bool) -> dict[str, str]:
    """Make the key of the root user of what began anew. Raises CommandError."""
    stub = AccountPurgeServiceStub(session.channel("auth"))
    request = pb.CreatePurgedAccountKeyRequest(purge_id=purge_id)
    answer = call(session, stub.CreatePurgedAccountKey, request)
    if not as_json:
        errors.print("This is the only time that the secret is shown.")
    return {
        "access_key_id": answer.access_key.access_key_id,
        "secret_access_key": answer.secret_access_key,
    }


def write(found: pb.AccountPurge, target: Path) -> None:
    """Write a certificate into a new file: whole, or not at all. Raises CommandError."""
    try:
        with target.open("xb") as file:
            try:
                file.write(found.certificate)
                file.flush()
            except BaseException:
                target.unlink()
                raise
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error.strerror}") from error


def state(found: pb.AccountPurge) -> str:
    """Return the state in one word."""
    return pb.AccountPurgeState.Name(found.state).removeprefix(_PREFIX).lower()


def shown(found: pb.AccountPurge) -> dict[str, Any]:
    """Return what is printed of a purge: everything but its certificate."""
    said = as_dict(found) | {"state": state(found)}
    said.pop("certificate")
    said["removed"] = {
        each.service: {items.kind: items.count for items in each.removed if items.count}
        for each in found.removed
    }
    indexed = found.state == pb.ACCOUNT_PURGE_STATE_DONE
    said["entries"] = [
        {"about": each.about, "event_id": each.event_id, "index": each.index if indexed else None}
        for each in found.entries
    ]
    return said
