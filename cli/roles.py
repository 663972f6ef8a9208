"""`craton roles`."""

import shlex
from typing import Any, TextIO

import click
from craton.auth.v1 import role_service_pb2 as pb
from craton.auth.v1 import session_service_pb2
from craton.auth.v1.role_service_pb2_grpc import RoleServiceStub
from craton.auth.v1.session_service_pb2_grpc import SessionServiceStub
from google.protobuf.duration_pb2 import Duration

from cli.entity_commands import (
    EntityKind,
    add_bound,
    add_inline_policies,
    add_tags,
    key_values,
    path_option,
    tag_messages,
)
from cli.findings import emit_written, show_findings
from cli.output import as_dict, emit, errors, grpc_errors, json_option
from cli.pages import pages
from cli.session import Session
from deploy.local.stack import Stack

_COLUMNS = ("role_name", "role_id", "arn", "create_time")
_LONGEST = click.IntRange(3_600, 43_200)


@click.group()
def roles() -> None:
    """Manage the roles of your account, and assume roles of any.

    \b
    Example:
      craton roles create reader trust.json
      craton --role arn:aws:iam::123456789012:role/reader whoami
    """


def _stub(session: Session) -> RoleServiceStub:
    return RoleServiceStub(session.channel("auth"))


_ROLE = EntityKind("role", "reader", _stub, pb)
add_bound(roles, _ROLE)
add_tags(roles, _ROLE)
add_inline_policies(roles, _ROLE)


@roles.command()
@click.argument("role_name")
@click.argument("trust_policy", type=click.File("r", encoding="utf-8"))
@click.option("--description", default="", help="What the role is for.")
@click.option("--max-session", type=_LONGEST, help="Seconds of its longest session; default: one hour.")
@path_option
@click.option("--boundary", default="", metavar="POLICY_ARN", help="Its permissions boundary.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of the role.")
@json_option
@grpc_errors
def create(
    role_name: str,
    trust_policy: TextIO,
    description: str,
    max_session: int | None,
    path: str,
    boundary: str,
    tags: tuple[str, ...],
    as_json: bool,
) -> None:
    """Create a role; TRUST_POLICY says who may assume it: a file, or - for standard input.

    \b
    Example:
      echo '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "123456789012"}}}' | craton roles create reader -
    """
    answer = _ROLE.call(
        "CreateRole",
        role_name,
        assume_role_policy_document=trust_policy.read(),
        description=description,
        max_session_duration=_seconds(max_session),
        path=path,
        permissions_boundary=boundary,
        tags=tag_messages(tags),
    )
    emit_written(as_dict(answer.role), answer.findings, as_json=as_json)


@roles.command()
@click.argument("role_name")
@json_option
@grpc_errors
def get(role_name: str, as_json: bool) -> None:
    """Show a role with its trust policy, permissions boundary and tags.

    The trust policy names users and roles by the ARNs that they have now, and by id who is gone.

    \b
    Example:
      craton roles get reader --json
    """
    emit(as_dict(_ROLE.call("GetRole", role_name).role), as_json=as_json)


@roles.command("list")
@json_option
@grpc_errors
def list_(as_json: bool) -> None:
    """List roles.

    \b
    Example:
      craton roles list
    """
    session = Session(Stack.here())
    found = pages(session, _stub(session).ListRoles, pb.ListRolesRequest(), "roles", session.token("auth"))
    emit([as_dict(each) for each in found], as_json=as_json, columns=_COLUMNS)


@roles.command()
@click.argument("role_name")
@click.option("--description", help="What the role is for.")
@click.option("--max-session", type=_LONGEST, help="Seconds of its longest session.")
@json_option
@grpc_errors
def update(role_name: str, description: str | None, max_session: int | None, as_json: bool) -> None:
    """Change what a role is for, or how long its sessions may be.

    \b
    Example:
      craton roles update reader --max-session 7200
    """
    if description is None and max_session is None:
        raise click.UsageError("say what shall change: --description or --max-session")
    changes: dict[str, Any] = {} if description is None else {"description": description}
    answer = _ROLE.call("UpdateRole", role_name, max_session_duration=_seconds(max_session), **changes)
    emit(as_dict(answer.role), as_json=as_json)


