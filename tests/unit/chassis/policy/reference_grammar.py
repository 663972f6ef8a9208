"""A second recogniser of policy documents: whether one is written as docs/policy-language.md says.

It shares the tables of condition keys and operators with the parser, and no code.
"""

import calendar
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.chassis.policy.key_table import KEYS
from services.chassis.policy.kinds import PolicyKind, PrincipalRule
from services.chassis.policy.operators import Kind

ELEMENTS = (
    *("Sid", "Effect", "Condition", "Principal", "NotPrincipal"),
    *("Action", "NotAction", "Resource", "NotResource"),
)
FAMILIES = {
    "StringEquals": "text",
    "StringNotEquals": "text",
    "StringEqualsIgnoreCase": "text",
    "StringNotEqualsIgnoreCase": "text",
    "StringLike": "text",
    "StringNotLike": "text",
    "ArnEquals": "arn",
    "ArnLike": "arn",
    "ArnNotEquals": "arn",
    "ArnNotLike": "arn",
    "Bool": "bool",
    "BinaryEquals": "binary",
    "IpAddress": "address",
    "NotIpAddress": "address",
    "Null": "null",
    **{
        f"{prefix}{order}": prefix.lower()
        for prefix in ("Numeric", "Date")
        for order in (
            "Equals",
            "NotEquals",
            "LessThan",
            "LessThanEquals",
            "GreaterThan",
            "GreaterThanEquals",
        )
    },
}
COMPARES = {
    "text": (Kind.STRING, Kind.ARN, Kind.BOOL, Kind.BINARY),
    "arn": (Kind.ARN,),
    "bool": (Kind.BOOL,),
    "binary": (Kind.BINARY,),
    "address": (Kind.ADDRESS,),
    "numeric": (Kind.NUMBER,),
    "date": (Kind.DATE, Kind.NUMBER),
    "null": tuple(Kind),
}


class NoPolicy(Exception):  # noqa: N818 (what the document is)
    """The document is not one; the message says where it fails."""


def need(condition: object, what: str) -> None:
    """Raise unless the condition holds."""
    if not condition:
        raise NoPolicy(what)


def recognise(document: str, kind: PolicyKind) -> str:
    """Return "" for a policy of the kind, else what it lacks."""
    try:
        _document(document, kind)
    except NoPolicy as error:
        return str(error)
    return ""


def _document(document: str, kind: PolicyKind) -> None:
    need(len(re.sub(r"\s|[\x1c-\x1f\x85]", "", document)) <= kind.max_chars, "length")
    twice: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        twice.extend(name for at, (name, _) in enumerate(found) if name in [each for each, _ in found[:at]])
        return dict(found)

    try:
        value = json.loads(document, object_pairs_hook=pairs)
        document.encode()
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise NoPolicy("json") from error
    need(not twice, "name twice")
    named = {"Id"} if kind.principal is PrincipalRule.REQUIRED else set()
    need(isinstance(value, dict) and set(value) <= {"Version", "Statement"} | named, "top")
    need(isinstance(value.get("Id", ""), str) and len(value.get("Id", "")) <= 128, "id")
    version = value.get("Version", "2008-10-17")
    need(isinstance(version, str) and version in ("2012-10-17", "2008-10-17"), "version")
    statements = value.get("Statement")
    statements = [statements] if isinstance(statements, dict) else statements
    need(isinstance(statements, list) and statements, "statements")
    sids = []
    for statement in statements:
        need(isinstance(statement, dict) and set(statement) <= set(ELEMENTS), "elements")
        _statement(statement, kind, dollar=version == "2012-10-17")
        if statement.get("Sid"):
            sids.append(statement["Sid"])
    need(len(set(sids)) == len(sids), "sids")


