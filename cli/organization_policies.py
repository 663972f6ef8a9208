"""`craton organization policies`: service control policies and resource control policies."""

from typing import Any, TextIO

import click
from craton.auth.v1 import organization_policy_service_pb2 as pb
from craton.auth.v1 import organization_service_pb2 as tree_pb
from craton.auth.v1.organization_policy_service_pb2_grpc import OrganizationPolicyServiceStub
from craton.auth.v1.organization_service_pb2_grpc import OrganizationServiceStub

from cli.findings import emit_written
from cli.output import as_dict, emit, grpc_errors, json_option
from cli.pages import pages
from cli.session import Session
from deploy.local.stack import Stack

_TYPES = {
    "scp": tree_pb.ORGANIZATION_POLICY_TYPE_SERVICE_CONTROL_POLICY,
    "rcp": tree_pb.ORGANIZATION_POLICY_TYPE_RESOURCE_CONTROL_POLICY,
}
_COLUMNS = ("policy_id", "name", "description", "aws_managed", "update_time")
_TARGET_COLUMNS = ("target_id", "type", "name", "arn")

_type = click.option(
    "--type",
    "policy_type",
    type=click.Choice(list(_TYPES)),
    default="scp",
    show_default=True,
    help="scp bounds what principals of an account can do, rcp what can be done to its resources.",
)


@click.group()
def policies() -> None:
    """Bound what accounts can do: service control policies (scp) and resource control policies (rcp).

    \b
    Example:
      craton organization policies attach p-abcdefghij ou-ab12-abcdefgh
    """


def _stub(session: Session) -> OrganizationPolicyServiceStub:
    return OrganizationPolicyServiceStub(session.channel("auth"))


def _target(session: Session, target: str) -> str:
    """Return an id as it is, and that of the root for "root"."""
    if target != "root":
        return target
    stub = OrganizationServiceStub(session.channel("auth"))
    answer = session.call(stub.ListRoots, tree_pb.ListRootsRequest(), metadata=session.token("auth"))
    return str(answer.roots[0].root_id)


@policies.command()
@click.argument("name")
@click.argument("document", type=click.File("r", encoding="utf-8"))
@_type
@click.option("--description", default="", help="What it is for.")
@json_option
@grpc_errors
def create(name: str, document: TextIO, policy_type: str, description: str, as_json: bool) -> None:
    """Create a policy, attached nowhere yet; DOCUMENT is a file, or - for standard input.

    \b
    Example:
      echo '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Resource": "*",
        "Action": "bedrock:CreateFoundationModelAgreement"}]}' |
        craton organization policies create no-new-models -
    """
    session = Session(Stack.here())
    request = pb.CreateOrganizationPolicyRequest(
        policy_type=_TYPES[policy_type], name=name, description=description, content=document.read()
    )
    answer = session.call(_stub(session).CreateOrganizationPolicy, request, metadata=session.token("auth"))
    emit_written(as_dict(answer.policy), answer.findings, as_json=as_json)


@policies.command()
@click.argument("policy_id")
@json_option
@grpc_errors
def get(policy_id: str, as_json: bool) -> None:
    """Show one policy.

    \b
    Example:
      craton organization policies get p-FullAWSAccess --json
    """
    session = Session(Stack.here())
    request = pb.DescribeOrganizationPolicyRequest(policy_id=policy_id)
    answer = session.call(_stub(session).DescribeOrganizationPolicy, request, metadata=session.token("auth"))
    emit(as_dict(answer.policy), as_json=as_json)


@policies.command("list")
@_type
@click.option("--target", default="", help="Only what is attached to this root, unit or account itself.")
@json_option
@grpc_errors
def list_(policy_type: str, target: str, as_json: bool) -> None:
    """List the policies of a type.

    \b
    Example:
      craton organization policies list --target 210987654321
    """
    session = Session(Stack.here())
    metadata, kind = session.token("auth"), _TYPES[policy_type]
    request: Any
    if target:
        method = _stub(session).ListPoliciesForTarget
        request = pb.ListPoliciesForTargetRequest(target_id=_target(session, target), policy_type=kind)
    else:
        method = _stub(session).ListOrganizationPolicies
        request = pb.ListOrganizationPoliciesRequest(policy_type=kind)
    found = pages(session, method, request, "policies", metadata)
    emit([as_dict(each) for each in found], as_json=as_json, columns=_COLUMNS)


