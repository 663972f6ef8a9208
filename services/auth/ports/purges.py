"""What purging accounts needs: a store of purges, the other services, the audit log."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.auth.domain.pages import PageRequest
from services.auth.domain.purges import AccountPurge, Deed
from services.auth.domain.records import AccessKey
from services.chassis.account_purge import AccountPurger
from services.chassis.pages import Page


class PurgeStore(Protocol):
    """Purges, and what auth itself keeps of accounts. Durability as in DirectoryStore.

    Whatever takes a purge compares its revision with the stored one in the same transaction, and raises
    DomainError(CONFLICT) when somebody else was faster; it returns the purge with its next revision.
    """

    async def add(self, purge: AccountPurge) -> None:
        """Add a purge of an account that has no other one which is open. Raises RESOURCE_EXISTS."""

    async def get(self, purge_id: str) -> AccountPurge:
        """Return a purge. Raises RESOURCE_NOT_FOUND."""

    async def list(self, account_id: str, request: PageRequest) -> Page[AccountPurge]:
        """Return purges, of one account or (empty) of all, the newest first."""

    async def to_do(self, now: datetime) -> Sequence[AccountPurge]:
        """Return those that are due, and those that have begun and are not over."""

    async def replace(self, purge: AccountPurge) -> AccountPurge:
        """Write a purge as it is now."""

    async def close(self, purge: AccountPurge) -> tuple[AccountPurge, int]:
        """Write it, and close its account; return the account's epoch as well.

        MUST be one transaction: from then on no principal of the account is found, and nothing of it changes.
        """

    async def epoch(self, account_id: str) -> int:
        """Return the policy epoch of an account, closed or not."""

    async def remove(self, purge: AccountPurge) -> AccountPurge:
        """Remove what auth keeps of the account, and write the purge with the counts, in one transaction."""

    async def finish(self, purge: AccountPurge, incarnation: str) -> tuple[AccountPurge, int]:
        """Write a purge that is done, and open its account as this incarnation unless that is empty."""

    async def add_first_key(self, key: AccessKey) -> int:
        """Add a key of the root user to an account without users and keys. Raises RESOURCE_STATE."""


class PurgeLog(Protocol):
    """The audit log, as far as purges stand in it. Raises DomainError."""

    async def completed(self, purge: AccountPurge) -> str:
        """Record that all is removed; return the event's id when it is durable in the spool."""

    async def indexes(self, event_ids: Sequence[str]) -> Mapping[str, int]:
        """Return where in the log events are, of those that were taken in."""

    async def proceed(self, account_id: str, incarnation: str) -> None:
        """Have events of the account kept again: the purged incarnation is over."""


class PurgeSigner(Protocol):
    """Signs certificates. Raises DomainError."""

    async def sign(
        self, purge: AccountPurge, entries: Sequence[tuple[str, Deed, int]]
    ) -> tuple[bytes, bytes]:
        """Return the certificate, and the public key that verifies it."""


Purgers = Sequence[tuple[str, AccountPurger]]
"""The services that keep something of accounts, by their names, in the order in which they are asked."""
