"""`craton groups`: users that share policies."""

import click
from craton.auth.v1 import group_service_pb2 as pb
from craton.auth.v1.group_service_pb2_grpc import GroupServiceStub

from cli.entity_commands import EntityKind, add_inline_policies, add_move, path_option
from cli.output import as_dict, emit, grpc_errors, json_option
from cli.pages import pages
from cli.session import Session
from deploy.local.stack import Stack

_COLUMNS = ("group_name", "group_id", "arn", "create_time")


@click.group()
def groups() -> None:
    """Manage groups of users, which share policies.

    \b
    Example:
      craton groups create readers
    """


def _stub(session: Session) -> GroupServiceStub:
    return GroupServiceStub(session.channel("auth"))


_GROUP = EntityKind("group", "readers", _stub, pb)
add_inline_policies(groups, _GROUP)
add_move(groups, _GROUP)


@groups.command()
@click.argument("group_name")
@path_option
@json_option
@grpc_errors
def create(group_name: str, path: str, as_json: bool) -> None:
    """Create a group.

    \b
    Example:
      craton groups create readers
    """
    answer = _GROUP.call("CreateGroup", group_name, path=path)
    emit(as_dict(answer.group), as_json=as_json)


@groups.command("list")
@click.option("--user", "user_name", help="Only the groups of this user.")
@json_option
@grpc_errors
def list_(user_name: str | None, as_json: bool) -> None:
    """List groups, of the account or of one user.

    \b
    Example:
      craton groups list --user alice
    """
    session = Session(Stack.here())
    stub, token = _stub(session), session.token("auth")
    if user_name:
        theirs = pb.ListGroupsForUserRequest(user_name=user_name)
        found = pages(session, stub.ListGroupsForUser, theirs, "groups", token)
    else:
        found = pages(session, stub.ListGroups, pb.ListGroupsRequest(), "groups", token)
    emit([as_dict(each) for each in found], as_json=as_json, columns=_COLUMNS)


@groups.command()
@click.argument("group_name")
@json_option
@grpc_errors
def members(group_name: str, as_json: bool) -> None:
    """List the users in a group.

    \b
    Example:
      craton groups members readers
    """
    session = Session(Stack.here())
    request = pb.GetGroupRequest(group_name=group_name)
    found = pages(session, _stub(session).GetGroup, request, "users", session.token("auth"))
    emit([as_dict(each) for each in found], as_json=as_json, columns=("user_name", "user_id", "arn"))


@groups.command()
@click.argument("group_name")
@click.argument("user_name")
@json_option
@grpc_errors
def add(group_name: str, user_name: str, as_json: bool) -> None:
    """Put a user into a group.

    \b
    Example:
      craton groups add readers alice
    """
    session = Session(Stack.here())
    request = pb.AddUserToGroupRequest(group_name=group_name, user_name=user_name)
    session.call(_stub(session).AddUserToGroup, request, metadata=session.token("auth"))
    emit({"group": group_name, "added": user_name}, as_json=as_json)


@groups.command()
@click.argument("group_name")
@click.argument("user_name")
@json_option
@grpc_errors
def remove(group_name: str, user_name: str, as_json: bool) -> None:
    """Take a user out of a group.

    \b
    Example:
      craton groups remove readers alice
    """
    session = Session(Stack.here())
    request = pb.RemoveUserFromGroupRequest(group_name=group_name, user_name=user_name)
    session.call(_stub(session).RemoveUserFromGroup, request, metadata=session.token("auth"))
    emit({"group": group_name, "removed": user_name}, as_json=as_json)


@groups.command()
@click.argument("group_name")
@json_option
@grpc_errors
def delete(group_name: str, as_json: bool) -> None:
    """Delete a group that has no users and no policies left.

    \b
    Example:
      craton groups delete readers
    """
    session = Session(Stack.here())
    request = pb.DeleteGroupRequest(group_name=group_name)
    session.call(_stub(session).DeleteGroup, request, metadata=session.token("auth"))
    emit({"deleted": group_name}, as_json=as_json)
