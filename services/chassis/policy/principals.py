"""The Principal element: whom a statement of a resource's policy is about.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
"""

import enum
from dataclasses import dataclass


class RequesterKind(enum.Enum):
    """What kind of principal asks."""

    ROOT = "Account"
    USER = "User"
    ROLE = "AssumedRole"
    SERVICE = "Service"
    FEDERATED = "FederatedUser"


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks, by all the names that a policy can use."""

    kind: RequesterKind
    name: str
    """ARN of the root user, the user, the role's session or the identity provider; a service's own name."""
    account_id: str
    """Empty for services and identity providers."""
    unique_id: str = ""
    """Stable id of the user ("AIDA…") or the role ("AROA…"): a name that is used again has another."""
    role_arn: str = ""
    """ARN of the role, for a session of one."""
    service_linked: bool = False
    """A session of a role that belongs to a service: organizations do not restrict it."""


class Match(enum.IntEnum):
    """How closely a statement names the requester; how far its Allow reaches depends on it."""

    NONE = 0
    ACCOUNT = 1
    """Its account, which then decides by its own policies."""
    ANYONE = 2
    ROLE = 3
    """The role, of which the requester is a session."""
    REQUESTER = 4


class NameKind(enum.Enum):
    """The keys of the Principal element."""

    AWS = "AWS"
    SERVICE = "Service"
    FEDERATED = "Federated"


@dataclass(frozen=True, slots=True)
class Name:
    """One value of the Principal element."""

    kind: NameKind
    value: str
    """As it is written: an account by its twelve digits or by its root's ARN, everybody as "*"."""

    @property
    def account_id(self) -> str:
        """The account, when the whole account is named; else empty."""
        if self.kind is not NameKind.AWS:
            return ""
        parts = self.value.split(":", 5)
        return parts[4] if parts[-1] == "root" else self.value if self.value.isdecimal() else ""

    @property
    def partition(self) -> str | None:
        """The partition of an ARN; None for what is none: an account's digits are those of any partition."""
        parts = self.value.split(":", 2)
        return parts[1] if len(parts) == 3 else None


@dataclass(frozen=True, slots=True)
class Principals:
    """A whole Principal or NotPrincipal element."""

    names: tuple[Name, ...]
    negated: bool = False

    def match(self, requester: Requester) -> Match:
        """Say how closely the element names the requester.

        NotPrincipal leaves out only a requester of whom every name is listed: its own, its role's and its
        account's. Everybody else is meant.
        """
        if not self.negated:
            return max(_match(name, requester) for name in self.names)
        listed = {_match(name, requester) for name in self.names}
        return Match.NONE if _wanted(requester) <= listed else Match.ANYONE


def _match(name: Name, requester: Requester) -> Match:
    if name.kind is not NameKind.AWS:
        return Match.REQUESTER if _is_that(name, requester) else Match.NONE
    if name.value == "*":
        return Match.ANYONE
    if requester.kind in (RequesterKind.SERVICE, RequesterKind.FEDERATED):
        return Match.NONE
    if name.value == requester.name:
        return Match.REQUESTER
    if requester.kind is RequesterKind.ROLE:
        if name.value in (requester.role_arn, requester.unique_id):
            return Match.ROLE
    elif name.value == requester.unique_id:
        return Match.REQUESTER
    if name.account_id != requester.account_id or name.partition not in (None, _partition(requester)):
        return Match.NONE
    return Match.REQUESTER if requester.kind is RequesterKind.ROOT else Match.ACCOUNT


def _partition(requester: Requester) -> str:
    return requester.name.split(":", 2)[1]


def _is_that(name: Name, requester: Requester) -> bool:
    kind = RequesterKind.SERVICE if name.kind is NameKind.SERVICE else RequesterKind.FEDERATED
    return requester.kind is kind and name.value == requester.name


def _wanted(requester: Requester) -> set[Match]:
    """Return what NotPrincipal must list to leave the requester out."""
    if requester.kind is RequesterKind.ROLE:
        return {Match.REQUESTER, Match.ROLE, Match.ACCOUNT}
    if requester.kind is RequesterKind.USER:
        return {Match.REQUESTER, Match.ACCOUNT}
    # Nothing stands above a service; the root user and its account have one name.
    return {Match.REQUESTER}
