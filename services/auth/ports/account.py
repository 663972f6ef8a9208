"""What auth needs of the outside for what an account has altogether. Errors as in DirectoryStore."""

from collections.abc import Sequence, Set
from typing import Protocol

from services.auth.domain.account_details import Detail, DetailKind, IdentityCounts, KeyUse
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import AccessKey
from services.chassis.pages import Page


class AccountDetailStore(Protocol):
    """An account's identities altogether, and its alias."""

    async def counts(self, account_id: str) -> IdentityCounts:
        """Count, in one consistent reading."""

    async def details(self, account_id: str, kinds: Set[DetailKind], request: PageRequest) -> Page[Detail]:
        """List what the account has of these kinds, kind by kind and by name, in one consistent reading."""

    async def alias(self, account_id: str) -> str:
        """Return the account's alias, empty when it has none."""

    async def set_alias(self, account_id: str, alias: str) -> None:
        """Give the account an alias instead of the one that it may have. MUST be durable on return.

        Raises RESOURCE_EXISTS for one that another account has, also to the slower of two callers.
        """

    async def delete_alias(self, account_id: str, alias: str) -> None:
        """Take the alias away. MUST be durable on return. Raises RESOURCE_NOT_FOUND for another one."""


class KeyUseStore(Protocol):
    """When access keys were used last."""

    async def record_uses(self, uses: Sequence[KeyUse]) -> None:
        """Write uses down; one that is older than what is known of its key changes nothing.

        It MUST be durable on return. Keys that were deleted meanwhile are no error.
        """

    async def key_and_use(self, access_key_id: str) -> tuple[AccessKey, KeyUse | None] | None:
        """Return a key of a user or of root, with its last use that was written down; None for no key."""
