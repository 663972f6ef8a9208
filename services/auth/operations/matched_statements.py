"""The statements that a simulated decision rests on, and where they stand in the text of their policy.

AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.auth.domain.policy_sources import PolicySource
from services.chassis.policy.conditions import Context
from services.chassis.policy.document import parse_accepted
from services.chassis.policy.kinds import IDENTITY
from services.chassis.policy.model import Layer, Policy, Verdict
from services.chassis.policy.positions import Position, Positions, position
from services.chassis.policy.principals import Match, Requester
from services.chassis.policy.resources import split_arn
from services.chassis.policy.statements import CompiledStatement

_ALLOWING = (Layer.IDENTITY, Layer.RESOURCE)
"""What gives something. A boundary only narrows it, so that none of its Allows decides."""


@dataclass(frozen=True, slots=True)
class MatchedStatement:
    """A statement that a decision rests on, with its place in the policy as it was written."""

    source: PolicySource
    text: str
    start: Position
    """Of its first character."""
    end: Position
    """Behind its last one."""
    behind: Position
    """Where the list's bracket, or the statement before it, ends. That is what IAM calls its beginning."""


class SourcedPolicy:
    """A policy whose statements are asked for one by one."""

    def __init__(self, source: PolicySource, layer: Layer, policy: Policy | None = None) -> None:
        """Compile the policy, which is read from the text of its source when it is not given."""
        self._source = source
        self._layer = layer
        parsed = policy or parse_accepted(source.document, IDENTITY)
        self._statements = tuple(
            (CompiledStatement(statement, 0, index, layer, 0), statement.principals)
            for index, statement in enumerate(parsed.statements)
        )
        self._positions: Positions | None = None

    def matched(
        self, verdict: Verdict, requester: Requester, action: str, resource: str, context: Context
    ) -> Iterator[MatchedStatement]:
        """Yield the statements that say `verdict` of a request, in their order."""
        if verdict is Verdict.ALLOW and self._layer not in _ALLOWING:
            return
        parts = split_arn(resource)
        for index, (statement, principals) in enumerate(self._statements):
            if statement.decision.verdict is not verdict or not statement.covers(action.lower()):
                continue
            if principals is not None and principals.match(requester) is Match.NONE:
                continue
            if statement.applies_to_any(parts, context):
                yield self._placed(index)

    def _placed(self, index: int) -> MatchedStatement:
        text = self._source.document
        if self._positions is None:
            self._positions = Positions(text)
        span = self._positions.span(("Statement", index))
        whole = self._positions.span(("Statement",))
        behind = span.start
        if index:
            behind = self._positions.span(("Statement", index - 1)).end
        elif text[whole.start.offset] == "[":
            behind = position(text, whole.start.offset + 1)
        written = text[span.start.offset : span.end.offset]
        return MatchedStatement(self._source, written, span.start, span.end, behind)


def matched_statements(
    policies: Iterable[SourcedPolicy],
    verdict: Verdict,
    requester: Requester,
    action: str,
    resource: str,
    context: Context,
) -> tuple[MatchedStatement, ...]:
    """Return the statements that a verdict rests on: of a Deny no Allow, of silence none."""
    return tuple(
        found
        for policy in policies
        for found in policy.matched(verdict, requester, action, resource, context)
    )
