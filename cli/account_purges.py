"""`craton accounts purge`, and what goes with it."""

import base64
import time
from pathlib import Path
from typing import Any

import click
from craton.auth.v1 import account_purge_service_pb2 as pb
from craton.auth.v1.account_purge_service_pb2_grpc import AccountPurgeServiceStub

from cli.output import CommandError, Exit, as_dict, emit, errors, grpc_errors, json_option
from cli.pages import pages
from cli.session import Session
from deploy.local.stack import Stack
from services.chassis.dsse import EnvelopeError
from services.chassis.purge_certificate import verify_purge_certificate

_POLL_S = 0.05
_LONGEST_S = 300.0
_PREFIX = "ACCOUNT_PURGE_STATE_"
_COLUMNS = ("purge_id", "account_id", "state", "requested_by", "approved_by", "due_time")
_RUNNING = (
    pb.ACCOUNT_PURGE_STATE_WAITING,
    pb.ACCOUNT_PURGE_STATE_PURGING,
    pb.ACCOUNT_PURGE_STATE_CERTIFYING,
)

_operator = click.option(
    "--operator", default="admin", show_default=True, metavar="NAME", help="Whose certificate is used."
)


@click.group("purges")
def purges() -> None:
    """Approve, call off and look at purges of accounts, and check their certificates.

    \b
    Example:
      craton accounts purges list
    """


@click.command()
@click.argument("account_id")
@click.option("--keep-principals", is_flag=True, help="Keep users, groups, roles, policies and their keys.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--certificate", type=click.Path(dir_okay=False, path_type=Path), help="File for the certificate."
)
@_operator
@json_option
@grpc_errors
def purge(
    account_id: str, keep_principals: bool, yes: bool, certificate: Path | None, operator: str, as_json: bool
) -> None:
    """Remove an account for good: what it has, its keys, and its principals unless they are kept.

    Another operator must approve, and then it waits for seven days. Where the installation's profile is
    "development" it happens at once, and the command ends with the certificate and, unless principals are
    kept, with a key of the root user of what begins anew under the id.

    \b
    Example:
      craton accounts purge 210987654321
      craton accounts purge 210987654321 --keep-principals --yes --json
    """
    target = certificate or Path(f"purge-{account_id}.json")
    if target.exists():
        raise CommandError(f"{target} exists: name another file with --certificate")
    if not yes:
        what = "everything but its principals" if keep_principals else "everything"
        click.confirm(f"Purge {what} of the account {account_id}? It cannot be undone.", abort=True, err=True)
    session = Session(Stack.here(), name=operator)
    stub = AccountPurgeServiceStub(session.channel("auth"))
    request = pb.RequestAccountPurgeRequest(account_id=account_id, keep_principals=keep_principals)
    found = session.call(stub.RequestAccountPurge, request).purge
    if found.state == pb.ACCOUNT_PURGE_STATE_REQUESTED:
        if not as_json:
            errors.print(f"Another operator must approve: craton accounts purges approve {found.purge_id}")
        emit(_shown(found), as_json=as_json)
        return
    found = _ended(session, stub, found)
    shown = _shown(found) | {"certificate_file": str(target)}
    _write(found, target)
    if found.continues and not keep_principals:
        answer = session.call(
            stub.CreatePurgedAccountKey, pb.CreatePurgedAccountKeyRequest(purge_id=found.purge_id)
        )
        if not as_json:
            errors.print("This is the only time that the secret is shown.")
        shown |= {
            "access_key_id": answer.access_key.access_key_id,
            "secret_access_key": answer.secret_access_key,
        }
    emit(shown, as_json=as_json)


@purges.command()
@click.argument("purge_id")
@_operator
@json_option
@grpc_errors
def approve(purge_id: str, operator: str, as_json: bool) -> None:
    """Approve a purge that another operator asked for: its seven days begin.

    \b
    Example:
      craton accounts purges approve 0e1b… --operator approver
    """
    session = Session(Stack.here(), name=operator)
    stub = AccountPurgeServiceStub(session.channel("auth"))
    request = pb.ApproveAccountPurgeRequest(purge_id=purge_id)
    emit(_shown(session.call(stub.ApproveAccountPurge, request).purge), as_json=as_json)


