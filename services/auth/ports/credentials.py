"""What authentication needs: sealed secrets, principals, token keys, seen signatures."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from services.auth.domain.records import (
    PrincipalState,
    ResourceOwner,
    SimulatedPrincipal,
    TokenKeyRecord,
)
from services.chassis.arn import IamEntity
from services.chassis.policy.bundle import Documents
from services.chassis.secret import SecretBytes


class Sealer(Protocol):
    """Encrypts what auth must keep but must not be able to lose.

    `seal` MUST use authenticated encryption that binds `context`; `open` MUST raise for anything else.
    Both raise DomainError(DEPENDENCY_UNAVAILABLE) while the key service cannot be reached. `open` MAY
    remember what opens a value for a minute, and MUST NOT open one whose key in the key service has ended.
    """

    async def seal(self, plaintext: SecretBytes, context: Mapping[str, str]) -> bytes:
        """Encrypt under auth's service key."""

    async def open(self, sealed: bytes, context: Mapping[str, str]) -> SecretBytes:
        """Decrypt what `seal` made with the same context."""


class CredentialStore(Protocol):
    """What authentication reads and writes. Durability as in DirectoryStore."""

    async def principal_state(self, access_key_id: str) -> PrincipalState | None:
        """Return everything that decides about the principal of a key, in one consistent reading.

        None for a key that is not known, or whose account is closed.
        """

    async def resource_control(self, account_id: str) -> tuple[Documents, ...]:
        """Return the resource control policies that protect an account's resources, level by level."""

    async def resource_owner(self, account_id: str) -> ResourceOwner:
        """Read what protects an account's resources at one moment.

        Raises RESOURCE_NOT_FOUND, also for a closed account.
        """

    async def token_keys(self) -> list[TokenKeyRecord]:
        """Return the signing keys, newest first."""

    async def replace_token_key(self, key: TokenKeyRecord, expected_newest: str | None) -> bool:
        """Add a signing key if the newest is still the expected one; False when another was faster."""

    async def delete_token_keys(self, key_ids: list[str]) -> None:
        """Forget keys that no live token needs."""

    async def first_seen(
        self, signature_sha256: bytes, now: datetime, until: datetime, *, ahead: bool = False
    ) -> datetime:
        """Remember a signature until a time and return when it was first seen: `now` the first time.

        `ahead` says that it was dated ahead of edge's clock, for `any_ahead`.
        MUST survive restarts, and MUST give the same answer to every replica.
        """

    async def seen_before(self, signatures_sha256: Collection[bytes], moment: datetime) -> frozenset[bytes]:
        """Return those signatures that are remembered and were first seen before a moment.

        MUST know of whatever `first_seen` has returned for, at any replica.
        """

    async def any_ahead(self, now: datetime) -> bool:
        """Say whether any signature is remembered at `now` that was dated ahead.

        MUST know of whatever `first_seen` has returned for, at any replica.
        """


class PrincipalReader(Protocol):
    """Principals by their name."""

    async def named(self, entity: IamEntity) -> SimulatedPrincipal:
        """Return a user or a role, in one consistent reading. Raises RESOURCE_NOT_FOUND.

        One of the name that has another path is another ARN, and is not found.
        """

    async def present(self, unique_ids: Collection[str]) -> Mapping[str, IamEntity]:
        """Return by their ids those of these users and roles that exist, whichever account they are in."""
