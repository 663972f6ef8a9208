"""Findings as services answer them."""

from collections.abc import Iterator

from craton.common.v1 import policy_finding_pb2 as pb

from services.chassis.policy.findings import Finding, FindingType, Location
from services.chassis.policy.kinds import IDENTITY, PolicyKind
from services.chassis.policy.positions import Position
from services.chassis.policy.review import review

_TYPES = {
    FindingType.ERROR: pb.POLICY_FINDING_TYPE_ERROR,
    FindingType.SECURITY_WARNING: pb.POLICY_FINDING_TYPE_SECURITY_WARNING,
    FindingType.WARNING: pb.POLICY_FINDING_TYPE_WARNING,
    FindingType.SUGGESTION: pb.POLICY_FINDING_TYPE_SUGGESTION,
}


def findings_about(document: str, kind: PolicyKind = IDENTITY) -> list[pb.PolicyFinding]:
    """Return what is worth knowing about a document that was accepted."""
    return [finding_message(each) for each in review(document, kind)]


def finding_message(finding: Finding) -> pb.PolicyFinding:
    """Return one finding."""
    return pb.PolicyFinding(
        finding_type=_TYPES[finding.finding_type],
        issue_code=finding.code.value,
        finding_details=finding.details,
        learn_more_link=finding.code.learn_more,
        locations=[
            pb.PolicyLocation(
                path=_path(each), start=position_message(each.span.start), end=position_message(each.span.end)
            )
            for each in finding.locations
        ],
    )


def _path(location: Location) -> Iterator[pb.PolicyPathElement]:
    for at, step in enumerate(location.path):
        if isinstance(step, int):
            yield pb.PolicyPathElement(index=step)
        elif location.key and at == len(location.path) - 1:
            yield pb.PolicyPathElement(key=step)
        else:
            yield pb.PolicyPathElement(value=step)


def position_message(position: Position) -> pb.PolicyPosition:
    """Return a place in a document."""
    return pb.PolicyPosition(line=position.line, column=position.column, offset=position.offset)
