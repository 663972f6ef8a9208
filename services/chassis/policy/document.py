"""Parsing policy documents, strictly: what cannot be evaluated exactly is refused, never ignored.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from services.chassis.policy.condition_document import check_template, parse_conditions
from services.chassis.policy.elements import mapping, refused, shown, strings
from services.chassis.policy.model import Effect, Policy, Statement
from services.chassis.policy.templates import parse_template, split_parts

MAX_CHARS = 6144
"""AWS's limit of a managed policy, white space not counted."""

_VERSIONS = ("2012-10-17", "2008-10-17")
_DEFAULT_VERSION = "2008-10-17"
_STATEMENT_KEYS = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"})
_SID = re.compile(r"[A-Za-z0-9]{0,128}")
_ACTION = re.compile(r"(?:\*|[A-Za-z0-9-]+):[A-Za-z0-9*?]+|\*")
_ARN_SERVICE = re.compile(r"[a-z0-9-]+")
_ARN_PARTS = 6
_UNSUPPORTED_ELEMENTS = frozenset({"Principal", "NotPrincipal"})


def parse(document: str) -> Policy:
    """Parse an identity policy.

    Raises DomainError(UNSUPPORTED_POLICY), whose message names the statement and the element, for
    anything that is not understood completely.
    """
    if sum(not character.isspace() for character in document) > MAX_CHARS:
        raise refused("the document", f"is longer than {MAX_CHARS} characters without white space")
    top = mapping(_decode(document), "the document")
    for key in top:
        if key not in ("Version", "Statement"):
            raise refused("the document", f"has the unsupported element {shown(key)}")
    version = top.get("Version", _DEFAULT_VERSION)
    if version not in _VERSIONS:
        raise refused("Version", f"must be {' or '.join(_VERSIONS)}")
    statements = top.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise refused("Statement", "must be a statement or a non-empty list of statements")
    # Version 2008-10-17 knows no policy variables: there `${` is text.
    variables = version == _VERSIONS[0]
    parsed = tuple(_statement(each, index, variables=variables) for index, each in enumerate(statements))
    sids = [statement.sid for statement in parsed if statement.sid]
    if len(sids) != len(set(sids)):
        raise refused("Statement", "has two statements with the same Sid")
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
        operators.setdefault(condition.name, {})[condition.key] = list(condition.values)
    return rendered


def _decode(document: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise refused("the document", "has an object that names the same key twice")
        return found

    try:
        value = json.loads(document, object_pairs_hook=unique)
        # Escapes can spell halves of surrogate pairs, which no UTF-8 text, and so no request, can hold.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        at = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise refused("the document", f"is not JSON in UTF-8{at}") from error
    return value


def _statement(value: Any, index: int, *, variables: bool) -> Statement:
    where = f"statement {index}"
    statement = mapping(value, where)
    for key in statement:
        if key in _UNSUPPORTED_ELEMENTS:
            raise refused(where, f"has the element {key}, which identity policies do not support")
        if key not in _STATEMENT_KEYS:
            raise refused(where, f"has the unsupported element {shown(key)}")
    sid = statement.get("Sid", "")
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        raise refused(f"{where}, Sid", "must consist of letters and digits")
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise refused(f"{where}, Effect", "must be Allow or Deny")
    not_action, actions = _one_of(statement, "Action", "NotAction", where)
    not_resource, resources = _one_of(statement, "Resource", "NotResource", where)
    for action in actions:
        _check_action(action, f"{where}, {'NotAction' if not_action else 'Action'}")
    for resource in resources:
        _check_resource(
            resource, f"{where}, {'NotResource' if not_resource else 'Resource'}", variables=variables
        )
    conditions = parse_conditions(statement.get("Condition", {}), f"{where}, Condition", variables=variables)
    return Statement(
        sid,
        Effect(effect),
        tuple(actions),
        not_action,
        tuple(resources),
        not_resource,
        conditions,
        variables,
    )


def _one_of(statement: Mapping[str, Any], plain: str, negated: str, where: str) -> tuple[bool, list[str]]:
    if (plain in statement) == (negated in statement):
        raise refused(where, f"must have exactly one of {plain} and {negated}")
    name = negated if negated in statement else plain
    return name == negated, strings(statement[name], f"{where}, {name}")


def _check_action(action: str, where: str) -> None:
    if not _ACTION.fullmatch(action):
        raise refused(
            where, f"has {shown(action)}: service:Operation, with * and ? in the operation, is expected"
        )


def _check_resource(resource: str, where: str, *, variables: bool) -> None:
    if resource == "*":
        return
    if variables:
        check_template(resource, where)
    parts = split_parts(parse_template(resource) if variables else (resource,))
    whole = len(parts) == _ARN_PARTS and parts[0] == ("arn",) and parts[5] != ()
    service = parts[2][0] if whole and len(parts[2]) == 1 else ""
    if not isinstance(service, str) or not _ARN_SERVICE.fullmatch(service):
        raise refused(
            where,
            f"has {shown(resource)}: * or an ARN of six parts, whose service has no wildcard, is expected",
        )
