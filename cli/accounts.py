"""`craton accounts`."""

import click
from craton.auth.v1 import account_service_pb2 as pb
from craton.auth.v1.account_service_pb2_grpc import AccountServiceStub

from cli.account_purges import purges
from cli.output import as_dict, emit, errors, grpc_errors, json_option
from cli.pages import pages
from cli.parameters import ACCOUNT_ID
from cli.purge_command import purge
from cli.session import Session
from deploy.local.stack import Stack

_COLUMNS = ("account_id", "display_name", "create_time", "closed")


@click.group()
def accounts() -> None:
    """Create and list accounts.

    \b
    Example:
      craton accounts create "Research" --json
    """


@accounts.command()
@click.argument("display_name")
@click.option("--account-id", type=ACCOUNT_ID, help="Twelve digits; chosen at random when not given.")
@click.option(
    "--administrator", default="", metavar="USER", help="Create a user who may do everything in it."
)
@json_option
@grpc_errors
def create(display_name: str, account_id: str | None, administrator: str, as_json: bool) -> None:
    """Create an account, also with an administrator, whose secret cannot be read again.

    \b
    Example:
      craton accounts create "Research" --account-id 210987654321 --administrator boss
    """
    session = Session(Stack.here())
    request = pb.CreateAccountRequest(
        display_name=display_name, account_id=account_id or "", administrator_user_name=administrator
    )
    answer = session.call(
        AccountServiceStub(session.channel("auth")).CreateAccount, request, metadata=session.token("auth")
    )
    shown = as_dict(answer.account)
    if administrator:
        if not as_json:
            errors.print("This is the only time that the secret is shown.")
        key = {"access_key_id": answer.access_key.access_key_id}
        shown |= {"administrator": administrator, **key, "secret_access_key": answer.secret_access_key}
    emit(shown, as_json=as_json)


@accounts.command("list")
@json_option
@grpc_errors
def list_(as_json: bool) -> None:
    """List accounts.

    \b
    Example:
      craton accounts list
    """
    session = Session(Stack.here())
    method = AccountServiceStub(session.channel("auth")).ListAccounts
    found = pages(session, method, pb.ListAccountsRequest(), "accounts", session.token("auth"))
    emit([as_dict(each) for each in found], as_json=as_json, columns=_COLUMNS)


accounts.add_command(purge)
accounts.add_command(purges)
