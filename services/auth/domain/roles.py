"""Roles, and the temporary credentials of those who assumed one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.auth.domain.federation import Federation
from services.auth.domain.passed_roles import PassedRole
from services.chassis.arn import assumed_role_arn, role_arn

DEFAULT_SESSION = timedelta(hours=1)
LONGEST_CHAINED_SESSION = timedelta(hours=1)
"""Of a session that another session of a role assumed."""


@dataclass(frozen=True, slots=True)
class Role:
    """An identity that principals assume for a time."""

    account_id: str
    role_name: str
    role_id: str
    """Stable and unique: a role deleted and created again is another principal."""
    trust: str
    """Who may assume it: as it was written, but with users and roles by their ids. Whoever reads the role
    gets it with the ARNs of now."""
    canonical_trust: str
    """As it is evaluated."""
    description: str
    max_session: timedelta
    created_at: datetime
    path: str = "/"
    """Stands before the name in its ARN; begins and ends with "/"."""

    def arn(self, partition: str) -> str:
        """Return its ARN."""
        return role_arn(self.account_id, self.role_name, partition, self.path)


Tags = tuple[tuple[str, str], ...]
"""(key, value), sorted by key; keys are unique without regard to case."""


@dataclass(frozen=True, slots=True)
class TemporarySession:
    """Temporary credentials: of a role that was assumed, or of a principal that asked for them itself."""

    access_key_id: str
    """"ASIA" and 16 characters."""
    account_id: str
    role: Role | None
    """None for credentials that a user, or the root user, asked for with its own."""
    user_id: str | None
    """That user; None with a role, and for the root user."""
    session_name: str
    """Empty without a role."""
    token_sha256: bytes
    """Of the session token, which only the client has."""
    sealed_secret: bytes = field(repr=False)
    policies: tuple[str, ...]
    """Canonical session policies."""
    policy_ids: tuple[str, ...]
    """Ids of managed session policies. With neither the session is not narrowed."""
    tags: Tags
    transitive_keys: frozenset[str]
    """Keys of tags that sessions assumed from this one keep, in lower case."""
    source_identity: str
    issued_at: datetime
    expires_at: datetime
    passed: PassedRole | None = None
    """Set for sessions of a service that the role was passed to."""
    source_key_id: str = ""
    """Access key with which a user, or the root user, asked for it: it counts no longer than that key."""
    federation: Federation | None = None
    """Set when an identity provider vouched for whoever opened it."""

    @property
    def principal_id(self) -> str:
        """The stable id of a role's session."""
        return "" if self.role is None else f"{self.role.role_id}:{self.session_name}"

    def principal_arn(self, partition: str) -> str:
        """Return the ARN of a role's session; empty without a role."""
        if self.role is None:
            return ""
        return assumed_role_arn(self.account_id, self.role.role_name, self.session_name, partition)
