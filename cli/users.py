"""`craton users`."""

import click
from craton.auth.v1 import resources_pb2
from craton.auth.v1 import user_service_pb2 as pb
from craton.auth.v1.user_service_pb2_grpc import UserServiceStub

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


@users.command()
@click.argument("user_name")
@json_option
@grpc_errors
def create(user_name: str, as_json: bool) -> None:
    """Create a user; it may do nothing until a policy says so.

    \b
    Example:
      craton users create alice
    """
    session = Session(Stack.here())
    answer = session.call(
        _stub(session).CreateUser, pb.CreateUserRequest(user_name=user_name), metadata=session.token("auth")
    )
    emit(as_dict(answer.user), as_json=as_json)


@users.command("list")
@json_option
@grpc_errors
def list_(as_json: bool) -> None:
    """List users.

    \b
    Example:
      craton users list --json
    """
    session = Session(Stack.here())
    found = pages(session, _stub(session).ListUsers, pb.ListUsersRequest(), "users", session.token("auth"))
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


@users.command()
@click.argument("user_name")
@click.argument("policy_arn", required=False)
@json_option
@grpc_errors
def bound(user_name: str, policy_arn: str | None, as_json: bool) -> None:
    """Make a managed policy the permissions boundary of a user; without one, remove the boundary.

    \b
    Example:
      craton users bound alice arn:aws:iam::aws:policy/AmazonBedrockFullAccess
    """
    session = Session(Stack.here())
    stub, token = _stub(session), session.token("auth")
    if policy_arn:
        put = pb.PutUserPermissionsBoundaryRequest(user_name=user_name, permissions_boundary=policy_arn)
        session.call(stub.PutUserPermissionsBoundary, put, metadata=token)
    else:
        delete = pb.DeleteUserPermissionsBoundaryRequest(user_name=user_name)
        session.call(stub.DeleteUserPermissionsBoundary, delete, metadata=token)
    emit({"user_name": user_name, "permissions_boundary": policy_arn or ""}, as_json=as_json)


@users.command()
@click.argument("user_name")
@click.argument("tags", nargs=-1, required=True)
@json_option
@grpc_errors
def tag(user_name: str, tags: tuple[str, ...], as_json: bool) -> None:
    """Add or replace tags, each as KEY=VALUE; policies compare them as aws:PrincipalTag/KEY.

    \b
    Example:
      craton users tag alice team=red
    """
    pairs = [each.partition("=") for each in tags]
    if not all(found for _, found, _ in pairs):
        raise click.UsageError("a tag is KEY=VALUE")
    session = Session(Stack.here())
    request = pb.TagUserRequest(
        user_name=user_name, tags=[resources_pb2.Tag(key=key, value=value) for key, _, value in pairs]
    )
    session.call(_stub(session).TagUser, request, metadata=session.token("auth"))
    emit({"user_name": user_name, "tagged": ", ".join(tags)}, as_json=as_json)


@users.command()
@click.argument("user_name")
@click.argument("keys", nargs=-1, required=True)
@json_option
@grpc_errors
def untag(user_name: str, keys: tuple[str, ...], as_json: bool) -> None:
    """Remove tags by their keys.

    \b
    Example:
      craton users untag alice team
    """
    session = Session(Stack.here())
    request = pb.UntagUserRequest(user_name=user_name, tag_keys=keys)
    session.call(_stub(session).UntagUser, request, metadata=session.token("auth"))
    emit({"user_name": user_name, "untagged": ", ".join(keys)}, as_json=as_json)
