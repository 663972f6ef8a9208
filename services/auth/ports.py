"""What auth needs of the outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.auth.domain.identity import InlinePolicy, PolicyReference, Tag
from services.auth.domain.pages import PageRequest
from services.auth.domain.points import EnforcementPointId
from services.auth.domain.records import (
    AccessKey,
    Account,
    Agreement,
    Installation,
    KeyStatus,
    PrincipalState,
    SimulatedPrincipal,
    TokenKeyRecord,
    User,
)
from services.chassis.arn import IamEntity
from services.chassis.manifest import ModelManifest
from services.chassis.pages import Page
from services.chassis.policy.bundle import Documents
from services.chassis.secret import SecretBytes


class Sealer(Protocol):
    """Encrypts what auth must keep but must not be able to lose.

    `seal` MUST use authenticated encryption that binds `context`; `open` MUST raise for anything else.
    Both raise DomainError(DEPENDENCY_UNAVAILABLE) while the key service cannot be reached.
    """

    async def seal(self, plaintext: SecretBytes, context: Mapping[str, str]) -> bytes:
        """Encrypt under auth's service key."""

    async def open(self, sealed: bytes, context: Mapping[str, str]) -> SecretBytes:
        """Decrypt what `seal` made with the same context."""


class Revocations(Protocol):
    """Brings changes into force at all enforcement points."""

    async def publish(self, account_id: str, epoch: int) -> None:
        """Return when no enforcement point uses anything of the account that is older than `epoch`.

        The change MUST be durable before. MUST NOT raise, and MUST return within the life of a lease.
        """

    async def publish_all(self, epochs: Mapping[str, int]) -> None:
        """As `publish`, for a change that reaches many accounts, each with its epoch."""


class Announcer(Protocol):
    """Tells enforcement points that what they leased is outdated, and replicas what those confirmed.

    It makes revocation faster, never possible: it MUST NOT raise and MUST return within a bounded time,
    because leases end by themselves.
    """

    async def publish(self, account_id: str, epoch: int) -> None:
        """Announce that the account's policies have reached `epoch`."""

    async def publish_all(self, epochs: Mapping[str, int]) -> None:
        """Announce the epochs of a hundred accounts at most at once."""

    async def relay(self, confirmation: str) -> None:
        """Tell all replicas of auth what an enforcement point has confirmed."""


class EnforcementPointStore(Protocol):
    """The processes that hold leases."""

    async def register(self, point: EnforcementPointId, now: datetime) -> None:
        """Write down that a point takes leases now. MUST be durable, and seen by every replica, on return."""

    async def live(self, since: datetime) -> list[EnforcementPointId]:
        """Return the points that registered at `since` or later. MAY forget the others."""


class ModelCatalog(Protocol):
    """The signed manifests that this installation offers."""

    def find(self, model_id: str) -> ModelManifest | None:
        """Return the verified manifest of a model."""


