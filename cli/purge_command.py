"""`craton accounts purge`."""

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from craton.auth.v1 import account_purge_service_pb2 as pb
from craton.auth.v1.account_purge_service_pb2_grpc import AccountPurgeServiceStub

from cli.account_purges import call, first_key, operator_option, shown, write
from cli.output import CommandError, Exit, emit, errors, grpc_errors, json_option
from cli.parameters import ACCOUNT_ID, OutputFile, output_file
from cli.session import Session
from deploy.local.stack import Stack

_POLL_S = 0.05
_LONGEST_S = 300.0
_RUNNING = (
    pb.ACCOUNT_PURGE_STATE_WAITING,
    pb.ACCOUNT_PURGE_STATE_PURGING,
    pb.ACCOUNT_PURGE_STATE_CERTIFYING,
)


@click.command()
@click.argument("account_id", type=ACCOUNT_ID)
@click.option("--keep-principals", is_flag=True, help="Keep users, groups, roles, policies and their keys.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--certificate", type=OutputFile(new=True), help="File for the certificate.")
@operator_option
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
    target = certificate or output_file(f"purge-{account_id}.json", new=True)
    if not yes:
        what = "everything but its principals" if keep_principals else "everything"
        click.confirm(f"Purge {what} of the account {account_id}? It cannot be undone.", abort=True, err=True)
    session = Session(Stack.here(), name=operator)
    stub = AccountPurgeServiceStub(session.channel("auth"))
    request = pb.RequestAccountPurgeRequest(account_id=account_id, keep_principals=keep_principals)
    found = call(session, stub.RequestAccountPurge, request).purge
    if found.state == pb.ACCOUNT_PURGE_STATE_REQUESTED:
        if not as_json:
            errors.print(f"Another operator must approve: craton accounts purges approve {found.purge_id}")
        emit(shown(found), as_json=as_json)
        return
    with _what_is_left(found, target):
        found = _ended(session, stub, found)
        write(found, target)
        said = shown(found) | {"certificate_file": str(target)}
        if _begins_without_keys(found):
            said |= first_key(session, found.purge_id, as_json=as_json)
    emit(said, as_json=as_json)


@contextmanager
def _what_is_left(found: pb.AccountPurge, target: Path) -> Iterator[None]:
    """Say what to do when the command ends before its purge, or before all that comes after it is done."""
    try:
        yield
    except BaseException:
        errors.print("The purge has begun, and goes on by itself. What is left to do when it is done:")
        if not target.exists():
            file = shlex.quote(str(target))
            status = f"craton accounts purges status {found.purge_id} --certificate {file}"
            errors.print(f"  {status}", markup=False)
        if _begins_without_keys(found):
            errors.print(f"  craton accounts purges key {found.purge_id}")
        raise


def _begins_without_keys(found: pb.AccountPurge) -> bool:
    return bool(found.continues and not found.keep_principals)


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