@policies.command()
@click.argument("policy_id")
@click.argument("document", type=click.File("r", encoding="utf-8"), required=False)
@click.option("--name", help="Another name.")
@click.option("--description", help="Another description.")
@json_option
@grpc_errors
def update(
    policy_id: str, document: TextIO | None, name: str | None, description: str | None, as_json: bool
) -> None:
    """Change a policy wherever it is attached; what is not given stays.

    \b
    Example:
      craton organization policies update p-abcdefghij policy.json
    """
    session = Session(Stack.here())
    content = None if document is None else document.read()
    request = pb.UpdateOrganizationPolicyRequest(
        policy_id=policy_id, name=name, description=description, content=content
    )
    answer = session.call(_stub(session).UpdateOrganizationPolicy, request, metadata=session.token("auth"))
    emit_written(as_dict(answer.policy), answer.findings, as_json=as_json)


@policies.command()
@click.argument("policy_id")
@json_option
@grpc_errors
def delete(policy_id: str, as_json: bool) -> None:
    """Delete a policy that is attached nowhere.

    \b
    Example:
      craton organization policies delete p-abcdefghij
    """
    session = Session(Stack.here())
    request = pb.DeleteOrganizationPolicyRequest(policy_id=policy_id)
    session.call(_stub(session).DeleteOrganizationPolicy, request, metadata=session.token("auth"))
    emit({"deleted": policy_id}, as_json=as_json)


@policies.command()
@click.argument("policy_id")
@click.argument("target")
@json_option
@grpc_errors
def attach(policy_id: str, target: str, as_json: bool) -> None:
    """Attach a policy to a unit, an account, or root. It counts for everything below at once.

    \b
    Example:
      craton organization policies attach p-abcdefghij root
    """
    session = Session(Stack.here())
    target_id = _target(session, target)
    request = pb.AttachOrganizationPolicyRequest(policy_id=policy_id, target_id=target_id)
    session.call(_stub(session).AttachOrganizationPolicy, request, metadata=session.token("auth"))
    emit({"attached": policy_id, "to": target_id}, as_json=as_json)


@policies.command()
@click.argument("policy_id")
@click.argument("target")
@json_option
@grpc_errors
def detach(policy_id: str, target: str, as_json: bool) -> None:
    """Detach a policy from a unit, an account, or root.

    \b
    Example:
      craton organization policies detach p-abcdefghij ou-ab12-abcdefgh
    """
    session = Session(Stack.here())
    target_id = _target(session, target)
    request = pb.DetachOrganizationPolicyRequest(policy_id=policy_id, target_id=target_id)
    session.call(_stub(session).DetachOrganizationPolicy, request, metadata=session.token("auth"))
    emit({"detached": policy_id, "from": target_id}, as_json=as_json)


@policies.command()
@click.argument("policy_id")
@json_option
@grpc_errors
def targets(policy_id: str, as_json: bool) -> None:
    """List what a policy is attached to.

    \b
    Example:
      craton organization policies targets p-FullAWSAccess
    """
    session = Session(Stack.here())
    request = pb.ListTargetsForPolicyRequest(policy_id=policy_id)
    found = pages(session, _stub(session).ListTargetsForPolicy, request, "targets", session.token("auth"))
    emit([as_dict(each) for each in found], as_json=as_json, columns=_TARGET_COLUMNS)


@click.command()
@click.argument("policy_type", type=click.Choice(list(_TYPES)))
@json_option
@grpc_errors
def enable(policy_type: str, as_json: bool) -> None:
    """Let policies of a type count; each root, unit and account begins with the one that forbids nothing.

    \b
    Example:
      craton organization enable rcp
    """
    _switch("EnablePolicyType", policy_type, as_json)


@click.command()
@click.argument("policy_type", type=click.Choice(list(_TYPES)))
@json_option
@grpc_errors
def disable(policy_type: str, as_json: bool) -> None:
    """Detach all policies of a type, and let none count until it is enabled again.

    \b
    Example:
      craton organization disable rcp
    """
    _switch("DisablePolicyType", policy_type, as_json)


def _switch(method: str, policy_type: str, as_json: bool) -> None:
    session = Session(Stack.here())
    request = getattr(pb, f"{method}Request")(
        root_id=_target(session, "root"), policy_type=_TYPES[policy_type]
    )
    answer = session.call(getattr(_stub(session), method), request, metadata=session.token("auth"))
    emit(as_dict(answer.root), as_json=as_json)
