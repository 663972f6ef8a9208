"""Parsing policy documents, strictly: what cannot be evaluated exactly is refused, never ignored.

`kinds` says what each kind of policy may hold. AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from services.chassis.policy.condition_document import check_template, parse_conditions
from services.chassis.policy.elements import mapping, refused, shown, strings
from services.chassis.policy.kinds import IDENTITY, PolicyKind, PrincipalRule
from services.chassis.policy.model import Effect, Policy, Statement
from services.chassis.policy.principal_document import parse_principals, render_principals
from services.chassis.policy.principals import Name, NameKind, Principals
from services.chassis.policy.templates import parse_template, split_parts

_VERSIONS = ("2012-10-17", "2008-10-17")
_DEFAULT_VERSION = "2008-10-17"
_STATEMENT_KEYS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
_SID = re.compile(r"[A-Za-z0-9]{0,128}")
_ACTION = re.compile(r"(?:\*|[A-Za-z0-9-]+):[A-Za-z0-9*?]+|\*")
_ARN_SERVICE = re.compile(r"[a-z0-9-]+")
_ARN_PARTS = 6
_EVERYBODY = Principals((Name(NameKind.AWS, "*"),))


def parse(document: str, kind: PolicyKind = IDENTITY) -> Policy:
    """Parse a policy of a kind.

    Raises DomainError(UNSUPPORTED_POLICY), whose message names the statement and the element, for
    anything that is not understood completely.
    """
    if size(document) > kind.max_chars:
        raise refused("the document", f"is longer than {kind.max_chars} characters without white space")
    return parse_accepted(document, kind)


def size(document: str) -> int:
    """Return the characters of a document that limits count: all but white space."""
    return sum(not character.isspace() for character in document)


def parse_accepted(document: str, kind: PolicyKind = IDENTITY) -> Policy:
    """Parse the canonical form of a policy that was accepted when it was written.

    It can be longer than what was written, for example because single values have become lists, so that
    its length is not limited again: that would lock out whoever has the policy. Otherwise as `parse`.
    """
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
    parsed = tuple(
        _statement(each, index, kind, variables=variables) for index, each in enumerate(statements)
    )
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
    if statement.principals is not None:
        name = "NotPrincipal" if statement.principals.negated else "Principal"
        rendered[name] = render_principals(statement.principals)
    rendered["NotAction" if statement.not_action else "Action"] = list(statement.actions)
    if statement.resources:
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


def _statement(value: Any, index: int, kind: PolicyKind, *, variables: bool) -> Statement:
    where = f"statement {index}"
    statement = mapping(value, where)
    for key in statement:
        if key not in _STATEMENT_KEYS:
            raise refused(where, f"has the unsupported element {shown(key)}")
    sid = statement.get("Sid", "")
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        raise refused(f"{where}, Sid", "must consist of letters and digits")
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise refused(f"{where}, Effect", "must be Allow or Deny")
    principals = _principals(statement, kind, where)
    not_action, actions = _actions(statement, kind, where)
    not_resource, resources = _resources(statement, kind, where, variables=variables)
    conditions = parse_conditions(statement.get("Condition", {}), f"{where}, Condition", variables=variables)
    parsed = Statement(
        sid,
        Effect(effect),
        tuple(actions),
        not_action,
        tuple(resources),
        not_resource,
        conditions,
        variables,
        principals,
    )
    _check_effect(parsed, kind, where)
    return parsed


def _check_effect(statement: Statement, kind: PolicyKind, where: str) -> None:
    if statement.effect is Effect.DENY:
        return
    if statement.principals is not None and statement.principals.negated:
        raise refused(where, "has NotPrincipal with Allow, which permits everybody who is not listed")
    everything = (statement.actions, statement.resources, statement.not_resource) == (("*",), ("*",), False)
    if kind.denies_only and not (everything and not statement.conditions):
        raise refused(f"{where}, Effect", f"must be Deny in {kind.name}, but for Allow of * on *")


def _principals(statement: Mapping[str, Any], kind: PolicyKind, where: str) -> Principals | None:
    present = [name for name in ("Principal", "NotPrincipal") if name in statement]
    if kind.principal is PrincipalRule.ABSENT:
        if present:
            raise refused(where, f"has the element {present[0]}, which {kind.name} do not support")
        return None
    if len(present) != 1:
        raise refused(where, "must have exactly one of Principal and NotPrincipal")
    name = present[0]
    found = parse_principals(statement[name], f"{where}, {name}", negated=name == "NotPrincipal")
    if kind.principal is PrincipalRule.EVERYBODY and found != _EVERYBODY:
        raise refused(where, f'must have "Principal": "*", because it is one of {kind.name}')
    return found


def _actions(statement: Mapping[str, Any], kind: PolicyKind, where: str) -> tuple[bool, list[str]]:
    negated, actions = _one_of(statement, "Action", "NotAction", where)
    inside = f"{where}, {'NotAction' if negated else 'Action'}"
    if negated and not kind.not_action:
        raise refused(inside, f"is not supported by {kind.name}")
    for action in actions:
        if not _ACTION.fullmatch(action):
            wanted = "service:Operation, with * and ? in the operation, is expected"
            raise refused(inside, f"has {shown(action)}: {wanted}")
        if kind.service and action != "*" and action.partition(":")[0].lower() != kind.service:
            raise refused(inside, f"has {shown(action)}: {kind.name} are about actions of {kind.service}")
    return negated, actions


def _resources(
    statement: Mapping[str, Any], kind: PolicyKind, where: str, *, variables: bool
) -> tuple[bool, list[str]]:
    if not kind.has_resource:
        for name in ("Resource", "NotResource"):
            if name in statement:
                raise refused(where, f"has the element {name}, which {kind.name} do not support")
        return False, []
    negated, resources = _one_of(statement, "Resource", "NotResource", where)
    for resource in resources:
        _check_resource(resource, f"{where}, {'NotResource' if negated else 'Resource'}", variables=variables)
    return negated, resources


def _one_of(statement: Mapping[str, Any], plain: str, negated: str, where: str) -> tuple[bool, list[str]]:
    if (plain in statement) == (negated in statement):
        raise refused(where, f"must have exactly one of {plain} and {negated}")
    name = negated if negated in statement else plain
    return name == negated, strings(statement[name], f"{where}, {name}")


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
