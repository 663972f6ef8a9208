"""A second evaluator of the policy language, written for obviousness alone.

It reads the JSON document itself, shares no code with the compiled evaluator, indexes nothing and
remembers nothing. AWS's pages on the elements of a policy are its specification.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def evaluate(
    documents: Sequence[str], action: str, resource: str, context: Mapping[str, str]
) -> tuple[str, set[tuple[int, int]]]:
    """Return the verdict and every (policy, statement) that could have decided it."""
    denies, allows = set(), set()
    for number, document in enumerate(documents):
        statements = json.loads(document)["Statement"]
        for index, statement in enumerate(_list(statements)):
            if _applies(statement, action, resource, context):
                (denies if statement["Effect"] == "Deny" else allows).add((number, index))
    if denies:
        return "explicit deny", denies
    if allows:
        return "allow", allows
    return "implicit deny", set()


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    if "Action" in statement:
        about_action = any(_like(action.lower(), each.lower()) for each in _list(statement["Action"]))
    else:
        about_action = not any(_like(action.lower(), each.lower()) for each in _list(statement["NotAction"]))
    if "Resource" in statement:
        about_resource = any(_resource_like(resource, each) for each in _list(statement["Resource"]))
    else:
        about_resource = not any(_resource_like(resource, each) for each in _list(statement["NotResource"]))
    conditions = statement.get("Condition", {})
    return (
        about_action
        and about_resource
        and all(
            _condition(operator, key, _list(values), context)
            for operator, keys in conditions.items()
            for key, values in keys.items()
        )
    )


def _condition(operator: str, key: str, values: Sequence[Any], context: Mapping[str, str]) -> bool:
    found = {name.lower(): value for name, value in context.items()}.get(key.lower())
    if found is None:
        return False
    if operator == "StringEquals":
        return any(found == value for value in values)
    if operator == "StringLike":
        return any(_like(found, value) for value in values)
    if operator == "Bool":
        return any(found == str(value).lower() for value in values)
    raise AssertionError(operator)


def _resource_like(resource: str, pattern: str) -> bool:
    if pattern == "*":
        return True
    wanted, given = pattern.split(":"), resource.split(":")
    if len(given) < 6 or given[0] != "arn":
        return False
    head = all(_like(part, want) for part, want in zip(given[:5], wanted[:5], strict=True))
    return head and _like(":".join(given[5:]), ":".join(wanted[5:]))


def _like(text: str, pattern: str) -> bool:
    # Every place in the text that the pattern so far can have reached.
    places = {0}
    for character in pattern:
        if character == "*":
            places = set(range(min(places), len(text) + 1))
        else:
            places = {at + 1 for at in places if at < len(text) and character in ("?", text[at])}
        if not places:
            return False
    return len(text) in places


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
