"""Groups, managed policies with versions, what they are attached to, and tags."""

import enum
from dataclasses import dataclass
from datetime import datetime


class EntityKind(enum.Enum):
    """What a policy can be attached to. The values are stored."""

    USER = "user"
    GROUP = "group"
    ROLE = "role"


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


@dataclass(frozen=True, slots=True)
class Group:
    """An IAM group: users that share policies. It is no principal."""

    account_id: str
    group_name: str
    group_id: str
    """"AGPA" and 17 characters."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class GroupPolicy:
    """An inline identity policy of a group."""

    account_id: str
    group_name: str
    policy_name: str
    document: str
    """As it was written."""
    canonical: str
    """As it is evaluated."""
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A policy with versions that can be attached to several entities."""

    account_id: str
    """Owner; BUILT_IN_OWNER for a policy that comes with this software."""
    policy_name: str
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


BUILT_IN_OWNER = "aws"
"""What stands in place of the account in the ARN of a built-in policy."""
