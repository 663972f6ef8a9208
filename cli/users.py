"""`craton users`."""

import click
from craton.auth.v1 import user_service_pb2 as pb
from craton.auth.v1.user_service_pb2_grpc import UserServiceStub

from cli.entity_commands import EntityKind, add_bound, add_move, add_tags, below_option, path_option
from cli.output import as_dict, emit, grpc_errors, json_option
from cli.pages import pages
from cli.session import Session
from deploy.local.stack import Stack

_COLUMNS = ("user_name", "user_id", "arn", "create_time")


@click.group()
def users() -> None:
    """Manage the users of your account.

    \b
    Example:
      craton users create alice
    """


def _stub(session: Session) -> UserServiceStub:
    return UserServiceStub(session.channel("auth"))


_USER = EntityKind("user", "alice", _stub, pb)
add_bound(users, _USER)
add_tags(users, _USER)
add_move(users, _USER)


@users.command()
@click.argument("user_name")
@path_option
@click.option("--boundary", default="", metavar="POLICY_ARN", help="Its permissions boundary.")
@json_option
@grpc_errors
def create(user_name: str, path: str, boundary: str, as_json: bool) -> None:
    """Create a user; it may do nothing until a policy says so.

    \b
    Example:
      craton users create alice --path /team/red/
    """
    answer = _USER.call("CreateUser", user_name, path=path, permissions_boundary=boundary)
    emit(as_dict(answer.user), as_json=as_json)


@users.command("list")
@below_option
@json_option
@grpc_errors
def list_(below: str, as_json: bool) -> None:
    """List users.

    \b
    Example:
      craton users list --below /team/ --json
    """
    session = Session(Stack.here())
    request = pb.ListUsersRequest(path_prefix=below)
    found = pages(session, _stub(session).ListUsers, request, "users", session.token("auth"))
    emit([as_dict(each) for each in found], as_json=as_json, columns=_COLUMNS)


@users.command()
@click.argument("user_name")
@json_option
@grpc_errors
def delete(user_name: str, as_json: bool) -> None:
    """Delete a user that has no access keys and no policies left and is in no group.

    \b
    Example:
      craton users delete alice
    """
    session = Session(Stack.here())
    session.call(
        _stub(session).DeleteUser, pb.DeleteUserRequest(user_name=user_name), metadata=session.token("auth")
    )
    emit({"deleted": user_name}, as_json=as_json)


@users.command()
@click.argument("user_name")
@json_option
@grpc_errors
def get(user_name: str, as_json: bool) -> None:
    """Show a user with its permissions boundary and tags.

    \b
    Example:
      craton users get alice --json
    """
    session = Session(Stack.here())
    request = pb.GetUserRequest(user_name=user_name)
    answer = session.call(_stub(session).GetUser, request, metadata=session.token("auth"))
    emit(as_dict(answer.user), as_json=as_json)
