"""The compiled evaluator: explicit deny, then allow, else implicit deny.

Compiling is done once per content; an evaluation then costs a few microseconds, nearly independent of
the number of statements: by action, then by resource, then the conditions of what is left.
AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Sequence

from services.chassis.policy.conditions import Check, Context
from services.chassis.policy.model import Decision, Effect, Policy, Statement, Verdict
from services.chassis.policy.patterns import matcher
from services.chassis.policy.resources import ResourceIndex, ResourcePattern, split_arn

_MAX_ACTIONS = 1024
"""Actions come from our own code, so there are few; the bound only keeps a mistake from growing memory."""

IMPLICIT_DENY = Decision(Verdict.IMPLICIT_DENY)


class _Compiled:
    """One statement, compiled, with the decision it makes."""

    __slots__ = ("_actions", "_not_action", "checks", "conditional", "decision", "not_resource", "patterns")

    def __init__(self, statement: Statement, policy: int, index: int) -> None:
        deny = statement.effect is Effect.DENY
        self.decision = Decision(
            Verdict.EXPLICIT_DENY if deny else Verdict.ALLOW, policy, index, statement.sid
        )
        self._actions = tuple(matcher(action.lower()) for action in statement.actions)
        self._not_action = statement.not_action
        self.patterns = tuple(
            ResourcePattern(resource, variables=statement.variables) for resource in statement.resources
        )
        self.not_resource = statement.not_resource
        self.checks = tuple(Check(condition) for condition in statement.conditions)
        self.conditional = bool(self.checks) or any(pattern.dynamic for pattern in self.patterns)

    def covers(self, action: str) -> bool:
        """Whether the statement is about `action`, given in lower case."""
        return any(matches(action) for matches in self._actions) is not self._not_action

    def applies(self, parts: list[str] | None, context: Context) -> bool:
        """Whether it applies to a resource that the index has found."""
        if self.not_resource and any(pattern.matches(parts, context) for pattern in self.patterns):
            return False
        return all(check.holds(context) for check in self.checks)


class PolicySet:
    """All identity policies of one principal, compiled. Immutable but for its own cache."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        """Compile the policies; decisions name them by their position."""
        self._statements = [
            _Compiled(statement, number, index)
            for number, policy in enumerate(policies)
            for index, statement in enumerate(policy.statements)
        ]
        self.conditional = any(statement.conditional for statement in self._statements)
        """False when no statement has a condition or a policy variable, so that none needs a context."""
        self._by_action: dict[str, tuple[ResourceIndex[_Compiled], ResourceIndex[_Compiled]]] = {}
        self.retired = False
        """True once `retire` was called: whoever holds it must compile the documents again."""

    def retire(self) -> None:
        """Free the memory. From now on everything is denied, so that a mistake cannot permit anything."""
        self.retired = True
        self.conditional = False
        self._statements = []
        self._by_action = {}

    def evaluate(self, action: str, resource: str, context: Context) -> Decision:
        """Decide. `resource` is an ARN, or * for an action on none; `context` has lower-case keys."""
        indexes = self._by_action.get(action)
        if indexes is None:
            indexes = self._index(action)
        parts = split_arn(resource)
        for index in indexes:
            for statement in index.find(parts, context):
                if statement.applies(parts, context):
                    return statement.decision
        return IMPLICIT_DENY

    def _index(self, action: str) -> tuple[ResourceIndex[_Compiled], ResourceIndex[_Compiled]]:
        deny: ResourceIndex[_Compiled] = ResourceIndex()
        allow: ResourceIndex[_Compiled] = ResourceIndex()
        lower = action.lower()
        for statement in self._statements:
            if not statement.covers(lower):
                continue
            index = deny if statement.decision.verdict is Verdict.EXPLICIT_DENY else allow
            if statement.not_resource:
                index.add_always(statement)
            else:
                for pattern in statement.patterns:
                    index.add(pattern, statement)
        if len(self._by_action) >= _MAX_ACTIONS:
            self._by_action.clear()
        self._by_action[action] = (deny, allow)
        return deny, allow
