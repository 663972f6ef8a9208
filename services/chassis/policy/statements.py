"""One statement, compiled."""

from services.chassis.policy.conditions import Check, Context
from services.chassis.policy.model import Decision, Effect, Layer, Statement, Verdict
from services.chassis.policy.patterns import matcher
from services.chassis.policy.resources import ResourcePattern


class CompiledStatement:
    """One statement, compiled, with the decision it makes."""

    __slots__ = ("_actions", "_not_action", "checks", "conditional", "decision", "not_resource", "patterns")

    def __init__(self, statement: Statement, policy: int, index: int, layer: Layer, level: int) -> None:
        """Compile statement `index` of policy `policy` of a layer."""
        verdict = Verdict.EXPLICIT_DENY if statement.effect is Effect.DENY else Verdict.ALLOW
        self.decision = Decision(verdict, policy, index, statement.sid, layer, level)
        self._actions = tuple(matcher(action.lower()) for action in statement.actions)
        self._not_action = statement.not_action
        self.patterns = tuple(
            ResourcePattern(resource, variables=statement.variables) for resource in statement.resources
        )
        self.not_resource = statement.not_resource
        self.checks = tuple(Check(condition) for condition in statement.conditions)
        self.conditional = bool(self.checks) or any(pattern.dynamic for pattern in self.patterns)

    @property
    def denies(self) -> bool:
        """Whether the statement is a Deny."""
        return self.decision.verdict is Verdict.EXPLICIT_DENY

    def covers(self, action: str) -> bool:
        """Whether the statement is about `action`, given in lower case."""
        return any(matches(action) for matches in self._actions) is not self._not_action

    def applies(self, parts: list[str] | None, context: Context) -> bool:
        """Whether it applies to a resource that the index has found."""
        if self.not_resource and any(pattern.matches(parts, context) for pattern in self.patterns):
            return False
        return all(check.holds(context) for check in self.checks)

    def applies_to_any(self, parts: list[str] | None, context: Context) -> bool:
        """Whether it applies to any resource at all; one that names none is about what it hangs on."""
        if not self.not_resource and self.patterns:
            found = any(pattern.matches(parts, context) for pattern in self.patterns)
            return found and self.applies(parts, context)
        return self.applies(parts, context)
