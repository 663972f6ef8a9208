"""`craton policies check`: whether a document would be accepted, and what is worth knowing about it."""

import json
from typing import TextIO

import click
from craton.common.v1 import policy_finding_pb2 as pb

from cli.findings import findings_of, show_findings
from cli.output import Exit, errors, json_option
from services.chassis.errors import DomainError
from services.chassis.policy import kinds
from services.chassis.policy.document import parse
from services.chassis.policy.finding_messages import findings_about

_KINDS = {
    "identity": kinds.IDENTITY,
    "session": kinds.SESSION,
    "scp": kinds.SERVICE_CONTROL,
    "rcp": kinds.RESOURCE_CONTROL,
    "endpoint": kinds.ENDPOINT,
    "key": kinds.KEY,
    "model": kinds.MODEL,
    "trust": kinds.TRUST,
}
_WEIGHT = (
    pb.POLICY_FINDING_TYPE_SUGGESTION,
    pb.POLICY_FINDING_TYPE_WARNING,
    pb.POLICY_FINDING_TYPE_SECURITY_WARNING,
    pb.POLICY_FINDING_TYPE_ERROR,
)
"""From the lightest."""
_NAMES = tuple(
    pb.PolicyFindingType.Name(each).removeprefix("POLICY_FINDING_TYPE_").lower().replace("_", "-")
    for each in _WEIGHT
)


@click.command()
@click.argument("document", type=click.File("r", encoding="utf-8"))
@click.option(
    "--type", "kind", type=click.Choice(sorted(_KINDS)), default="identity", help="What it shall be."
)
@click.option(
    "--fail-on",
    type=click.Choice(_NAMES),
    default="error",
    show_default=True,
    help="The lightest finding that makes the exit status 1.",
)
@json_option
def check(document: TextIO, kind: str, fail_on: str, as_json: bool) -> None:
    """Check a policy without writing it; nothing needs to run. DOCUMENT is a file, or - for standard input.

    Prints findings with line and column on standard error. The exit status is 0 when there is none of the
    weight of --fail-on, 1 when there is, 3 when the document would be refused.

    \b
    Example:
      craton policies check --type scp --fail-on warning limits.json
    """
    text = document.read()
    try:
        parse(text, _KINDS[kind])
        findings = findings_about(text, _KINDS[kind])
    except DomainError as error:
        if as_json:
            click.echo(json.dumps({"accepted": False, "reason": error.message, "findings": []}, indent=2))
        else:
            errors.print(error.message, markup=False)
        raise SystemExit(int(Exit.REFUSED)) from error
    if as_json:
        click.echo(json.dumps({"accepted": True, "findings": findings_of(findings)}, indent=2))
    else:
        show_findings(findings)
        click.echo(f"accepted, {len(findings)} findings" if findings else "accepted, nothing found")
    failing = _WEIGHT[_NAMES.index(fail_on) :]
    if any(each.finding_type in failing for each in findings):
        raise SystemExit(int(Exit.FAILED))
