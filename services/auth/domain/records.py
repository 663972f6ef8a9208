"""What auth keeps: accounts, users, access keys, policies, agreements."""

import enum
from dataclasses import dataclass, field
from datetime import datetime

from services.auth.domain.policy_sources import PrincipalSources
from services.auth.domain.roles import TemporarySession
from services.chassis.policy.bundle import Documents, PolicyBundle
from services.chassis.policy.keys import NO_FACTS, PrincipalFacts


@dataclass(frozen=True, slots=True)
class Account:
    """The unit of isolation, ownership and metering."""

    account_id: str
    """Twelve digits."""
    incarnation: str
    """Random: an account id that is used again after a purge inherits nothing."""
    display_name: str
    created_at: datetime
    closed: bool = False
    """True from the moment on that a purge removes it."""


@dataclass(frozen=True, slots=True)
class ResourceOwner:
    """What protects the resources of an account, whoever asks for them."""

    incarnation: str
    epoch: int
    resource_control: tuple[Documents, ...] = ()
    """One for each level from the organization's root to the account; none where nothing is restricted."""


@dataclass(frozen=True, slots=True)
class User:
    """An IAM user."""

    account_id: str
    user_name: str
    user_id: str
    """Stable and unique: a user deleted and created again is another principal."""
    created_at: datetime
    path: str = "/"
    """Stands before the name in its ARN; begins and ends with "/"."""


class KeyStatus(enum.Enum):
    """Whether signatures of an access key are accepted."""

    ACTIVE = "active"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A SigV4 credential. Its secret exists only sealed."""

    access_key_id: str
    account_id: str
    user: User | None
    """None for a key of the account's root user."""
    status: KeyStatus
    sealed_secret: bytes = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ServiceCredential:
    """A service-specific credential: a long-term API key. Its secret is not kept, only the SHA-256 of it.

    AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ServiceSpecificCredential.html
    """

    credential_id: str
    """"ACCA" and 17 characters."""
    account_id: str
    user: User
    service_name: str
    alias: str
    """The public part of the key: names the user and the account, and is one credential's alone."""
    secret_sha256: bytes = field(repr=False)
    """Of 256 random bits: nobody finds them by trying, so that a slow hash would protect nothing more."""
    generation: int
    """How often the secret was replaced."""
    status: KeyStatus
    created_at: datetime
    expires_at: datetime | None
    """None: never."""

    def expired(self, now: datetime) -> bool:
        """Say whether its time is over."""
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True, slots=True)
class Agreement:
    """An account's acceptance of one EULA of a model in one region."""

    account_id: str
    region: str
    model_id: str
    offer_id: str
    eula_sha256: str
    accepted_at: datetime
    accepted_by: str
    """ARN of the principal."""


@dataclass(frozen=True, slots=True)
class TokenKeyRecord:
    """A key that signs principal tokens, as it is stored."""

    key_id: str
    public_key: bytes
    sealed_private_key: bytes = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Installation:
    """What bootstrapping fixed for ever."""

    management_account_id: str
    """The account whose principals may manage accounts."""
    organization_id: str
    """"o-" and ten characters."""


@dataclass(frozen=True, slots=True)
class PrincipalState:
    """Everything that decides about a principal now, read in one transaction."""

    account: Account
    user: User | None
    """None for root and for the session of a role."""
    access_key: AccessKey
    epoch: int
    policies: PolicyBundle
    """Canonical documents of every layer that binds the principal."""
    entitlements: tuple[tuple[str, str, str], ...]
    """(region, model id, EULA digest), sorted."""
    facts: PrincipalFacts = NO_FACTS
    """For condition keys."""
    session: TemporarySession | None = None
    """Set for temporary credentials."""
    service_credential: ServiceCredential | None = None
    """Set for a long-term API key, which `access_key` then stands for without a secret."""

    @property
    def root(self) -> bool:
        """Whether it is the root user of the account."""
        return self.user is None and (self.session is None or self.session.role is None)

    @property
    def principal_id(self) -> str:
        """The stable id of the principal; the account's id for its root user."""
        if self.user is not None:
            return self.user.user_id
        return self.account.account_id if self.session is None else self.session.principal_id


@dataclass(frozen=True, slots=True)
class SimulatedPrincipal:
    """What decides about a user or a role, whoever its credentials are."""

    unique_id: str
    role_name: str
    """Empty for a user."""
    policies: PolicyBundle
    facts: PrincipalFacts
    sources: PrincipalSources
    """The policies that `policies` was read from, with their names."""
