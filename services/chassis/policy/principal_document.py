"""Parsing the Principal element, strictly."""

import re
from typing import Any

from services.chassis.policy.elements import DocumentError, Place, shown, strings
from services.chassis.policy.principals import Name, NameKind, Principals

_ACCOUNT = re.compile(r"[0-9]{12}")
_PARTITION = r"aws(?:-[a-z]+)*"
_ROOT = re.compile(rf"arn:{_PARTITION}:iam::[0-9]{{12}}:root")
_NAME = r"[A-Za-z0-9+=,.@_-]{1,64}"
_PATH = r"/(?:[\x21-\x29\x2b-\x3e\x40-\x7e]{1,510}/)?"
_ENTITY = re.compile(rf"arn:{_PARTITION}:iam::[0-9]{{12}}:(?:user|role){_PATH}{_NAME}")
_SESSION = re.compile(rf"arn:{_PARTITION}:sts::[0-9]{{12}}:assumed-role/{_NAME}/{_NAME}")
_UNIQUE_ID = re.compile(r"A(?:ID|RO)A[A-Z0-9]{12,124}")
_AWS = (_ACCOUNT, _ROOT, _ENTITY, _SESSION, _UNIQUE_ID)
_SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com")
_PROVIDER = re.compile(rf"arn:{_PARTITION}:iam::[0-9]{{12}}:oidc-provider/[A-Za-z0-9._:/-]{{1,255}}")
_KINDS = ", ".join(kind.value for kind in NameKind)


def parse_principals(value: Any, place: Place, *, negated: bool) -> Principals:
    """Parse the element Principal, or NotPrincipal when `negated`.

    Raises DomainError(UNSUPPORTED_POLICY).
    """
    if value == "*":
        value = {"AWS": "*"}
    if not isinstance(value, dict) or not value:
        raise DocumentError(place, 'must be "*" or an object with AWS, Service or Federated')
    names: list[Name] = []
    for key, values in value.items():
        if key not in {kind.value for kind in NameKind}:
            raise DocumentError(place / key, f"is a kind of principals that is not supported: {_KINDS}")
        names += [
            _name(NameKind(key), text, place / key / index)
            for index, text in enumerate(strings(values, place / key))
        ]
    if negated and any(name.value == "*" for name in names):
        raise DocumentError(place, "leaves out everybody")
    return Principals(tuple(dict.fromkeys(names)), negated)


def render_principals(principals: Principals) -> Any:
    """Return the element's value in canonical JSON."""
    found: dict[str, list[str]] = {}
    for name in principals.names:
        found.setdefault(name.kind.value, []).append(name.value)
    return found


def _name(kind: NameKind, text: str, place: Place) -> Name:
    if kind is NameKind.AWS:
        if text == "*" or any(form.fullmatch(text) for form in _AWS):
            return Name(kind, text)
        wanted = "*, an account, or the ARN of an account's root, a user, a role or a role's session"
        raise DocumentError(place, f"has {shown(text)}: {wanted} is expected, without wildcards")
    form = _SERVICE if kind is NameKind.SERVICE else _PROVIDER
    if not form.fullmatch(text):
        wanted = "service.amazonaws.com" if kind is NameKind.SERVICE else "the ARN of an OIDC provider"
        raise DocumentError(place, f"has {shown(text)}: {wanted} is expected")
    return Name(kind, text)
