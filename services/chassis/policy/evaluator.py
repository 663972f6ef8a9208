"""The compiled evaluator of one layer: explicit deny, then allow, else implicit deny.

Compiling is done once per content; an evaluation then costs a few microseconds, nearly independent of
the number of statements: by action, then by resource, then the conditions of what is left.
AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Sequence
from dataclasses import replace

from services.chassis.policy.conditions import Context
from services.chassis.policy.model import Decision, Layer, Policy, Verdict
from services.chassis.policy.resources import ResourceIndex, split_arn
from services.chassis.policy.statements import CompiledStatement

_MAX_ACTIONS = 1024
"""Actions come from our own code, so there are few; the bound only keeps a mistake from growing memory."""

_Indexes = tuple[ResourceIndex[CompiledStatement], ResourceIndex[CompiledStatement], bool]
"""Of the statements that deny an action, and of those that allow it; whether one of them needs a context."""


class PolicySet:
    """All policies of one layer that name no principal, compiled. Immutable but for its own cache."""

    def __init__(self, policies: Sequence[Policy], layer: Layer = Layer.IDENTITY, level: int = 0) -> None:
        """Compile the policies; decisions name them by their position."""
        self._silent = Decision(Verdict.IMPLICIT_DENY, layer=layer, level=level)
        self._statements = [
            CompiledStatement(statement, number, index, layer, level)
            for number, policy in enumerate(policies)
            for index, statement in enumerate(policy.statements)
        ]
        self.conditional = any(statement.conditional for statement in self._statements)
        """False when no statement has a condition or a policy variable, so that none needs a context."""
        self._by_action: dict[str, _Indexes] = {}
        self.retired = False
        """True once `retire` was called: whoever holds it must compile the documents again."""

    def retire(self) -> None:
        """Free the memory. From now on everything is denied, whatever other layers say: a Deny is missing."""
        self.retired = True
        self._silent = replace(self._silent, verdict=Verdict.EXPLICIT_DENY)
        self.conditional = False
        self._statements = []
        self._by_action = {}

    def conditional_for(self, action: str) -> bool:
        """Say whether a statement about `action` has a condition or a policy variable."""
        if not self.conditional:
            return False
        return (self._by_action.get(action) or self._index(action))[2]

    def evaluate(self, action: str, resource: str, context: Context) -> Decision:
        """Decide. `resource` is an ARN, or * for an action on none; `context` has lower-case keys."""
        deny, allow, _ = self._by_action.get(action) or self._index(action)
        parts = split_arn(resource)
        for index in (deny, allow):
            for statement in index.find(parts, context):
                if statement.applies(parts, context):
                    return statement.decision
        return self._silent

    def _index(self, action: str) -> _Indexes:
        deny: ResourceIndex[CompiledStatement] = ResourceIndex()
        allow: ResourceIndex[CompiledStatement] = ResourceIndex()
        lower = action.lower()
        conditional = False
        for statement in self._statements:
            if not statement.covers(lower):
                continue
            conditional = conditional or statement.conditional
            index = deny if statement.denies else allow
            if statement.not_resource:
                index.add_always(statement)
            else:
                for pattern in statement.patterns:
                    index.add(pattern, statement)
        if len(self._by_action) >= _MAX_ACTIONS:
            self._by_action.clear()
        indexes = self._by_action[action] = (deny, allow, conditional)
        return indexes
