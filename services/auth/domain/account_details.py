"""What an account's identities are altogether, and when its access keys were used."""

import enum
from dataclasses import dataclass
from datetime import datetime

from services.auth.domain.identity import (
    Group,
    InlinePolicy,
    ManagedPolicy,
    PolicyReference,
    PolicyVersion,
    RoleDetails,
    UserDetails,
)


class DetailKind(enum.Enum):
    """A kind of what a review of an account's rights lists; in the order of the listing."""

    USER = "1"
    GROUP = "2"
    ROLE = "3"
    BUILT_IN_POLICY = "4"
    """Those that something in the account has attached."""
    OWN_POLICY = "5"


@dataclass(frozen=True, slots=True)
class Rights:
    """The policies of a user, a group or a role, but for its permissions boundary."""

    inline: tuple[InlinePolicy, ...]
    attached: tuple[PolicyReference, ...]
    """Both in the order of their names."""


@dataclass(frozen=True, slots=True)
class UserRights:
    """A user with all that hangs on it."""

    details: UserDetails
    rights: Rights
    group_names: tuple[str, ...]

    @property
    def position(self) -> str:
        """Where it stands in the listing."""
        return DetailKind.USER.value + self.details.user.user_name.lower()


@dataclass(frozen=True, slots=True)
class GroupRights:
    """A group with all that hangs on it."""

    group: Group
    rights: Rights

    @property
    def position(self) -> str:
        """Where it stands in the listing."""
        return DetailKind.GROUP.value + self.group.group_name.lower()


@dataclass(frozen=True, slots=True)
class RoleRights:
    """A role with all that hangs on it."""

    details: RoleDetails
    rights: Rights

    @property
    def position(self) -> str:
        """Where it stands in the listing."""
        return DetailKind.ROLE.value + self.details.role.role_name.lower()


@dataclass(frozen=True, slots=True)
class PolicyContent:
    """A managed policy with all its versions."""

    policy: ManagedPolicy
    versions: tuple[PolicyVersion, ...]

    @property
    def position(self) -> str:
        """Where it stands in the listing."""
        reference = self.policy.reference
        kind = DetailKind.BUILT_IN_POLICY if reference.built_in else DetailKind.OWN_POLICY
        return kind.value + reference.position


Detail = UserRights | GroupRights | RoleRights | PolicyContent


@dataclass(frozen=True, slots=True)
class IdentityCounts:
    """How many identities an account has."""

    users: int
    groups: int
    roles: int
    policies: int
    """Managed policies of its own."""
    policy_versions: int
    root_keys: int
    providers: int = 0
    """OpenID Connect providers."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One use of an access key."""

    access_key_id: str
    used_at: datetime
    region: str
    """Of the credential scope, as is the service."""
    service: str