class DirectoryStore(Protocol):
    """Accounts, users and keys.

    Every method that changes something MUST return only after the change is durable, MUST apply all of
    it or nothing, and returns the account's new policy epoch, which grows with every change. A read that
    begins after such a return MUST see the change. Raises DomainError (RESOURCE_NOT_FOUND,
    RESOURCE_EXISTS, RESOURCE_STATE, QUOTA_EXCEEDED) with AWS's texts.
    """

    async def installation(self) -> Installation | None:
        """Return the installation, None before bootstrapping."""

    async def bootstrap(
        self, installation: Installation, account: Account, user: User, policy: InlinePolicy, key: AccessKey
    ) -> int:
        """Create the first account. Raises ALREADY_BOOTSTRAPPED, also to the slower of two callers."""

    async def create_account(
        self,
        account: Account,
        request_key: str | None,
        administrator: tuple[User, InlinePolicy, AccessKey] | None,
    ) -> int:
        """Create an account. Raises RESOURCE_EXISTS for its id or for a request key that was used."""

    async def account_of_request(self, request_key: str) -> tuple[Account, AccessKey | None] | None:
        """Return the account that this request created, with its administrator's key while that exists."""

    async def account(self, account_id: str) -> Account:
        """Return an account."""

    async def accounts(self, request: PageRequest) -> Page[Account]:
        """List accounts by id."""

    async def create_user(
        self, user: User, limit: int, boundary: PolicyReference | None = None, tags: Sequence[Tag] = ()
    ) -> int:
        """Create a user of an account, which must then have at most `limit`, with boundary and tags.

        Names are unique in the account without regard to case.
        """

    async def user(self, account_id: str, user_name: str) -> User:
        """Return a user."""

    async def users(self, account_id: str, request: PageRequest, path_prefix: str = "") -> Page[User]:
        """List the users of an account by name, whose path begins so."""

    async def update_user(
        self, account_id: str, user_name: str, new_name: str, new_path: str
    ) -> tuple[User, int]:
        """Rename and move a user; what is empty stays. Its id stays, and all that is about the id."""

    async def delete_user(self, account_id: str, user_name: str) -> int:
        """Delete a user that has neither keys nor policies and is in no group."""

    async def create_access_key(self, key: AccessKey, limit: int) -> int:
        """Add a key to its user, or to root, who must then have at most `limit`."""

    async def access_keys(self, account_id: str, user_name: str, request: PageRequest) -> Page[AccessKey]:
        """List a user's keys in the order of their creation."""

    async def set_key_status(
        self, account_id: str, user_name: str | None, access_key_id: str, status: KeyStatus
    ) -> tuple[AccessKey, int]:
        """Change the status of a key of this user (None: of root)."""

    async def delete_access_key(self, account_id: str, user_name: str | None, access_key_id: str) -> int:
        """Delete a key of this user (None: of root)."""


class AgreementStore(Protocol):
    """Model agreements and use-case forms. Durability and errors as in DirectoryStore."""

    async def put_agreement(self, agreement: Agreement) -> int:
        """Record an agreement; the same one again changes nothing but is no error."""

    async def agreement(self, account_id: str, region: str, model_id: str) -> Agreement | None:
        """Return the account's agreement, whatever EULA it is about."""

    async def delete_agreement(self, account_id: str, region: str, model_id: str) -> int | None:
        """Delete an agreement; None when there was none."""

    async def put_use_case(self, account_id: str, sealed: bytes) -> None:
        """Store the sealed use-case form."""

    async def use_case(self, account_id: str) -> bytes | None:
        """Return the sealed use-case form."""


class CredentialStore(Protocol):
    """What authentication reads and writes. Durability as in DirectoryStore."""

    async def principal_state(self, access_key_id: str) -> PrincipalState | None:
        """Return everything that decides about the principal of a key, in one consistent reading."""

    async def resource_control(self, account_id: str) -> tuple[Documents, ...]:
        """Return the resource control policies that protect an account's resources, level by level."""

    async def token_keys(self) -> list[TokenKeyRecord]:
        """Return the signing keys, newest first."""

    async def replace_token_key(self, key: TokenKeyRecord, expected_newest: str | None) -> bool:
        """Add a signing key if the newest is still the expected one; False when another was faster."""

    async def delete_token_keys(self, key_ids: list[str]) -> None:
        """Forget keys that no live token needs."""

    async def first_seen(self, signature_sha256: bytes, now: datetime, until: datetime) -> datetime:
        """Remember a signature until a time and return when it was first seen: `now` the first time.

        MUST survive restarts, and MUST give the same answer to every replica.
        """


class PrincipalReader(Protocol):
    """Principals by their name."""

    async def named(self, entity: IamEntity) -> SimulatedPrincipal:
        """Return a user or a role, in one consistent reading. Raises RESOURCE_NOT_FOUND.

        One of the name that has another path is another ARN, and is not found.
        """


class BootstrapToken(Protocol):
    """The one-time token that admits the first administrator."""

    def read(self) -> SecretBytes | None:
        """Return the token, None when there is none or others than its owner can read it."""

    def destroy(self) -> None:
        """Remove the token after its use; failing to do so is harmless, the store remembers."""
