"""Which condition keys policies ask for: for simulations, which must say what they were not told.

AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForCustomPolicy.html
"""

from collections.abc import Iterable, Iterator

from services.chassis.policy.conditions import Context
from services.chassis.policy.model import Layer, Policy, Statement
from services.chassis.policy.resources import split_arn
from services.chassis.policy.statements import CompiledStatement
from services.chassis.policy.templates import keys_of, parse_template


def referenced(policies: Iterable[Policy]) -> tuple[str, ...]:
    """Return the keys that conditions and policy variables name, each once, as it was first written."""
    found: dict[str, str] = {}
    for policy in policies:
        for statement in policy.statements:
            for key in _keys(statement):
                found.setdefault(key.lower(), key)
    return tuple(found.values())


def missing(policies: Iterable[Policy], action: str, resource: str, context: Context) -> tuple[str, ...]:
    """Return the keys that a request does not carry and that could have decided about it.

    They are those of statements about the action and the resource. A resource with a policy variable that
    has no value could have been any.
    """
    found: dict[str, str] = {}
    parts = split_arn(resource)
    for policy in policies:
        for statement in policy.statements:
            absent = [key for key in _keys(statement) if not context.get(key.lower())]
            if absent and _about(statement, action, parts, context):
                for key in absent:
                    found.setdefault(key.lower(), key)
    return tuple(found.values())


def _keys(statement: Statement) -> Iterator[str]:
    for condition in statement.conditions:
        yield condition.key
        if condition.variables and condition.operator.variables:
            for value in condition.values:
                yield from keys_of(parse_template(value))
    if statement.variables:
        for resource in statement.resources:
            yield from keys_of(parse_template(resource))


def _about(statement: Statement, action: str, parts: list[str] | None, context: Context) -> bool:
    compiled = CompiledStatement(statement, 0, 0, Layer.IDENTITY, 0)
    if not compiled.covers(action.lower()):
        return False
    if not compiled.patterns:
        return True
    if any(_unsettled(resource, context, variables=statement.variables) for resource in statement.resources):
        return True
    return any(pattern.matches(parts, context) for pattern in compiled.patterns) is not compiled.not_resource


def _unsettled(resource: str, context: Context, *, variables: bool) -> bool:
    """Say whether a resource inserts what the request does not carry."""
    return variables and any(not context.get(key) for key in keys_of(parse_template(resource)))
