"""`craton policies simulate`: what policies would decide, and why."""

from collections.abc import Mapping
from typing import TextIO

import click
from craton.auth.v1 import simulation_service_pb2 as pb
from craton.auth.v1.simulation_service_pb2_grpc import SimulationServiceStub

from cli.findings import show_findings
from cli.output import Exit, as_dict, emit, grpc_errors, json_option
from cli.session import Session
from deploy.local.stack import Stack

_VERDICTS = {
    pb.SIMULATION_VERDICT_ALLOWED: "allowed",
    pb.SIMULATION_VERDICT_EXPLICIT_DENY: "explicit deny",
    pb.SIMULATION_VERDICT_IMPLICIT_DENY: "implicit deny",
}
_SOURCES = {
    pb.POLICY_SOURCE_TYPE_USER: "inline policy of the user",
    pb.POLICY_SOURCE_TYPE_GROUP: "inline policy of a group",
    pb.POLICY_SOURCE_TYPE_ROLE: "inline policy of the role",
    pb.POLICY_SOURCE_TYPE_AWS_MANAGED: "managed policy of this installation",
    pb.POLICY_SOURCE_TYPE_USER_MANAGED: "managed policy of the account",
    pb.POLICY_SOURCE_TYPE_RESOURCE: "policy of the resource",
    pb.POLICY_SOURCE_TYPE_NONE: "given",
}


def _context(entries: tuple[str, ...]) -> list[pb.ContextEntry]:
    found: dict[str, pb.ContextEntry] = {}
    for entry in entries:
        key, equals, value = entry.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{entry!r} is not KEY=VALUE", param_hint="--context")
        found.setdefault(key, pb.ContextEntry(key=key)).values.append(value)
    return list(found.values())


@click.command()
@click.argument("principal_arn")
@click.argument("actions", nargs=-1, required=True)
@click.option("--resource", "resources", multiple=True, help="ARN, or * for none; may be repeated.")
@click.option(
    "--context", "context", multiple=True, metavar="KEY=VALUE", help="A condition key of the request."
)
@click.option(
    "--policy",
    "documents",
    multiple=True,
    type=click.File("r", encoding="utf-8"),
    help="Decide as if it had this too.",
)
@click.option("--boundary", type=click.File("r", encoding="utf-8"), help="Decide with this boundary.")
@click.option(
    "--resource-policy",
    type=click.File("r", encoding="utf-8"),
    help="Decide as if each resource had this policy.",
)
@click.option("--resource-owner", default="", help="Account that owns resources whose ARN names none.")
@click.option("--caller", default="", metavar="ARN", help="The user that calls, for --resource-policy.")
@json_option
@grpc_errors
def simulate(
    principal_arn: str,
    actions: tuple[str, ...],
    resources: tuple[str, ...],
    context: tuple[str, ...],
    documents: tuple[TextIO, ...],
    boundary: TextIO | None,
    resource_policy: TextIO | None,
    resource_owner: str,
    caller: str,
    as_json: bool,
) -> None:
    """Say whether a user or a role may do ACTIONS, and which statements of which policies decide it.

    Statements stand with their policy, line and column: "by deny.json:3:5", "by user_alice_readers:1:38".
    Nothing is done, and policies of resources (keys, roles) are not looked up: see --resource-policy. The
    exit status is 0 when everything would be allowed, 3 when something would not.

    \b
    Example:
      craton policies simulate arn:aws:iam::123456789012:user/alice bedrock:InvokeModel \\
        --resource arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1 \\
        --context aws:SourceIp=10.1.2.3
    """
    session = Session(Stack.here())
    files = _files(documents, boundary, resource_policy)
    request = pb.SimulatePrincipalPolicyRequest(
        principal_arn=principal_arn,
        actions=actions,
        resources=resources,
        context=_context(context),
        additional_policies=[document.read() for document in documents],
        boundary_policies=[boundary.read()] if boundary else [],
        resource=pb.SimulatedResource(
            policy=resource_policy.read() if resource_policy else "",
            owner_account_id=resource_owner,
            caller_arn=caller,
        ),
    )
    stub = SimulationServiceStub(session.channel("auth"))
    answer = session.call(stub.SimulatePrincipalPolicy, request, metadata=session.token("auth"))
    results = list(answer.results)
    while answer.next_page_token:
        request.page_token = answer.next_page_token
        answer = session.call(stub.SimulatePrincipalPolicy, request, metadata=session.token("auth"))
        results += answer.results
    if as_json:
        emit([as_dict(result) for result in results], as_json=True)
    else:
        for result in results:
            show_result(result, files)
        for document, about in zip(documents, answer.findings, strict=True):
            if about.findings:
                click.echo(f"{document.name}:", err=True)
                show_findings(about.findings)
    if any(result.verdict != pb.SIMULATION_VERDICT_ALLOWED for result in results):
        raise SystemExit(int(Exit.REFUSED))


def _files(
    documents: tuple[TextIO, ...], boundary: TextIO | None, resource_policy: TextIO | None
) -> dict[str, str]:
    """Return the names of the files by what answers call the policies in them."""
    found = {f"PolicyInputList.{number}": file.name for number, file in enumerate(documents, 1)}
    if boundary is not None:
        found["PermissionsBoundaryPolicyInputList.1"] = boundary.name
    if resource_policy is not None:
        found["ResourcePolicy"] = resource_policy.name
    return found


def show_result(result: pb.SimulationResult, files: Mapping[str, str]) -> None:
    """Print a result for people; `files` are the names of files by what the policies in them are called."""
    click.echo(f"{_VERDICTS[result.verdict]}: {result.action} on {result.resource}")
    if result.permission_free:
        click.echo("    it needs no permission")
        return
    if not result.action_known:
        hint = f"; did you mean {result.nearest_action}?" if result.nearest_action else ""
        click.echo(f"    there is no such action{hint}")
    if result.missing_context_keys:
        click.echo(f"    not known, give with --context: {', '.join(result.missing_context_keys)}")
    for each in result.matched_statements:
        place = f"{files.get(each.policy_id, each.policy_id)}:{each.start.line}:{each.start.column + 1}"
        click.echo(f"    by {place} ({_SOURCES[each.policy_type]})")
    for said in result.layers:
        decides = said == result.decided_by
        level = f" (level {said.level})" if said.layer.endswith("control policy") else ""
        click.echo(f"  {'→' if decides else ' '} {said.layer}{level}: {_VERDICTS[said.verdict]}")
        if said.statement:
            click.echo(f"      {said.statement}")
