"""`craton keys`: access keys of users (encryption keys are `craton kms`)."""

import click
from craton.auth.v1 import access_key_service_pb2 as pb
from craton.auth.v1 import resources_pb2
from craton.auth.v1.access_key_service_pb2_grpc import AccessKeyServiceStub

from cli.output import as_dict, emit, errors, grpc_errors, json_option
from cli.pages import pages
from cli.session import Session
from deploy.local.stack import Stack

_COLUMNS = ("access_key_id", "status", "create_time")
_STATUS = {
    "active": resources_pb2.ACCESS_KEY_STATUS_ACTIVE,
    "inactive": resources_pb2.ACCESS_KEY_STATUS_INACTIVE,
}


@click.group()
def keys() -> None:
    """Manage the access keys of users.

    \b
    Example:
      craton keys create alice --json > alice.json
    """


def _stub(session: Session) -> AccessKeyServiceStub:
    return AccessKeyServiceStub(session.channel("auth"))


@keys.command()
@click.argument("user_name")
@json_option
@grpc_errors
def create(user_name: str, as_json: bool) -> None:
    """Create an access key and print its secret, which cannot be read again.

    \b
    Example:
      craton keys create alice
    """
    session = Session(Stack.here())
    answer = session.call(
        _stub(session).CreateAccessKey,
        pb.CreateAccessKeyRequest(user_name=user_name),
        metadata=session.token("auth"),
    )
    if not as_json:
        errors.print("This is the only time that the secret is shown.")
    emit({**as_dict(answer.access_key), "secret_access_key": answer.secret_access_key}, as_json=as_json)


@keys.command("list")
@click.argument("user_name")
@json_option
@grpc_errors
def list_(user_name: str, as_json: bool) -> None:
    """List the access keys of a user.

    \b
    Example:
      craton keys list alice
    """
    session = Session(Stack.here())
    request = pb.ListAccessKeysRequest(user_name=user_name)
    found = pages(session, _stub(session).ListAccessKeys, request, "access_keys", session.token("auth"))
    emit([as_dict(each) for each in found], as_json=as_json, columns=_COLUMNS)


@keys.command()
@click.argument("user_name")
@click.argument("access_key_id")
@click.argument("status", type=click.Choice(list(_STATUS)))
@json_option
@grpc_errors
def update(user_name: str, access_key_id: str, status: str, as_json: bool) -> None:
    """Make an access key active or inactive.

    \b
    Example:
      craton keys update alice AKIAIOSFODNN7EXAMPLE inactive
    """
    session = Session(Stack.here())
    request = pb.UpdateAccessKeyRequest(
        user_name=user_name, access_key_id=access_key_id, status=_STATUS[status]
    )
    answer = session.call(_stub(session).UpdateAccessKey, request, metadata=session.token("auth"))
    emit(as_dict(answer.access_key), as_json=as_json)


@keys.command()
@click.argument("user_name")
@click.argument("access_key_id")
@json_option
@grpc_errors
def delete(user_name: str, access_key_id: str, as_json: bool) -> None:
    """Delete an access key.

    \b
    Example:
      craton keys delete alice AKIAIOSFODNN7EXAMPLE
    """
    session = Session(Stack.here())
    request = pb.DeleteAccessKeyRequest(user_name=user_name, access_key_id=access_key_id)
    session.call(_stub(session).DeleteAccessKey, request, metadata=session.token("auth"))
    emit({"deleted": access_key_id}, as_json=as_json)


@keys.command("last-used")
@click.argument("access_key_id")
@json_option
@grpc_errors
def last_used(access_key_id: str, as_json: bool) -> None:
    """Show when an access key was used last, in which region and for which service.

    A use shows within seconds; with several replicas of auth, within two minutes.

    \b
    Example:
      craton keys last-used AKIAIOSFODNN7EXAMPLE
    """
    session = Session(Stack.here())
    request = pb.GetAccessKeyLastUsedRequest(access_key_id=access_key_id)
    answer = session.call(_stub(session).GetAccessKeyLastUsed, request, metadata=session.token("auth"))
    emit(as_dict(answer), as_json=as_json)
