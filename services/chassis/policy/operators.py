"""The condition operators, and what each compares.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """What the values of a condition key are."""

    STRING = "a string"
    ARN = "an ARN"
    BOOL = "true or false"
    NUMBER = "a number"
    DATE = "a date"
    ADDRESS = "an IP address"
    BINARY = "base64"


class Relation(enum.Enum):
    """How a value of a request is compared with one of a policy."""

    EQUALS = "equals"
    EQUALS_FOLDED = "equals without regard to case"
    LIKE = "matches a pattern of * and ?"
    ARN_LIKE = "matches a pattern, each of the six parts of an ARN by itself"
    LESS = "is less"
    LESS_OR_EQUAL = "is less or equal"
    GREATER = "is greater"
    GREATER_OR_EQUAL = "is greater or equal"
    WITHIN = "lies in a network"
    PRESENT = "is there at all"


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator. A negated one is true of a value that no value of the policy matches."""

    name: str
    relation: Relation
    compares: Kind | None
    """What it takes values for; None when it is about the key alone."""
    negated: bool = False
    variables: bool = False
    """Values may hold policy variables."""


def _operators() -> tuple[Operator, ...]:
    text = [
        ("StringEquals", Relation.EQUALS, False),
        ("StringNotEquals", Relation.EQUALS, True),
        ("StringEqualsIgnoreCase", Relation.EQUALS_FOLDED, False),
        ("StringNotEqualsIgnoreCase", Relation.EQUALS_FOLDED, True),
        ("StringLike", Relation.LIKE, False),
        ("StringNotLike", Relation.LIKE, True),
    ]
    found = [Operator(name, relation, Kind.STRING, negated, True) for name, relation, negated in text]
    for prefix, kind in (("Numeric", Kind.NUMBER), ("Date", Kind.DATE)):
        found += [
            Operator(f"{prefix}Equals", Relation.EQUALS, kind),
            Operator(f"{prefix}NotEquals", Relation.EQUALS, kind, True),
            Operator(f"{prefix}LessThan", Relation.LESS, kind),
            Operator(f"{prefix}LessThanEquals", Relation.LESS_OR_EQUAL, kind),
            Operator(f"{prefix}GreaterThan", Relation.GREATER, kind),
            Operator(f"{prefix}GreaterThanEquals", Relation.GREATER_OR_EQUAL, kind),
        ]
    # ArnEquals and ArnLike are two names of one operator, as their negations are.
    for name, negated in (
        ("ArnEquals", False),
        ("ArnLike", False),
        ("ArnNotEquals", True),
        ("ArnNotLike", True),
    ):
        found.append(Operator(name, Relation.ARN_LIKE, Kind.ARN, negated, True))
    return (
        *found,
        Operator("Bool", Relation.EQUALS, Kind.BOOL),
        Operator("BinaryEquals", Relation.EQUALS, Kind.BINARY),
        Operator("IpAddress", Relation.WITHIN, Kind.ADDRESS),
        Operator("NotIpAddress", Relation.WITHIN, Kind.ADDRESS, True),
        Operator("Null", Relation.PRESENT, None),
    )


OPERATORS = {operator.name: operator for operator in _operators()}


_TEXT = frozenset({Kind.STRING, Kind.ARN, Kind.BOOL, Kind.BINARY})
"""Kinds whose values have one spelling. An address or a point in time has many: no text operator is exact."""


def comparable(operator: Operator, kind: Kind) -> bool:
    """Say whether an operator can decide about values of a key, exactly."""
    if operator.compares is None:
        return True
    if operator.compares is Kind.STRING:
        return kind in _TEXT
    if operator.compares is Kind.DATE:
        # A number is a point in time as well: seconds since 1970.
        return kind in (Kind.DATE, Kind.NUMBER)
    return operator.compares is kind
