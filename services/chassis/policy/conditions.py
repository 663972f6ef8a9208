"""Conditions, compiled: every operator, the set operators, IfExists and policy variables.

A request's context maps condition keys in lower case to a value, or to a tuple of values for keys that
can have several. AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from services.chassis.policy import arns, scalars
from services.chassis.policy.model import Condition, Quantifier
from services.chassis.policy.operators import Kind, Relation
from services.chassis.policy.patterns import matcher
from services.chassis.policy.templates import (
    Template,
    insert,
    is_plain,
    matches,
    parse_template,
    text_of,
)

Context = Mapping[str, str | tuple[str, ...]]
Matches = Callable[[str, Context], bool]
"""Says whether a value of the request matches any value of the policy."""

_ORDER: dict[Relation, Callable[[Any, Any], bool]] = {
    Relation.EQUALS: operator.eq,
    Relation.LESS: operator.lt,
    Relation.LESS_OR_EQUAL: operator.le,
    Relation.GREATER: operator.gt,
    Relation.GREATER_OR_EQUAL: operator.ge,
}
_SCALARS: dict[Kind, Callable[[str], Any]] = {
    Kind.NUMBER: scalars.number,
    Kind.DATE: scalars.instant,
    Kind.BOOL: scalars.truth,
    Kind.BINARY: scalars.octets,
}


class Check:
    """One condition, compiled."""

    __slots__ = ("_absent", "_key", "_matches", "_negated", "_present", "_quantifier")

    def __init__(self, condition: Condition) -> None:
        """Compile a condition that the parser has accepted."""
        compared = condition.operator
        self._key = condition.key.lower()
        self._quantifier = condition.quantifier
        self._negated = compared.negated
        self._present: bool | None = None
        self._matches: Matches = _never
        if compared.relation is Relation.PRESENT:
            wanted = {scalars.truth(value) for value in condition.values}
            # Null is true when the key is absent; with both values it is true of every request.
            self._absent = True in wanted
            self._present = False in wanted
            return
        self._matches = _matches(condition)
        self._absent = (
            condition.if_exists
            or condition.quantifier is Quantifier.ALL
            or (compared.negated and condition.quantifier is Quantifier.ONE)
        )

    def holds(self, context: Context) -> bool:
        """Say whether the condition holds of a request."""
        value = context.get(self._key)
        if value is None or value == ():
            return self._absent
        if self._present is not None:
            return self._present
        found, negated = self._matches, self._negated
        if isinstance(value, str):
            return found(value, context) is not negated
        if self._quantifier is Quantifier.ALL:
            return all(found(each, context) is not negated for each in value)
        # The parser lets no other condition than one of the set operators name a key with several values.
        return any(found(each, context) is not negated for each in value)


def _never(_value: str, _context: Context) -> bool:
    return False


def _matches(condition: Condition) -> Matches:
    compared = condition.operator
    if compared.compares in _SCALARS:
        return _scalar_matches(_SCALARS[compared.compares], _ORDER[compared.relation], condition.values)
    if compared.relation is Relation.WITHIN:
        return _address_matches(condition.values)
    templates = [parse_template(value) if condition.variables else (value,) for value in condition.values]
    plain = [value for value, template in zip(condition.values, templates, strict=True) if is_plain(template)]
    others = [template for template in templates if not is_plain(template)]
    fixed = _fixed_matches(compared.relation, plain)
    if not others:
        return fixed
    inserted = _INSERTED[compared.relation]

    def found(value: str, context: Context) -> bool:
        return fixed(value, context) or any(inserted(template, value, context) for template in others)

    return found


def _fixed_matches(relation: Relation, values: list[str]) -> Matches:
    """Match texts without variables, which is what nearly all policies hold."""
    if relation is Relation.EQUALS:
        wanted = frozenset(values)
        return lambda value, _: value in wanted
    if relation is Relation.EQUALS_FOLDED:
        folded = frozenset(scalars.in_one_case(value) for value in values)
        return lambda value, _: scalars.in_one_case(value) in folded
    if relation is Relation.LIKE:
        patterns = tuple(matcher(value) for value in values)
        return lambda value, _: any(fits(value) for fits in patterns)
    wanted_arns = tuple(arns.part_checks(value) for value in values)

    def arn_matches(value: str, _context: Context) -> bool:
        parts = arns.split(value)
        return parts is not None and any(arns.fits(checks, parts) for checks in wanted_arns)

    return arn_matches


def _equals(template: Template, value: str, context: Context) -> bool:
    pieces = insert(template, context)
    return pieces is not None and text_of(pieces) == value


def _equals_folded(template: Template, value: str, context: Context) -> bool:
    pieces = insert(template, context)
    return pieces is not None and scalars.in_one_case(text_of(pieces)) == scalars.in_one_case(value)


def _like(template: Template, value: str, context: Context) -> bool:
    pieces = insert(template, context)
    return pieces is not None and matches(pieces, value)


def _arn_like(template: Template, value: str, context: Context) -> bool:
    parts = arns.split(value)
    return parts is not None and arns.template_fits(template, parts, context)


_INSERTED: dict[Relation, Callable[[Template, str, Context], bool]] = {
    Relation.EQUALS: _equals,
    Relation.EQUALS_FOLDED: _equals_folded,
    Relation.LIKE: _like,
    Relation.ARN_LIKE: _arn_like,
}


def _scalar_matches(
    read: Callable[[str], Any], compare: Callable[[Any, Any], bool], values: tuple[str, ...]
) -> Matches:
    wanted = tuple(read(value) for value in values)

    def found(value: str, _context: Context) -> bool:
        try:
            given = read(value)
        except ValueError:
            # The request's value is no such thing: it equals nothing and lies nowhere.
            return False
        return any(compare(given, each) for each in wanted)

    return found


def _address_matches(values: tuple[str, ...]) -> Matches:
    networks = tuple(scalars.network(value) for value in values)

    def found(value: str, _context: Context) -> bool:
        try:
            given = scalars.address(value)
        except ValueError:
            return False
        return any(given in each for each in networks)

    return found
