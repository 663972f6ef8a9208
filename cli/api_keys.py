"""`craton api-keys`: API keys of Amazon Bedrock, which clients send instead of signing."""

from datetime import UTC, datetime, timedelta

import click
from craton.auth.v1 import service_credential_service_pb2 as pb
from craton.auth.v1.service_credential_service_pb2_grpc import ServiceCredentialServiceStub

from cli.output import as_dict, emit, errors, grpc_errors, json_option
from cli.pages import pages
from cli.session import Session, aws_profile
from deploy.local.stack import Stack
from services.chassis.api_keys import LONGEST_LIFE, presign

_BEDROCK = "bedrock.amazonaws.com"
_COLUMNS = ("user_name", "credential_id", "alias", "status", "expire_time")
_STATUS = {
    "active": pb.SERVICE_CREDENTIAL_STATUS_ACTIVE,
    "inactive": pb.SERVICE_CREDENTIAL_STATUS_INACTIVE,
}


@click.group("api-keys")
def api_keys() -> None:
    """Manage long-term API keys of users, and make short-term ones.

    Who uses one needs the permission bedrock:CallWithBearerToken as well.

    \b
    Example:
      craton api-keys create alice --days 30
      AWS_BEARER_TOKEN_BEDROCK=ABSK... aws bedrock list-foundation-models
    """


def _stub(session: Session) -> ServiceCredentialServiceStub:
    return ServiceCredentialServiceStub(session.channel("auth"))


def _show(credential: pb.ServiceSpecificCredential, api_key: str, as_json: bool) -> None:
    if not as_json:
        errors.print("This is the only time that the API key is shown.")
    emit({**as_dict(credential), "api_key": api_key}, as_json=as_json)


@api_keys.command()
@click.argument("user_name")
@click.option("--days", type=click.IntRange(1, 36600), help="Days until it expires; never without.")
@json_option
@grpc_errors
def create(user_name: str, days: int | None, as_json: bool) -> None:
    """Create a long-term API key of a user and print it; it cannot be read again.

    \b
    Example:
      craton api-keys create alice --days 30
    """
    session = Session(Stack.here())
    request = pb.CreateServiceSpecificCredentialRequest(
        user_name=user_name, service_name=_BEDROCK, credential_age_days=days
    )
    answer = session.call(
        _stub(session).CreateServiceSpecificCredential, request, metadata=session.token("auth")
    )
    _show(answer.credential, answer.api_key, as_json)


@api_keys.command("list")
@click.argument("user_name", required=False, default="")
@json_option
@grpc_errors
def list_(user_name: str, as_json: bool) -> None:
    """List the long-term API keys of a user, or of all users.

    \b
    Example:
      craton api-keys list alice
    """
    session = Session(Stack.here())
    request = pb.ListServiceSpecificCredentialsRequest(user_name=user_name)
    method = _stub(session).ListServiceSpecificCredentials
    found = pages(session, method, request, "credentials", session.token("auth"))
    emit([as_dict(each) for each in found], as_json=as_json, columns=_COLUMNS)


@api_keys.command()
@click.argument("user_name")
@click.argument("credential_id")
@click.argument("status", type=click.Choice(list(_STATUS)))
@json_option
@grpc_errors
def update(user_name: str, credential_id: str, status: str, as_json: bool) -> None:
    """Make a long-term API key active or inactive.

    \b
    Example:
      craton api-keys update alice ACCAIOSFODNN7EXAMPLE2 inactive
    """
    session = Session(Stack.here())
    request = pb.UpdateServiceSpecificCredentialRequest(
        user_name=user_name, credential_id=credential_id, status=_STATUS[status]
    )
    answer = session.call(
        _stub(session).UpdateServiceSpecificCredential, request, metadata=session.token("auth")
    )
    emit(as_dict(answer.credential), as_json=as_json)


@api_keys.command()
@click.argument("user_name")
@click.argument("credential_id")
@json_option
@grpc_errors
def reset(user_name: str, credential_id: str, as_json: bool) -> None:
    """Replace a long-term API key by a new one and print that; the earlier one is void at once.

    \b
    Example:
      craton api-keys reset alice ACCAIOSFODNN7EXAMPLE2
    """
    session = Session(Stack.here())
    request = pb.ResetServiceSpecificCredentialRequest(user_name=user_name, credential_id=credential_id)
    answer = session.call(
        _stub(session).ResetServiceSpecificCredential, request, metadata=session.token("auth")
    )
    _show(answer.credential, answer.api_key, as_json)


@api_keys.command()
@click.argument("user_name")
@click.argument("credential_id")
@json_option
@grpc_errors
def delete(user_name: str, credential_id: str, as_json: bool) -> None:
    """Delete a long-term API key.

    \b
    Example:
      craton api-keys delete alice ACCAIOSFODNN7EXAMPLE2
    """
    session = Session(Stack.here())
    request = pb.DeleteServiceSpecificCredentialRequest(user_name=user_name, credential_id=credential_id)
    session.call(_stub(session).DeleteServiceSpecificCredential, request, metadata=session.token("auth"))
    emit({"deleted": credential_id}, as_json=as_json)


@api_keys.command("short-term")
@click.option(
    "--minutes",
    type=click.IntRange(1, int(LONGEST_LIFE.total_seconds()) // 60),
    default=60,
    show_default=True,
    help="Until it expires.",
)
@json_option
def short_term(minutes: int, as_json: bool) -> None:
    """Make a short-term API key of the AWS profile for its region, without asking anybody.

    It ends with the access key that it is made from, and cannot be revoked by itself.

    \b
    Example:
      AWS_BEARER_TOKEN_BEDROCK=$(craton api-keys short-term --minutes 15) aws bedrock list-foundation-models
    """
    now, lifetime = datetime.now(UTC), timedelta(minutes=minutes)
    key = presign(aws_profile(Stack.here()).credentials, now, lifetime).reveal().decode()
    if as_json:
        emit({"api_key": key, "expire_time": (now + lifetime).isoformat()}, as_json=True)
    else:
        click.echo(key)
