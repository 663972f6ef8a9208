"""Parsing the Condition element: operators, keys and values that fit together, or a refusal.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
"""

from collections.abc import Callable
from typing import Any

from services.chassis.policy import scalars
from services.chassis.policy.elements import DocumentError, Place, mapping, shown, strings
from services.chassis.policy.key_table import Key
from services.chassis.policy.keys import find
from services.chassis.policy.model import Condition, Quantifier
from services.chassis.policy.operators import OPERATORS, Kind, Operator, Relation, comparable
from services.chassis.policy.templates import keys_of, parse_template, split_parts

_IF_EXISTS = "IfExists"
_ARN_PARTS = 6
_READERS: dict[Kind, Callable[[str], Any]] = {
    Kind.NUMBER: scalars.number,
    Kind.DATE: scalars.instant,
    Kind.BOOL: scalars.truth,
    Kind.BINARY: scalars.octets,
    Kind.ADDRESS: scalars.network,
}


def parse_conditions(value: Any, place: Place, *, variables: bool) -> tuple[Condition, ...]:
    """Parse a Condition element. With `variables`, `${` begins a policy variable.

    Raises DomainError(UNSUPPORTED_POLICY).
    """
    found: list[Condition] = []
    for name, keys in mapping(value, place).items():
        inside = place / name
        quantifier, operator, if_exists = _operator(name, inside)
        seen: set[str] = set()
        for key, values in mapping(keys, inside).items():
            known, at = find(key), inside / key
            if known is None:
                raise DocumentError(at, "is a condition key that no request carries")
            if key.lower() in seen:
                raise DocumentError(at, "is a condition key that stands there twice")
            seen.add(key.lower())
            _check_fit(quantifier, operator, known, at)
            texts = _values(operator, values, at, variables=variables)
            found.append(Condition(operator, key, texts, quantifier, if_exists, variables))
        if not seen:
            raise DocumentError(inside, "has no condition key")
    # All of them must hold, so their order says nothing.
    return tuple(sorted(found, key=lambda each: (each.name, each.key.lower())))


def check_template(text: str, place: Place) -> None:
    """Check the policy variables of a text: their form, and that requests carry one value of each."""
    try:
        template = parse_template(text)
    except ValueError as error:
        raise DocumentError(place, f"has {shown(text)}: {error}") from error
    for key in keys_of(template):
        known = find(key)
        if known is None:
            raise DocumentError(place, f"has {shown(text)}: no request carries the key {shown(key)}")
        if known.several:
            raise DocumentError(place, f"has {shown(text)}: the key {shown(key)} can have several values")


def _operator(name: str, place: Place) -> tuple[Quantifier, Operator, bool]:
    prefix, colon, rest = name.rpartition(":")
    bare = rest.removesuffix(_IF_EXISTS)
    operator = OPERATORS.get(bare)
    quantifiers = {quantifier.value: quantifier for quantifier in Quantifier}
    if operator is None or prefix not in quantifiers or bool(prefix) is not bool(colon):
        raise DocumentError(place, "is an unknown operator")
    if operator.relation is Relation.PRESENT and (bare != rest or colon):
        raise DocumentError(place, "is refused: Null goes neither with IfExists nor with a set operator")
    return quantifiers[prefix], operator, bare != rest


def _check_fit(quantifier: Quantifier, operator: Operator, key: Key, place: Place) -> None:
    if not comparable(operator, key.kind):
        raise DocumentError(place, f"is {key.kind.value}, which {operator.name} cannot compare exactly")
    if key.several and quantifier is Quantifier.ONE and operator.relation is not Relation.PRESENT:
        raise DocumentError(
            place, "needs ForAllValues: or ForAnyValue:, because the key can have several values"
        )


def _values(operator: Operator, value: Any, place: Place, *, variables: bool) -> tuple[str, ...]:
    plain = value if isinstance(value, list) else [value]
    if operator.compares in (Kind.BOOL, None):
        plain = [("true" if each else "false") if isinstance(each, bool) else each for each in plain]
    elif operator.compares in (Kind.NUMBER, Kind.DATE):
        plain = [str(each) if type(each) is int else each for each in plain]
    texts = strings(plain, place)
    read = scalars.truth if operator.compares is None else _READERS.get(operator.compares)
    if read is not None:
        for index, text in enumerate(texts):
            try:
                read(text)
            except ValueError as error:
                raise DocumentError(place / index, f"has {shown(text)}: {error}") from error
        return tuple(text.lower() for text in texts) if read is scalars.truth else tuple(texts)
    for index, text in enumerate(texts):
        if variables:
            check_template(text, place / index)
        if operator.compares is Kind.ARN:
            parts = split_parts(parse_template(text) if variables else (text,))
            if len(parts) != _ARN_PARTS:
                raise DocumentError(place / index, f"has {shown(text)}: an ARN of six parts is expected")
    return tuple(texts)
