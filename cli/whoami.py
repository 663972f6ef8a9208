"""`craton whoami`."""

import click
from craton.auth.v1 import security_token_service_pb2 as pb
from craton.auth.v1.security_token_service_pb2_grpc import SecurityTokenServiceStub

from cli.output import as_dict, emit, grpc_errors, json_option
from cli.session import Session
from deploy.local.stack import Stack


@click.command()
@json_option
@grpc_errors
def whoami(as_json: bool) -> None:
    """Say who you are: the principal of the AWS profile, or of a role's session with --role.

    \b
    Example:
      craton whoami
      craton --role arn:aws:iam::123456789012:role/reader whoami --json
    """
    session = Session(Stack.here())
    stub = SecurityTokenServiceStub(session.channel("auth"))
    answer = session.call(
        stub.GetCallerIdentity, pb.GetCallerIdentityRequest(), metadata=session.token("auth")
    )
    emit(as_dict(answer), as_json=as_json)
