"""The parsed form of a policy document, and what an evaluation answers."""

import enum
from dataclasses import dataclass


class Effect(enum.Enum):
    """What a statement does when it applies."""

    ALLOW = "Allow"
    DENY = "Deny"


class Operator(enum.Enum):
    """A condition operator. Each is false when the request does not carry its key."""

    STRING_EQUALS = "StringEquals"
    STRING_LIKE = "StringLike"
    BOOL = "Bool"


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key: it holds when any of the values matches."""

    operator: Operator
    key: str
    """Condition key as it was written; keys are compared without regard to case."""
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `actions` and `resources` are patterns; the flags say whether they are excluded."""

    sid: str
    """Empty when the statement has none."""
    effect: Effect
    actions: tuple[str, ...]
    not_action: bool
    resources: tuple[str, ...]
    not_resource: bool
    conditions: tuple[Condition, ...]
    """All of them must hold."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy document."""

    version: str
    statements: tuple[Statement, ...]


class Verdict(enum.Enum):
    """The outcome of an evaluation."""

    ALLOW = "allow"
    EXPLICIT_DENY = "explicit deny"
    IMPLICIT_DENY = "implicit deny"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and the statement that decided it."""

    verdict: Verdict
    policy: int = -1
    """Index of the deciding policy among those compiled; -1 when nothing applied."""
    statement: int = -1
    """Index of the deciding statement in its policy; -1 when nothing applied."""
    sid: str = ""

    @property
    def allowed(self) -> bool:
        """True when the action may be done."""
        return self.verdict is Verdict.ALLOW
