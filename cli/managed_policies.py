"""`craton policies managed`, `attach`, `detach` and `attached`: policies that several can share."""

from collections.abc import Callable
from typing import Any, TextIO, TypeVar

import click
from craton.auth.v1 import managed_policy_service_pb2 as pb
from craton.auth.v1.managed_policy_service_pb2_grpc import ManagedPolicyServiceStub

from cli.findings import emit_written
from cli.output import as_dict, emit, grpc_errors, json_option
from cli.pages import pages
from cli.session import Session
from deploy.local.stack import Stack

F = TypeVar("F", bound=Callable[..., Any])

_COLUMNS = ("policy_name", "default_version_id", "attachment_count", "arn")
_SCOPES = {
    "all": pb.POLICY_SCOPE_UNSPECIFIED,
    "built-in": pb.POLICY_SCOPE_AWS,
    "own": pb.POLICY_SCOPE_LOCAL,
}
_KINDS = ("user", "group", "role")


@click.group()
def managed() -> None:
    """Manage policies with versions, which several users, groups and roles can share.

    \b
    Example:
      craton policies managed create readers policy.json
    """


def _stub(session: Session) -> ManagedPolicyServiceStub:
    return ManagedPolicyServiceStub(session.channel("auth"))


def _entity(function: F) -> F:
    for kind in reversed(_KINDS):
        function = click.option(f"--{kind}", f"{kind}_name", help=f"Name of the {kind}.")(function)
    return function


def _named(**names: str | None) -> tuple[str, dict[str, str]]:
    """Return the kind of the one entity that was named, and the field that names it."""
    given = {field: name for field, name in names.items() if name}
    if len(given) != 1:
        raise click.UsageError("name one of --user, --group and --role")
    (field,) = given
    return field.removesuffix("_name").capitalize(), given


@managed.command()
@click.argument("policy_name")
@click.argument("document", type=click.File("r", encoding="utf-8"))
@click.option("--description", default="", help="What it is for.")
@json_option
@grpc_errors
def create(policy_name: str, document: TextIO, description: str, as_json: bool) -> None:
    """Create a policy; DOCUMENT is a file, or - for standard input.

    \b
    Example:
      craton policies managed create readers policy.json
    """
    session = Session(Stack.here())
    request = pb.CreatePolicyRequest(
        policy_name=policy_name, document=document.read(), description=description
    )
    answer = session.call(_stub(session).CreatePolicy, request, metadata=session.token("auth"))
    emit_written(as_dict(answer.policy), answer.findings, as_json=as_json)


@managed.command("list")
@click.option("--scope", type=click.Choice(list(_SCOPES)), default="all", help="Whose policies.")
@click.option("--attached", is_flag=True, help="Only those that are attached.")
@json_option
@grpc_errors
def list_(scope: str, attached: bool, as_json: bool) -> None:
    """List policies: the built-in ones, then those of the account.

    \b
    Example:
      craton policies managed list --scope own
    """
    session = Session(Stack.here())
    request = pb.ListPoliciesRequest(scope=_SCOPES[scope], only_attached=attached)
    found = pages(session, _stub(session).ListPolicies, request, "policies", session.token("auth"))
    emit([as_dict(each) for each in found], as_json=as_json, columns=_COLUMNS)


@managed.command()
@click.argument("arn")
@click.option("--version", help='Id of the version, for example "v2"; the one in force without it.')
@json_option
@grpc_errors
def get(arn: str, version: str | None, as_json: bool) -> None:
    """Show a policy with the document of one version.

    \b
    Example:
      craton policies managed get arn:aws:iam::aws:policy/AdministratorAccess --json
    """
    session = Session(Stack.here())
    stub, token = _stub(session), session.token("auth")
    policy = session.call(stub.GetPolicy, pb.GetPolicyRequest(policy_arn=arn), metadata=token).policy
    wanted = pb.GetPolicyVersionRequest(policy_arn=arn, version_id=version or policy.default_version_id)
    found = session.call(stub.GetPolicyVersion, wanted, metadata=token).version
    emit({**as_dict(policy), **as_dict(found)}, as_json=as_json)


@managed.command()
@click.argument("arn")
@json_option
@grpc_errors
def delete(arn: str, as_json: bool) -> None:
    """Delete a policy that nothing uses and that has one version.

    \b
    Example:
      craton policies managed delete arn:aws:iam::123456789012:policy/readers
    """
    session = Session(Stack.here())
    request = pb.DeletePolicyRequest(policy_arn=arn)
    session.call(_stub(session).DeletePolicy, request, metadata=session.token("auth"))
    emit({"deleted": arn}, as_json=as_json)


