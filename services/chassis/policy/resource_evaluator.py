"""Policies that name principals, compiled: those of resources and endpoints, and resource control policies.

There are few of them for one resource, so that nothing is indexed but the action.
"""

from collections.abc import Sequence
from dataclasses import replace

from services.chassis.policy.conditions import Context
from services.chassis.policy.model import Decision, Layer, Policy, Verdict
from services.chassis.policy.principals import Match, Principals, Requester
from services.chassis.policy.resources import split_arn
from services.chassis.policy.statements import CompiledStatement

_MAX_ACTIONS = 1024

_Entry = tuple[CompiledStatement, Principals]
_Covering = tuple[tuple[_Entry, ...], bool]
"""The statements about an action, and whether one of them needs a context."""


class ResourcePolicySet:
    """The policies of one layer, compiled. Immutable but for its own cache."""

    def __init__(self, policies: Sequence[Policy], layer: Layer = Layer.RESOURCE, level: int = 0) -> None:
        """Compile the policies; decisions name them by their position.

        Raises ValueError for a statement that names no principal.
        """
        self._silent = Decision(Verdict.IMPLICIT_DENY, layer=layer, level=level)
        self._statements: list[_Entry] = []
        for number, policy in enumerate(policies):
            for index, statement in enumerate(policy.statements):
                if statement.principals is None:
                    raise ValueError("a statement of a resource's policy names principals")
                compiled = CompiledStatement(statement, number, index, layer, level)
                self._statements.append((compiled, statement.principals))
        self.conditional = any(statement.conditional for statement, _ in self._statements)
        """False when no statement has a condition or a policy variable, so that none needs a context."""
        self._by_action: dict[str, _Covering] = {}
        self.retired = False
        """True once `retire` was called: whoever holds it must compile the documents again."""

    def retire(self) -> None:
        """Free the memory. From now on everything is denied, whatever other layers say: a Deny is missing."""
        self.retired = True
        self._silent = replace(self._silent, verdict=Verdict.EXPLICIT_DENY)
        self._statements = []
        self._by_action = {}

    def conditional_for(self, action: str) -> bool:
        """Say whether a statement about `action` has a condition or a policy variable."""
        return self.conditional and self._covering(action)[1]

    def evaluate(
        self, requester: Requester, action: str, resource: str, context: Context
    ) -> tuple[Decision, Match]:
        """Decide, and say how closely the policy names the requester: of several Allows the closest counts.

        `resource` is an ARN, or * for an action on none; `context` has lower-case keys.
        """
        entries, _ = self._covering(action)
        parts = split_arn(resource)
        best, closest = self._silent, Match.NONE
        for statement, principals in entries:
            match = principals.match(requester)
            if match is Match.NONE or not statement.applies_to_any(parts, context):
                continue
            if statement.denies:
                return statement.decision, match
            if match > closest:
                best, closest = statement.decision, match
        return best, closest

    def _covering(self, action: str) -> _Covering:
        known = self._by_action.get(action)
        if known is not None:
            return known
        lower = action.lower()
        entries = tuple(each for each in self._statements if each[0].covers(lower))
        covering = entries, any(statement.conditional for statement, _ in entries)
        if len(self._by_action) >= _MAX_ACTIONS:
            self._by_action.clear()
        self._by_action[action] = covering
        return covering