def _statement(statement: Mapping[str, Any], kind: PolicyKind, *, dollar: bool) -> None:
    sid = statement.get("Sid", "")
    letters = r"[^\x00-\x1f\x7f]*" if kind.name == "key policies" else "[A-Za-z0-9]*"
    need(isinstance(sid, str) and len(sid) <= 128 and re.fullmatch(letters, sid), "sid")
    effect = statement.get("Effect")
    need(effect == "Allow" or effect == "Deny", "effect")
    _principals(statement, kind, effect)
    actions, negated = _either(statement, "Action")
    need(kind.not_action or not negated, "NotAction")
    for action in actions:
        _action(action, kind.service)
    resources: list[str] = []
    if kind.has_resource:
        resources, negated = _either(statement, "Resource")
        for resource in resources:
            _resource(resource, dollar=dollar)
    else:
        need("Resource" not in statement and "NotResource" not in statement, "resource of a trust policy")
    conditions = statement.get("Condition", {})
    need(isinstance(conditions, dict), "condition")
    for operator, keys in conditions.items():
        need(isinstance(keys, dict) and keys, "operator without keys")
        need(len({key.lower() for key in keys}) == len(keys), "key twice")
        for key, values in keys.items():
            _condition(operator, key, values, dollar=dollar)
    if kind.denies_only and effect == "Allow":
        need((actions, resources, negated) == (["*"], ["*"], False) and not conditions, "allow in an rcp")


def _principals(statement: Mapping[str, Any], kind: PolicyKind, effect: str) -> None:
    present = {"Principal", "NotPrincipal"} & set(statement)
    if kind.principal is PrincipalRule.ABSENT:
        need(not present, "principal")
        return
    need(len(present) == 1, "one principal")
    name = present.pop()
    value = statement[name]
    value = {"AWS": "*"} if value == "*" else value
    need(isinstance(value, dict) and value, "principals")
    listed = []
    for group, names in value.items():
        need(group in ("AWS", "Service", "Federated"), "kind of principal")
        for each in _strings(names):
            _name(group, each)
            listed.append((group, each))
    if kind.principal is PrincipalRule.EVERYBODY:
        need(name == "Principal" and set(listed) == {("AWS", "*")}, "everybody")
    if name == "NotPrincipal":
        need(effect == "Deny" and ("AWS", "*") not in listed, "NotPrincipal")