@managed.command()
@click.argument("arn")
@click.argument("document", type=click.File("r", encoding="utf-8"))
@click.option("--keep-default", is_flag=True, help="Leave the version in force as it is.")
@json_option
@grpc_errors
def update(arn: str, document: TextIO, keep_default: bool, as_json: bool) -> None:
    """Add a version and put it in force; DOCUMENT is a file, or - for standard input.

    \b
    Example:
      craton policies managed update arn:aws:iam::123456789012:policy/readers policy.json
    """
    session = Session(Stack.here())
    request = pb.CreatePolicyVersionRequest(
        policy_arn=arn, document=document.read(), set_as_default=not keep_default
    )
    answer = session.call(_stub(session).CreatePolicyVersion, request, metadata=session.token("auth"))
    emit_written(as_dict(answer.version), answer.findings, as_json=as_json)


@managed.command()
@click.argument("arn")
@json_option
@grpc_errors
def versions(arn: str, as_json: bool) -> None:
    """List the versions of a policy, newest first.

    \b
    Example:
      craton policies managed versions arn:aws:iam::123456789012:policy/readers
    """
    session = Session(Stack.here())
    request = pb.ListPolicyVersionsRequest(policy_arn=arn)
    found = pages(session, _stub(session).ListPolicyVersions, request, "versions", session.token("auth"))
    columns = ("version_id", "is_default_version", "create_time", "document")
    emit([as_dict(each) for each in found], as_json=as_json, columns=columns)


@managed.command("set-default")
@click.argument("arn")
@click.argument("version_id")
@json_option
@grpc_errors
def set_default(arn: str, version_id: str, as_json: bool) -> None:
    """Put a version in force, everywhere the policy is attached.

    \b
    Example:
      craton policies managed set-default arn:aws:iam::123456789012:policy/readers v1
    """
    session = Session(Stack.here())
    request = pb.SetDefaultPolicyVersionRequest(policy_arn=arn, version_id=version_id)
    session.call(_stub(session).SetDefaultPolicyVersion, request, metadata=session.token("auth"))
    emit({"policy": arn, "in_force": version_id}, as_json=as_json)


@managed.command("delete-version")
@click.argument("arn")
@click.argument("version_id")
@json_option
@grpc_errors
def delete_version(arn: str, version_id: str, as_json: bool) -> None:
    """Delete a version that is not in force.

    \b
    Example:
      craton policies managed delete-version arn:aws:iam::123456789012:policy/readers v1
    """
    session = Session(Stack.here())
    request = pb.DeletePolicyVersionRequest(policy_arn=arn, version_id=version_id)
    session.call(_stub(session).DeletePolicyVersion, request, metadata=session.token("auth"))
    emit({"policy": arn, "deleted": version_id}, as_json=as_json)


@managed.command()
@click.argument("arn")
@json_option
@grpc_errors
def users(arn: str, as_json: bool) -> None:
    """List what uses a policy: users, groups and roles, also as a permissions boundary.

    \b
    Example:
      craton policies managed users arn:aws:iam::aws:policy/AdministratorAccess
    """
    session = Session(Stack.here())
    request = pb.ListEntitiesForPolicyRequest(policy_arn=arn)
    found = pages(session, _stub(session).ListEntitiesForPolicy, request, "entities", session.token("auth"))
    emit([as_dict(each) for each in found], as_json=as_json, columns=("kind", "entity_name", "entity_id"))


@click.command()
@click.argument("arn")
@_entity
@json_option
@grpc_errors
def attach(arn: str, as_json: bool, **names: str | None) -> None:
    """Attach a managed policy to a user, a group or a role.

    \b
    Example:
      craton policies attach arn:aws:iam::aws:policy/AmazonBedrockReadOnly --group readers
    """
    kind, named = _named(**names)
    session = Session(Stack.here())
    request = getattr(pb, f"Attach{kind}PolicyRequest")(policy_arn=arn, **named)
    method = getattr(_stub(session), f"Attach{kind}Policy")
    session.call(method, request, metadata=session.token("auth"))
    emit({"attached": arn, **named}, as_json=as_json)


@click.command()
@click.argument("arn")
@_entity
@json_option
@grpc_errors
def detach(arn: str, as_json: bool, **names: str | None) -> None:
    """Detach a managed policy from a user, a group or a role.

    \b
    Example:
      craton policies detach arn:aws:iam::aws:policy/AmazonBedrockReadOnly --group readers
    """
    kind, named = _named(**names)
    session = Session(Stack.here())
    request = getattr(pb, f"Detach{kind}PolicyRequest")(policy_arn=arn, **named)
    method = getattr(_stub(session), f"Detach{kind}Policy")
    session.call(method, request, metadata=session.token("auth"))
    emit({"detached": arn, **named}, as_json=as_json)


@click.command()
@_entity
@json_option
@grpc_errors
def attached(as_json: bool, **names: str | None) -> None:
    """List the managed policies that are attached to a user, a group or a role.

    \b
    Example:
      craton policies attached --user alice
    """
    kind, named = _named(**names)
    session = Session(Stack.here())
    request = getattr(pb, f"ListAttached{kind}PoliciesRequest")(**named)
    method = getattr(_stub(session), f"ListAttached{kind}Policies")
    found = pages(session, method, request, "attached_policies", session.token("auth"))
    emit([as_dict(each) for each in found], as_json=as_json, columns=("policy_name", "policy_arn"))