@roles.command()
@click.argument("role_name")
@click.argument("trust_policy", type=click.File("r", encoding="utf-8"))
@json_option
@grpc_errors
def trust(role_name: str, trust_policy: TextIO, as_json: bool) -> None:
    """Replace who may assume a role; TRUST_POLICY is a file, or - for standard input.

    \b
    Example:
      craton roles trust reader trust.json
    """
    answer = _ROLE.call("UpdateAssumeRolePolicy", role_name, policy_document=trust_policy.read())
    emit_written({"role_name": role_name, "trust": "replaced"}, answer.findings, as_json=as_json)


@roles.command()
@click.argument("role_name")
@json_option
@grpc_errors
def delete(role_name: str, as_json: bool) -> None:
    """Delete a role that has no policies left, and end its sessions.

    \b
    Example:
      craton roles delete reader
    """
    _ROLE.call("DeleteRole", role_name)
    emit({"deleted": role_name}, as_json=as_json)


@roles.command()
@click.argument("role_arn")
@click.option("--session-name", default="craton-cli", show_default=True, help="Names it in the audit log.")
@click.option("--duration", type=click.IntRange(900, 43_200), help="Seconds; default: one hour.")
@click.option(
    "--policy", type=click.File("r", encoding="utf-8"), help="The session can do no more than this."
)
@click.option("--policy-arn", "policy_arns", multiple=True, help="Nor more than this managed policy.")
@click.option("--external-id", default="", help="What the role's owner has asked for.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of the session.")
@click.option(
    "--transitive", "transitive", multiple=True, metavar="KEY", help="Sessions after it keep this tag."
)
@click.option("--source-identity", default="", help="Whom you act for; cannot change afterwards.")
@click.option("--export", is_flag=True, help="Print the environment of a shell.")
@json_option
@grpc_errors
def assume(
    role_arn: str,
    session_name: str,
    duration: int | None,
    policy: TextIO | None,
    policy_arns: tuple[str, ...],
    external_id: str,
    tags: tuple[str, ...],
    transitive: tuple[str, ...],
    source_identity: str,
    export: bool,
    as_json: bool,
) -> None:
    """Assume a role and print its temporary credentials, which cannot be read again.

    A single command acts as a role with `craton --role ROLE_ARN COMMAND`.

    \b
    Example:
      eval "$(craton roles assume arn:aws:iam::123456789012:role/reader --export)"
    """
    given = key_values(tags, "a tag")
    session = Session(Stack.here())
    request = session_service_pb2.AssumeRoleRequest(
        role_arn=role_arn,
        role_session_name=session_name,
        duration=_seconds(duration),
        policy="" if policy is None else policy.read(),
        policy_arns=policy_arns,
        external_id=external_id,
        tags=[session_service_pb2.SessionTag(key=key, value=value) for key, value in given],
        transitive_tag_keys=transitive,
        source_identity=source_identity,
    )
    stub = SessionServiceStub(session.channel("auth"))
    answer = session.call(stub.AssumeRole, request, metadata=session.token("auth"))
    credentials = as_dict(answer.credentials)
    if export:
        for name in ("access_key_id", "secret_access_key", "session_token"):
            print(f"export AWS_{name.upper()}={shlex.quote(credentials[name])}")
        show_findings(answer.findings)
        return
    if not as_json:
        errors.print("This is the only time that the secret is shown.")
    emit_written(
        {"assumed_role_arn": answer.assumed_role_arn, **credentials}, answer.findings, as_json=as_json
    )


def _seconds(value: int | None) -> Duration | None:
    return None if value is None else Duration(seconds=value)
