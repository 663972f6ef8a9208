"""What is worth knowing about a policy, for people and for programs."""

from collections.abc import Iterable, Mapping
from typing import Any

from craton.common.v1 import policy_finding_pb2 as pb

from cli.output import as_dict, emit, errors

_PREFIX = "POLICY_FINDING_TYPE_"
_STYLES = {
    pb.POLICY_FINDING_TYPE_ERROR: "bold red",
    pb.POLICY_FINDING_TYPE_SECURITY_WARNING: "bold yellow",
    pb.POLICY_FINDING_TYPE_WARNING: "yellow",
    pb.POLICY_FINDING_TYPE_SUGGESTION: "cyan",
}


def findings_of(findings: Iterable[pb.PolicyFinding]) -> list[dict[str, Any]]:
    """Return findings as JSON shows them: with the names and types of AWS's ValidatePolicy."""
    return [{**as_dict(each), "finding_type": _type(each)} for each in findings]


def show_findings(findings: Iterable[pb.PolicyFinding]) -> None:
    """Print findings on standard error, one a line: line and column, type, code, details."""
    for each in findings:
        at = ", ".join(f"{place.start.line}:{place.start.column + 1}" for place in each.locations)
        errors.print(f"{at}: ", end="", markup=False)
        errors.print(_type(each), end="", style=_STYLES.get(each.finding_type, ""), markup=False)
        errors.print(f" {each.issue_code}: {each.finding_details}", markup=False)


def emit_written(data: Mapping[str, Any], findings: Iterable[pb.PolicyFinding], *, as_json: bool) -> None:
    """Print what a command wrote, and what is worth knowing about its policy."""
    found = list(findings)
    if as_json:
        emit({**data, "findings": findings_of(found)}, as_json=True)
    else:
        emit(data, as_json=False)
        show_findings(found)


def _type(finding: pb.PolicyFinding) -> str:
    return pb.PolicyFindingType.Name(finding.finding_type).removeprefix(_PREFIX)
