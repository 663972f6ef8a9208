"""Parsing policy documents, strictly: what cannot be evaluated exactly is refused, never ignored.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.policy.keys import SUPPORTED, is_supported
from services.chassis.policy.model import Condition, Effect, Operator, Policy, Statement

MAX_CHARS = 6144
"""AWS's limit of a managed policy, white space not counted."""

_VERSIONS = ("2012-10-17", "2008-10-17")
_DEFAULT_VERSION = "2008-10-17"
_STATEMENT_KEYS = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"})
_SID = re.compile(r"[A-Za-z0-9]{0,128}")
_ACTION = re.compile(r"(?:\*|[A-Za-z0-9-]+):[A-Za-z0-9*?]+|\*")
_ARN_SERVICE = re.compile(r"[a-z0-9-]+")
_OPERATORS = {operator.value: operator for operator in Operator}
_UNSUPPORTED_ELEMENTS = frozenset({"Principal", "NotPrincipal"})


def parse(document: str) -> Policy:
    """Parse an identity policy.

    Raises DomainError(UNSUPPORTED_POLICY), whose message names the statement and the element, for
    anything that is not understood completely.
    """
    if sum(not character.isspace() for character in document) > MAX_CHARS:
        raise _refused("the document", f"is longer than {MAX_CHARS} characters without white space")
    top = _object(_decode(document), "the document")
    for key in top:
        if key not in ("Version", "Statement"):
            raise _refused("the document", f"has the unsupported element {_shown(key)}")
    version = top.get("Version", _DEFAULT_VERSION)
    if version not in _VERSIONS:
        raise _refused("Version", f"must be {' or '.join(_VERSIONS)}")
    statements = top.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise _refused("Statement", "must be a statement or a non-empty list of statements")
    parsed = tuple(_statement(each, index) for index, each in enumerate(statements))
    sids = [statement.sid for statement in parsed if statement.sid]
    if len(sids) != len(set(sids)):
        raise _refused("Statement", "has two statements with the same Sid")
    return Policy(version, parsed)


def canonical(policy: Policy) -> str:
    """Render a policy as canonical JSON: white space, the order of keys and single values do not show."""
    return json.dumps(
        {"Version": policy.version, "Statement": [_rendered(each) for each in policy.statements]},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _rendered(statement: Statement) -> dict[str, Any]:
    rendered: dict[str, Any] = {"Sid": statement.sid} if statement.sid else {}
    rendered["Effect"] = statement.effect.value
    rendered["NotAction" if statement.not_action else "Action"] = list(statement.actions)
    rendered["NotResource" if statement.not_resource else "Resource"] = list(statement.resources)
    for condition in statement.conditions:
        operators = rendered.setdefault("Condition", {})
        operators.setdefault(condition.operator.value, {})[condition.key] = list(condition.values)
    return rendered


def _decode(document: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise _refused("the document", "has an object that names the same key twice")
        return found

    try:
        value = json.loads(document, object_pairs_hook=unique)
        # Escapes can spell halves of surrogate pairs, which no UTF-8 text, and so no request, can hold.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        at = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise _refused("the document", f"is not JSON in UTF-8{at}") from error
    return value


def _statement(value: Any, index: int) -> Statement:
    where = f"statement {index}"
    statement = _object(value, where)
    for key in statement:
        if key in _UNSUPPORTED_ELEMENTS:
            raise _refused(where, f"has the element {key}, which identity policies do not support")
        if key not in _STATEMENT_KEYS:
            raise _refused(where, f"has the unsupported element {_shown(key)}")
    sid = statement.get("Sid", "")
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        raise _refused(f"{where}, Sid", "must consist of letters and digits")
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise _refused(f"{where}, Effect", "must be Allow or Deny")
    not_action, actions = _one_of(statement, "Action", "NotAction", where)
    not_resource, resources = _one_of(statement, "Resource", "NotResource", where)
    for action in actions:
        _check_action(action, f"{where}, {'NotAction' if not_action else 'Action'}")
    for resource in resources:
        _check_resource(resource, f"{where}, {'NotResource' if not_resource else 'Resource'}")
    conditions = _conditions(statement.get("Condition", {}), f"{where}, Condition")
    return Statement(
        sid, Effect(effect), tuple(actions), not_action, tuple(resources), not_resource, conditions
    )


def _one_of(statement: Mapping[str, Any], plain: str, negated: str, where: str) -> tuple[bool, list[str]]:
    if (plain in statement) == (negated in statement):
        raise _refused(where, f"must have exactly one of {plain} and {negated}")
    name = negated if negated in statement else plain
    return name == negated, _strings(statement[name], f"{where}, {name}")


def _check_action(action: str, where: str) -> None:
    if not _ACTION.fullmatch(action):
        raise _refused(
            where, f"has {_shown(action)}: service:Operation, with * and ? in the operation, is expected"
        )


def _check_resource(resource: str, where: str) -> None:
    _check_no_variable(resource, where)
    if resource == "*":
        return
    parts = resource.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[5] or not _ARN_SERVICE.fullmatch(parts[2]):
        raise _refused(
            where,
            f"has {_shown(resource)}: * or an ARN of six parts, whose service has no wildcard, is expected",
        )


def _check_no_variable(value: str, where: str) -> None:
    if "${" in value:
        raise _refused(where, f"has {_shown(value)}: policy variables are not supported")


def _conditions(value: Any, where: str) -> tuple[Condition, ...]:
    found: list[Condition] = []
    for name, keys in _object(value, where).items():
        operator = _OPERATORS.get(name)
        if operator is None:
            raise _refused(
                where, f"has the unsupported operator {_shown(name)}; supported are {', '.join(_OPERATORS)}"
            )
        inside = f"{where}, {name}"
        seen: set[str] = set()
        for key, values in _object(keys, inside).items():
            lower = key.lower()
            if not is_supported(key):
                known = ", ".join(SUPPORTED)
                raise _refused(
                    inside, f"has the unsupported condition key {_shown(key)}; supported are {known}"
                )
            if lower in seen:
                raise _refused(inside, f"names the condition key {_shown(key)} twice")
            seen.add(lower)
            found.append(Condition(operator, key, _condition_values(operator, values, f"{inside}, {key}")))
        if not seen:
            raise _refused(inside, "has no condition key")
    # All of them must hold, so their order says nothing.
    return tuple(sorted(found, key=lambda each: (each.operator.value, each.key.lower())))


def _condition_values(operator: Operator, value: Any, where: str) -> tuple[str, ...]:
    if operator is Operator.BOOL:
        value = [_bool_text(each) for each in (value if isinstance(value, list) else [value])]
    values = _strings(value, where)
    for each in values:
        _check_no_variable(each, where)
        if operator is Operator.BOOL and each not in ("true", "false"):
            raise _refused(where, "must be true or false")
    return tuple(values)


def _bool_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.lower() if isinstance(value, str) else value


def _strings(value: Any, where: str) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
        raise _refused(where, "must be a string or a non-empty list of strings")
    return values


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _refused(where, "must be a JSON object")
    return value


def _shown(text: str) -> str:
    # Documents are the writer's own; the cut keeps the answer readable.
    return json.dumps(text if len(text) <= 80 else text[:77] + "...")


def _refused(where: str, what: str) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_UNSUPPORTED_POLICY,
        f"The policy is refused: {where} {what}.",
        field="document",
    )
