"""Parsing the Condition element: operators, keys and values that fit together, or a refusal.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
"""

from collections.abc import Callable
from typing import Any

from services.chassis.policy import scalars
from services.chassis.policy.elements import mapping, refused, shown, strings
from services.chassis.policy.keys import Key, find
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


def parse_conditions(value: Any, where: str, *, variables: bool) -> tuple[Condition, ...]:
    """Parse a Condition element. With `variables`, `${` begins a policy variable.

    Raises DomainError(UNSUPPORTED_POLICY).
    """
    found: list[Condition] = []
    for name, keys in mapping(value, where).items():
        quantifier, operator, if_exists = _operator(name, where)
        inside = f"{where}, {name}"
        seen: set[str] = set()
        for key, values in mapping(keys, inside).items():
            known = find(key)
            if known is None:
                raise refused(inside, f"has the condition key {shown(key)}, which no request carries")
            if key.lower() in seen:
                raise refused(inside, f"names the condition key {shown(key)} twice")
            seen.add(key.lower())
            _check_fit(quantifier, operator, known, f"{inside}, {key}")
            texts = _values(operator, values, f"{inside}, {key}", variables=variables)
            found.append(Condition(operator, key, texts, quantifier, if_exists, variables))
        if not seen:
            raise refused(inside, "has no condition key")
    # All of them must hold, so their order says nothing.
    return tuple(sorted(found, key=lambda each: (each.name, each.key.lower())))


def check_template(text: str, where: str) -> None:
    """Check the policy variables of a text: their form, and that requests carry one value of each."""
    try:
        template = parse_template(text)
    except ValueError as error:
        raise refused(where, f"has {shown(text)}: {error}") from error
    for key in keys_of(template):
        known = find(key)
        if known is None:
            raise refused(where, f"has {shown(text)}: no request carries the key {shown(key)}")
        if known.several:
            raise refused(where, f"has {shown(text)}: the key {shown(key)} can have several values")


def _operator(name: str, where: str) -> tuple[Quantifier, Operator, bool]:
    prefix, colon, rest = name.rpartition(":")
    bare = rest.removesuffix(_IF_EXISTS)
    operator = OPERATORS.get(bare)
    quantifiers = {quantifier.value: quantifier for quantifier in Quantifier}
    if operator is None or prefix not in quantifiers or bool(prefix) is not bool(colon):
        raise refused(where, f"has the unknown operator {shown(name)}")
    if operator.relation is Relation.PRESENT and (bare != rest or colon):
        raise refused(where, f"has {shown(name)}: Null goes neither with IfExists nor with a set operator")
    return quantifiers[prefix], operator, bare != rest


def _check_fit(quantifier: Quantifier, operator: Operator, key: Key, where: str) -> None:
    if not comparable(operator, key.kind):
        raise refused(where, f"is {key.kind.value}, which {operator.name} cannot compare exactly")
    if key.several and quantifier is Quantifier.ONE and operator.relation is not Relation.PRESENT:
        raise refused(where, "needs ForAllValues: or ForAnyValue:, because the key can have several values")


def _values(operator: Operator, value: Any, where: str, *, variables: bool) -> tuple[str, ...]:
    plain = value if isinstance(value, list) else [value]
    if operator.compares in (Kind.BOOL, None):
        plain = [("true" if each else "false") if isinstance(each, bool) else each for each in plain]
    elif operator.compares in (Kind.NUMBER, Kind.DATE):
        plain = [str(each) if type(each) is int else each for each in plain]
    texts = strings(plain, where)
    read = scalars.truth if operator.compares is None else _READERS.get(operator.compares)
    if read is not None:
        for text in texts:
            try:
                read(text)
            except ValueError as error:
                raise refused(where, f"has {shown(text)}: {error}") from error
        return tuple(text.lower() for text in texts) if read is scalars.truth else tuple(texts)
    for text in texts:
        if variables:
            check_template(text, where)
        if operator.compares is Kind.ARN:
            parts = split_parts(parse_template(text) if variables else (text,))
            if len(parts) != _ARN_PARTS:
                raise refused(where, f"has {shown(text)}: an ARN of six parts is expected")
    return tuple(texts)
