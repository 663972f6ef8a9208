"""Groups, managed policies with versions, what they are attached to, and tags."""

import enum
from dataclasses import dataclass
from datetime import datetime

from services.auth.domain.records import User
from services.auth.domain.roles import Role


class EntityKind(enum.Enum):
    """What IAM has ARNs for. The values are stored, and stand in the ARNs."""

    USER = "user"
    GROUP = "group"
    ROLE = "role"
    POLICY = "policy"
    """A managed policy. All others can have policies attached."""

    @property
    def title(self) -> str:
        """As it stands in the names of actions and quotas."""
        return self.value.capitalize()


@dataclass(frozen=True, slots=True)
class Entity:
    """A user, a group, a role or a managed policy of an account, by name."""

    kind: EntityKind
    name: str


@dataclass(frozen=True, slots=True)
class NamedEntity:
    """A user, a group, a role or a managed policy that exists."""

    kind: EntityKind
    name: str
    entity_id: str
    """Stable and unique: an entity deleted and created again is another one."""
    path: str = "/"

    @property
    def position(self) -> str:
        """Where it stands in listings of several kinds."""
        return f"{self.kind.value}/{self.name.lower()}"


@dataclass(frozen=True, slots=True)
class Group:
    """An IAM group: users that share policies. It is no principal."""

    account_id: str
    group_name: str
    group_id: str
    """"AGPA" and 17 characters."""
    created_at: datetime
    path: str = "/"
    """Stands before the name in its ARN; begins and ends with "/"."""


@dataclass(frozen=True, slots=True)
class InlinePolicy:
    """An inline identity policy of a user, a group or a role."""

    account_id: str
    entity: Entity
    policy_name: str
    document: str
    """As it was written."""
    canonical: str
    """As it is evaluated."""
    updated_at: datetime


BUILT_IN_OWNER = "aws"
"""What stands in place of the account in the ARN of a built-in policy."""


@dataclass(frozen=True, slots=True)
class PolicyReference:
    """A managed policy by name."""

    owner: str
    """An account, or BUILT_IN_OWNER."""
    policy_name: str
    path: str = "/"
    """Part of its ARN; the name alone is unique."""

    @property
    def built_in(self) -> bool:
        """Whether it is one of the policies that come with this software."""
        return self.owner == BUILT_IN_OWNER

    @property
    def position(self) -> str:
        """Where it stands in listings: built-in policies first, then by name."""
        return f"{0 if self.built_in else 1}{self.policy_name.lower()}"


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A policy with versions that can be attached to several entities."""

    reference: PolicyReference
    policy_id: str
    """"ANPA" and 17 characters."""
    description: str
    default_version: int
    created_at: datetime
    updated_at: datetime
    attachments: int = 0
    """Users, groups and roles of the asking account that have it attached."""
    boundaries: int = 0
    """Users and roles of the asking account whose permissions boundary it is."""
    tags: "tuple[Tag, ...]" = ()
    """In the order of their keys, without regard to case; not in listings."""


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a managed policy. Versions never change."""

    number: int
    """From 1; shown as "v1"."""
    document: str
    """As it was written."""
    canonical: str
    """As it is evaluated."""
    is_default: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag: its key is unique for its bearer without regard to case."""

    key: str
    value: str


class PolicyScope(enum.Enum):
    """Whose managed policies are meant."""

    ALL = "all"
    AWS = "aws"
    LOCAL = "local"


class PolicyUsage(enum.Enum):
    """What a managed policy is used for."""

    ANY = "any"
    PERMISSIONS = "permissions"
    BOUNDARY = "boundary"


@dataclass(frozen=True, slots=True)
class UserDetails:
    """A user, with what hangs on it."""

    user: User
    boundary: PolicyReference | None
    """Its permissions boundary."""
    tags: tuple[Tag, ...]
    """In the order of their keys, without regard to case."""


@dataclass(frozen=True, slots=True)
class RoleDetails:
    """A role, with what hangs on it."""

    role: Role
    boundary: PolicyReference | None
    """The permissions boundary of its sessions."""
    tags: tuple[Tag, ...]
    """In the order of their keys, without regard to case."""


@dataclass(frozen=True, slots=True)
class EntityFacts:
    """What decides about actions on an entity, besides its name."""

    path: str = "/"
    tags: tuple[Tag, ...] = ()
    boundary: PolicyReference | None = None


@dataclass(frozen=True, slots=True)
class PolicyFilter:
    """Which managed policies are listed."""

    scope: PolicyScope = PolicyScope.ALL
    only_attached: bool = False
    usage: PolicyUsage = PolicyUsage.ANY
    """Only those that something uses so; ANY for all, used or not."""
    path_prefix: str = ""
