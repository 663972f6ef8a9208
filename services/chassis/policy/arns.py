"""ARNs against patterns, each of the six parts by itself: arn:partition:service:region:account:resource.

A wildcard in one of the first five parts ends at the colon; in the last it goes beyond.
AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from collections.abc import Mapping, Sequence

from services.chassis.policy.patterns import Matcher, matcher
from services.chassis.policy.templates import Template, insert, matches, split_parts

PARTS = 6

PartChecks = tuple[tuple[int, Matcher], ...]
"""The parts that are not just *, by their index."""


def split(text: str) -> list[str] | None:
    """Split into six parts; None for a text that has fewer."""
    parts = text.split(":", PARTS - 1)
    return parts if len(parts) == PARTS else None


def part_checks(pattern: str) -> PartChecks:
    """Compile a pattern of six parts that holds no variable."""
    return tuple((i, matcher(part)) for i, part in enumerate(pattern.split(":", PARTS - 1)) if part != "*")


def fits(checks: PartChecks, parts: Sequence[str]) -> bool:
    """Say whether all checks hold of an ARN's parts."""
    return all(check(parts[i]) for i, check in checks)


def template_fits(template: Template, parts: Sequence[str], context: Mapping[str, object]) -> bool:
    """Compare an ARN's parts with a template, whose variables are the request's."""
    wanted = split_parts(template)
    if len(wanted) != PARTS:
        return False
    for part, text in zip(wanted, parts, strict=True):
        pieces = insert(part, context)
        if pieces is None or not matches(pieces, text):
            return False
    return True
