"""What auth needs of the outside for service-specific credentials.

Durability, epochs and errors as in DirectoryStore.
"""

from datetime import datetime
from typing import Protocol

from services.auth.domain.pages import PageRequest
from services.auth.domain.records import KeyStatus, ServiceCredential, User
from services.chassis.pages import Page


class ServiceCredentialStore(Protocol):
    """Long-term API keys of users."""

    async def create(
        self,
        credential_id: str,
        user: User,
        service_name: str,
        secret_sha256: bytes,
        created_at: datetime,
        expires_at: datetime | None,
        limit: int,
    ) -> tuple[ServiceCredential, int]:
        """Add a credential to a user, who must then have at most `limit` for this service.

        It gets the first alias that no other credential has.
        """

    async def credentials(
        self, account_id: str, user_name: str | None, service_name: str, request: PageRequest
    ) -> Page[ServiceCredential]:
        """List credentials of a user, or of all (None), in the order of their creation; "": any service."""

    async def set_status(
        self, account_id: str, user_name: str, credential_id: str, status: KeyStatus
    ) -> tuple[ServiceCredential, int]:
        """Change the status of a user's credential."""

    async def replace_secret(
        self, account_id: str, user_name: str, credential_id: str, secret_sha256: bytes
    ) -> tuple[ServiceCredential, int]:
        """Give a user's credential another secret; the earlier one MUST count no more on return."""

    async def delete(self, account_id: str, user_name: str, credential_id: str) -> int:
        """Delete a user's credential."""

    async def by_alias(self, alias: str) -> ServiceCredential | None:
        """Return the credential of an alias, in any account."""
