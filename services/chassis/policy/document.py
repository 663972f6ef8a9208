"""Parsing policy documents, strictly: what cannot be evaluated exactly is refused, never ignored.

`kinds` says what each kind of policy may hold. AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from services.chassis.policy.condition_document import check_template, parse_conditions
from services.chassis.policy.elements import DOCUMENT, DocumentError, Place, mapping, shown, strings
from services.chassis.policy.json_text import decode, line_of_excess, size
from services.chassis.policy.kinds import IDENTITY, PolicyKind, PrincipalRule
from services.chassis.policy.model import Effect, Policy, Statement
from services.chassis.policy.positions import Positions
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
_FREE_SID = re.compile(r"[^\x00-\x1f\x7f]{0,128}")
_ID_CHARS = 128
_ACTION = re.compile(r"(?:\*|[A-Za-z0-9-]+):[A-Za-z0-9*?]+|\*")
_ARN_SERVICE = re.compile(r"[a-z0-9-]+")
_ARN_PARTS = 6
_EVERYBODY = Principals((Name(NameKind.AWS, "*"),))


def parse(document: str, kind: PolicyKind = IDENTITY) -> Policy:
    """Parse a policy of a kind.

    Raises DomainError(UNSUPPORTED_POLICY), whose message names the line, the statement and the element, for
    anything that is not understood completely.
    """
    if size(document) > kind.max_chars:
        what = f"is longer than {kind.max_chars} characters without white space"
        raise DocumentError(DOCUMENT, what, line_of_excess(document, kind.max_chars))
    return parse_accepted(document, kind)


def parse_accepted(document: str, kind: PolicyKind = IDENTITY) -> Policy:
    """Parse the canonical form of a policy that was accepted when it was written.

    It can be longer than what was written, for example because single values have become lists, so that
    its length is not limited again: that would lock out whoever has the policy. Otherwise as `parse`.
    """
    value = decode(document)
    try:
        return _policy(value, kind)
    except DocumentError as error:
        if error.line is not None:
            raise
        raise refused_at(document, error.place, error.what) from error.__cause__


def refused_at(document: str, place: Place, what: str) -> DocumentError:
    """Return the refusal of a document that is JSON, with the line of the place."""
    return DocumentError(place, what, Positions(document).name_span(place.path).start.line)


def _policy(value: Any, kind: PolicyKind) -> Policy:
    top = mapping(value, DOCUMENT)
    for key in top:
        if key not in ("Version", "Statement") and not (key == "Id" and kind.has_id):
            raise DocumentError(DOCUMENT / key, "is an element that is not supported")
    version = top.get("Version", _DEFAULT_VERSION)
    if version not in _VERSIONS:
        raise DocumentError(DOCUMENT / "Version", f"must be {' or '.join(_VERSIONS)}")
    statements = top.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise DocumentError(DOCUMENT / "Statement", "must be a statement or a non-empty list of statements")
    # Version 2008-10-17 knows no policy variables: there `${` is text.
    variables = version == _VERSIONS[0]
    parsed = tuple(
        _statement(each, index, kind, variables=variables) for index, each in enumerate(statements)
    )
    sids: set[str] = set()
    for index, statement in enumerate(parsed):
        if statement.sid and statement.sid in sids:
            raise DocumentError(DOCUMENT / "Statement" / index / "Sid", "is that of another statement too")
        sids.add(statement.sid)
    name = top.get("Id", "")
    if not isinstance(name, str) or len(name) > _ID_CHARS:
        raise DocumentError(DOCUMENT / "Id", f"must be text of at most {_ID_CHARS} characters")
    return Policy(version, parsed, name)


def canonical(policy: Policy) -> str:
    """Render a policy as canonical JSON: white space, the order of keys and single values do not show."""
    named = {"Id": policy.id} if policy.id else {}
    return json.dumps(
        {"Version": policy.version, **named, "Statement": [_rendered(each) for each in policy.statements]},
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


def _statement(value: Any, index: int, kind: PolicyKind, *, variables: bool) -> Statement:
    place = DOCUMENT / "Statement" / index
    statement = mapping(value, place)
    for key in statement:
        if key not in _STATEMENT_KEYS:
            raise DocumentError(place / key, "is an element that is not supported")
    sid = statement.get("Sid", "")
    if not isinstance(sid, str) or not (_FREE_SID if kind.free_sid else _SID).fullmatch(sid):
        wanted = "be text of at most 128 characters" if kind.free_sid else "consist of letters and digits"
        raise DocumentError(place / "Sid", f"must {wanted}")
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise DocumentError(place / "Effect", "must be Allow or Deny")
    principals = _principals(statement, kind, place)
    not_action, actions = _actions(statement, kind, place)
    not_resource, resources = _resources(statement, kind, place, variables=variables)
    conditions = parse_conditions(statement.get("Condition", {}), place / "Condition", variables=variables)
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
    _check_effect(parsed, kind, place)
    return parsed


def _check_effect(statement: Statement, kind: PolicyKind, place: Place) -> None:
    if statement.effect is Effect.DENY:
        return
    if statement.principals is not None and statement.principals.negated:
        raise DocumentError(place, "has NotPrincipal with Allow, which permits everybody who is not listed")
    everything = (statement.actions, statement.resources, statement.not_resource) == (("*",), ("*",), False)
    if kind.denies_only and not (everything and not statement.conditions):
        raise DocumentError(place / "Effect", f"must be Deny in {kind.name}, but for Allow of * on *")


def _principals(statement: Mapping[str, Any], kind: PolicyKind, place: Place) -> Principals | None:
    present = [name for name in ("Principal", "NotPrincipal") if name in statement]
    if kind.principal is PrincipalRule.ABSENT:
        if present:
            raise DocumentError(place / present[0], f"is an element that {kind.name} do not support")
        return None
    if len(present) != 1:
        raise DocumentError(place, "must have exactly one of Principal and NotPrincipal")
    name = present[0]
    found = parse_principals(statement[name], place / name, negated=name == "NotPrincipal")
    if kind.principal is PrincipalRule.EVERYBODY and found != _EVERYBODY:
        raise DocumentError(place / name, f'must be "*", because it is one of {kind.name}')
    return found


def _actions(statement: Mapping[str, Any], kind: PolicyKind, place: Place) -> tuple[bool, list[str]]:
    negated, actions = _one_of(statement, "Action", "NotAction", place)
    inside = place / ("NotAction" if negated else "Action")
    if negated and not kind.not_action:
        raise DocumentError(inside, f"is not supported by {kind.name}")
    for index, action in enumerate(actions):
        if not _ACTION.fullmatch(action):
            wanted = "service:Operation, with * and ? in the operation, is expected"
            raise DocumentError(inside / index, f"has {shown(action)}: {wanted}")
        if kind.service and action != "*" and action.partition(":")[0].lower() != kind.service:
            raise DocumentError(
                inside / index, f"has {shown(action)}: {kind.name} are about actions of {kind.service}"
            )
    return negated, actions


def _resources(
    statement: Mapping[str, Any], kind: PolicyKind, place: Place, *, variables: bool
) -> tuple[bool, list[str]]:
    if not kind.has_resource:
        for name in ("Resource", "NotResource"):
            if name in statement:
                raise DocumentError(place / name, f"is an element that {kind.name} do not support")
        return False, []
    negated, resources = _one_of(statement, "Resource", "NotResource", place)
    inside = place / ("NotResource" if negated else "Resource")
    for index, resource in enumerate(resources):
        _check_resource(resource, inside / index, variables=variables)
    return negated, resources


def _one_of(statement: Mapping[str, Any], plain: str, negated: str, place: Place) -> tuple[bool, list[str]]:
    if (plain in statement) == (negated in statement):
        raise DocumentError(place, f"must have exactly one of {plain} and {negated}")
    name = negated if negated in statement else plain
    return name == negated, strings(statement[name], place / name)


def _check_resource(resource: str, place: Place, *, variables: bool) -> None:
    if resource == "*":
        return
    if variables:
        check_template(resource, place)
    parts = split_parts(parse_template(resource) if variables else (resource,))
    whole = len(parts) == _ARN_PARTS and parts[0] == ("arn",) and parts[5] != ()
    service = parts[2][0] if whole and len(parts[2]) == 1 else ""
    if not isinstance(service, str) or not _ARN_SERVICE.fullmatch(service):
        raise DocumentError(
            place,
            f"has {shown(resource)}: * or an ARN of six parts, whose service has no wildcard, is expected",
        )