@purges.command()
@click.argument("purge_id")
@_operator
@json_option
@grpc_errors
def cancel(purge_id: str, operator: str, as_json: bool) -> None:
    """Call a purge off that has not begun; either operator can.

    \b
    Example:
      craton accounts purges cancel 0e1b…
    """
    session = Session(Stack.here(), name=operator)
    stub = AccountPurgeServiceStub(session.channel("auth"))
    request = pb.CancelAccountPurgeRequest(purge_id=purge_id)
    emit(_shown(session.call(stub.CancelAccountPurge, request).purge), as_json=as_json)


@purges.command()
@click.argument("purge_id")
@click.option(
    "--certificate", type=click.Path(dir_okay=False, path_type=Path), help="File to write its certificate to."
)
@_operator
@json_option
@grpc_errors
def status(purge_id: str, certificate: Path | None, operator: str, as_json: bool) -> None:
    """Show how far a purge is, and write its certificate when it is done.

    \b
    Example:
      craton accounts purges status 0e1b… --certificate purge.json
    """
    session = Session(Stack.here(), name=operator)
    stub = AccountPurgeServiceStub(session.channel("auth"))
    found = session.call(stub.GetAccountPurge, pb.GetAccountPurgeRequest(purge_id=purge_id)).purge
    if certificate is not None:
        if not found.certificate:
            raise CommandError(f"the purge is {_state(found)}: it has no certificate yet")
        if certificate.exists():
            raise CommandError(f"{certificate} exists: name another file")
        _write(found, certificate)
    emit(_shown(found), as_json=as_json)


@purges.command("list")
@click.option("--account", default="", help="Of this account alone.")
@_operator
@json_option
@grpc_errors
def list_(account: str, operator: str, as_json: bool) -> None:
    """List purges, the newest first.

    \b
    Example:
      craton accounts purges list --account 210987654321
    """
    session = Session(Stack.here(), name=operator)
    stub = AccountPurgeServiceStub(session.channel("auth"))
    request = pb.ListAccountPurgesRequest(account_id=account)
    found = pages(session, stub.ListAccountPurges, request, "purges")
    emit([_shown(each) for each in found], as_json=as_json, columns=_COLUMNS)


@purges.command()
@click.argument("certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", required=True, help="Public key of kms in base64: `public_key` of the status.")
@json_option
def check(certificate: Path, key: str, as_json: bool) -> None:
    """Check a certificate, without the installation: show what it says if kms' key signed it.

    Its entries of the log are verified with `craton audit`: they are in the log if their indexes are below
    the size of a checkpoint that you trust.

    \b
    Example:
      craton accounts purges check purge.json --key 3q2+7w…
    """
    try:
        said = verify_purge_certificate(certificate.read_bytes(), base64.b64decode(key, validate=True))
    except (EnvelopeError, ValueError) as error:
        raise CommandError(f"{certificate}: {error}", Exit.REFUSED) from error
    emit(dict(said), as_json=as_json)


def _ended(session: Session, stub: Any, found: pb.AccountPurge) -> pb.AccountPurge:
    """Wait for a purge that has begun. Raises CommandError when it takes too long; it goes on by itself."""
    until = time.monotonic() + _LONGEST_S
    while found.state in _RUNNING:
        if time.monotonic() > until:
            raise CommandError(
                f"the purge {found.purge_id} goes on: ask with `craton accounts purges status`",
                Exit.UNAVAILABLE,
            )
        time.sleep(_POLL_S)
        request = pb.GetAccountPurgeRequest(purge_id=found.purge_id)
        found = session.call(stub.GetAccountPurge, request).purge
    if found.state != pb.ACCOUNT_PURGE_STATE_DONE:
        raise CommandError(f"the purge {found.purge_id} was called off")
    return found


def _write(found: pb.AccountPurge, target: Path) -> None:
    with target.open("xb") as file:
        file.write(found.certificate)


def _state(found: pb.AccountPurge) -> str:
    return pb.AccountPurgeState.Name(found.state).removeprefix(_PREFIX).lower()


def _shown(found: pb.AccountPurge) -> dict[str, Any]:
    shown = as_dict(found) | {"state": _state(found)}
    shown.pop("certificate")
    shown["removed"] = {
        each.service: {items.kind: items.count for items in each.removed if items.count}
        for each in found.removed
    }
    shown["entries"] = [
        {"about": each.about, "event_id": each.event_id, "index": each.index} for each in found.entries
    ]
    return shown
