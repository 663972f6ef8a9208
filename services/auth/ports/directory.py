"""Accounts, users, keys, and the token that admits the first administrator."""

from collections.abc import Sequence
from typing import Protocol

from services.auth.domain.identity import InlinePolicy, PolicyReference, Tag
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import (
    AccessKey,
    Account,
    Installation,
    KeyStatus,
    User,
)
from services.chassis.pages import Page
from services.chassis.secret import SecretBytes


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


class BootstrapToken(Protocol):
    """The one-time token that admits the first administrator."""

    def read(self) -> SecretBytes | None:
        """Return the token, None when there is none or others than its owner can read it."""

    def destroy(self) -> None:
        """Remove the token after its use; failing to do so is harmless, the store remembers."""
