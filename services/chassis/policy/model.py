"""The parsed form of a policy document, and what an evaluation answers."""

import enum
from dataclasses import dataclass

from services.chassis.policy.operators import Operator
from services.chassis.policy.principals import Principals


class Effect(enum.Enum):
    """What a statement does when it applies."""

    ALLOW = "Allow"
    DENY = "Deny"


class Quantifier(enum.Enum):
    """How a condition looks at a key that can have several values."""

    ONE = ""
    """The key has one value."""
    ALL = "ForAllValues"
    """Each of the request's values must match; true when there is none."""
    ANY = "ForAnyValue"
    """One of the request's values must match; false when there is none."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key: it holds when any of the values matches, negated when none does."""

    operator: Operator
    key: str
    """Condition key as it was written; keys are compared without regard to case."""
    values: tuple[str, ...]
    quantifier: Quantifier = Quantifier.ONE
    if_exists: bool = False
    """True of a request that does not carry the key."""
    variables: bool = True
    """Whether `${` begins a policy variable: since version 2012-10-17."""

    @property
    def name(self) -> str:
        """The operator as policies write it."""
        quantifier = f"{self.quantifier.value}:" if self.quantifier.value else ""
        return f"{quantifier}{self.operator.name}{'IfExists' if self.if_exists else ''}"


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
    variables: bool = True
    """Whether `${` begins a policy variable in `resources`."""
    principals: Principals | None = None
    """Whom it is about; None in policies that are about whom they are attached to."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy document."""

    version: str
    statements: tuple[Statement, ...]
    id: str = ""
    """A name of its writer's, which means nothing; empty for none."""


class Verdict(enum.Enum):
    """The outcome of an evaluation."""

    ALLOW = "allow"
    EXPLICIT_DENY = "explicit deny"
    IMPLICIT_DENY = "implicit deny"


class Layer(enum.Enum):
    """Where a policy stands. The value is what a refusal calls it."""

    SERVICE_CONTROL = "service control policy"
    RESOURCE_CONTROL = "resource control policy"
    ENDPOINT = "VPC endpoint policy"
    RESOURCE = "resource-based policy"
    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and the layer and the statement that decided it."""

    verdict: Verdict
    policy: int = -1
    """Index of the deciding policy among those of its layer; -1 when nothing applied."""
    statement: int = -1
    """Index of the deciding statement in its policy; -1 when nothing applied."""
    sid: str = ""
    layer: Layer = Layer.IDENTITY
    level: int = 0
    """Which of an organization's levels, the root first; 0 in layers that have one."""
    other_action: str = ""
    """The action that was refused, on no resource, when it is another one than was asked about."""

    @property
    def allowed(self) -> bool:
        """True when the action may be done."""
        return self.verdict is Verdict.ALLOW