def _name(group: str, text: str) -> None:
    plain = r"[\w+=,.@-]{1,64}"
    forms = {
        "AWS": (
            r"\*",
            r"\d{12}",
            r"arn:aws(-[a-z]+)*:iam::\d{12}:root",
            rf"arn:aws(-[a-z]+)*:iam::\d{{12}}:(user|role)/([!-)+->@-~]{{1,510}}/)?{plain}",
            rf"arn:aws(-[a-z]+)*:sts::\d{{12}}:assumed-role/{plain}/{plain}",
            r"(AIDA|AROA)[A-Z0-9]{12,124}",
        ),
        "Service": (r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com",),
        "Federated": (r"arn:aws(-[a-z]+)*:iam::\d{12}:oidc-provider/[\w.:/-]{1,255}",),
    }
    need(any(re.fullmatch(form, text, re.ASCII) for form in forms[group]), "name")


def _either(statement: Mapping[str, Any], name: str) -> tuple[list[str], bool]:
    need((name in statement) != (f"Not{name}" in statement), f"one of {name}")
    negated = name not in statement
    return _strings(statement[f"Not{name}" if negated else name]), negated


def _strings(value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else value
    need(isinstance(values, list) and values, "list")
    need(all(isinstance(each, str) for each in values), "list of strings")
    return list(values)


def _action(action: str, service: str) -> None:
    if action == "*":
        return
    prefix, colon, operation = action.partition(":")
    need(colon and operation and re.fullmatch("[A-Za-z0-9*?]+", operation), "operation")
    need(prefix == "*" or re.fullmatch("[A-Za-z0-9-]+", prefix), "service")
    need(not service or prefix.lower() == service, "service of the kind")


def _resource(resource: str, *, dollar: bool) -> None:
    if resource == "*":
        return
    # A variable may hold colons; none of them parts the ARN.
    text = _without_variables(resource) if dollar else resource
    parts = text.split(":", 5)
    need(len(parts) == 6 and parts[0] == "arn" and parts[5], "six parts")
    need(re.fullmatch("[a-z0-9-]+", parts[2]), "service of a resource")


def _without_variables(text: str) -> str:
    """Return the text with a letter that no service has, V, for each variable, and need each to be one."""
    found = ""
    while text:
        if not text.startswith("${"):
            found, text = found + text[0], text[1:]
            continue
        literal = re.match(r"\$\{[*?$]\}", text)
        variable = re.match(r"\$\{([^\s,'{}]+)(\s*,\s*'[^']*')?\}", text)
        whole = literal or variable
        need(whole, "variable")
        if whole is None:
            return found
        if literal is None and variable is not None:
            known = _key(variable[1])
            need(known is not None and not known[1], "key of a variable")
        found, text = f"{found}V", text[whole.end() :]
    return found


def _key(name: str) -> tuple[Kind, bool] | None:
    """Return what the values of a key are, and whether there can be several."""
    lower = name.lower()
    for key in KEYS:
        known = key.name.lower()
        if known == lower and "*" not in known:
            return key.kind, key.several
    for key in KEYS:
        known = key.name.lower()
        if known.endswith("*") and lower.startswith(known[:-1]):
            return (key.kind, key.several) if lower != known[:-1] else None
    for key in KEYS:
        known = key.name.lower()
        if known.startswith("*") and lower.endswith(known[1:]):
            host, slash, path = lower[: -len(known[1:])].partition("/")
            name, colon, port = host.partition(":")
            labels = name.split(".")
            good = len(labels) > 1 and all(re.fullmatch("[a-z0-9-]+", each) for each in labels)
            if (
                (good or name == "localhost")
                and (not colon or re.fullmatch("[0-9]{1,5}", port))
                and not re.search(r"[\s:,'{}]", path)
                and (slash or not path)
            ):
                return key.kind, key.several
    return None


def _condition(name: str, key: str, values: Any, *, dollar: bool) -> None:
    quantifier, colon, operator = name.partition(":") if ":" in name else ("", "", name)
    need(not colon or quantifier in ("ForAllValues", "ForAnyValue"), "set operator")
    exists = operator.endswith("IfExists")
    family = FAMILIES.get(operator[: -len("IfExists")] if exists else operator)
    need(family, "operator")
    known = _key(key)
    need(known is not None, "key")
    if known is None or family is None:
        return
    kind, several = known
    need(family != "null" or not (exists or colon), "null")
    need(kind in COMPARES[family], "comparable")
    need(not several or colon or family == "null", "several")
    values = values if isinstance(values, list) else [values]
    if family in ("bool", "null"):
        values = [str(each).lower() if isinstance(each, bool) else each for each in values]
    if family in ("numeric", "date"):
        values = [str(each) if type(each) is int else each for each in values]
    for text in _strings(values):
        _value(family, text, dollar=dollar)


def _value(family: str, text: str, *, dollar: bool) -> None:
    if family in ("text", "arn"):
        plain = _without_variables(text) if dollar else text
        need(family == "text" or plain.count(":") >= 5, "value of six parts")
    elif family in ("bool", "null"):
        need(text.lower() in ("true", "false"), "truth")
    elif family == "numeric":
        need(re.fullmatch(r"[+-]?[0-9]{1,30}([.][0-9]{1,30})?", text), "number")
    elif family == "date":
        need(_date(text) or re.fullmatch(r"[0-9]{1,12}([.][0-9]{1,9})?", text), "date")
    elif family == "address":
        need(_network(text), "network")


def _date(text: str) -> bool:
    day = re.fullmatch(r"([0-9]{4})(-([0-9]{2})(-([0-9]{2})(T.*)?)?)?", text, re.DOTALL)
    if day is None:
        return False
    year, month, number = int(day[1]), int(day[3] or 1), int(day[5] or 1)
    if year < 1 or not 1 <= month <= 12 or not 1 <= number <= calendar.monthrange(year, month)[1]:
        return False
    if not day[6]:
        return True
    clock = re.fullmatch(
        r"T([0-9]{2}):([0-9]{2})(:([0-9]{2})([.][0-9]{1,9})?)?(Z|[+-]([0-9]{2}):([0-9]{2}))", day[6]
    )
    if clock is None:
        return False
    most: Sequence[tuple[str | None, int]] = (
        (clock[1], 23),
        (clock[2], 59),
        (clock[4], 59),
        (clock[7], 23),
        (clock[8], 59),
    )
    return all(int(each or 0) <= limit for each, limit in most)


def _network(text: str) -> bool:
    base, slash, length = text.partition("/")
    try:
        address = ipaddress.ip_address(base)
    except ValueError:
        return False
    bits = address.max_prefixlen
    if slash and not (re.fullmatch("[0-9]+", length) and int(length) <= bits):
        return False
    prefix = int(length) if slash else bits
    mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
    return "%" not in text and not (mapped and prefix >= 96)
