"""Groups, managed policies with versions, what they are attached to, and tags."""

import enum
from dataclasses import dataclass
from datetime import datetime

from services.auth.domain.records import User


class EntityKind(enum.Enum):
    """What a policy can be attached to. The values are stored."""

    USER = "user"
    GROUP = "group"
    ROLE = "role"

    @property
    def title(self) -> str:
        """As it stands in the names of actions and quotas."""
        return self.value.capitalize()


@dataclass(frozen=True, slots=True)
class Entity:
    """A user, a group or a role, by name."""

    kind: EntityKind
    name: str


@dataclass(frozen=True, slots=True)
class NamedEntity:
    """A user, a group or a role that exists."""

    kind: EntityKind
    name: str
    entity_id: str
    """Stable and unique: an entity deleted and created again is another one."""

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
