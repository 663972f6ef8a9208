"""What the audit service needs of the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.audit.domain.anchor import Anchor
from services.audit.domain.entry import Index
from services.audit.domain.query import Place, Query
from services.chassis.context import CallContext
from services.chassis.secret import SecretBytes


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """An entry whose body is sealed."""

    index: Index
    leaf: bytes


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it was found."""

    sequence: int
    event_id: bytes
    time_us: int
    account_id: str
    principal_arn: str
    event_name: str
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive entries of one spool."""

    spool_id: str
    workload: str
    """Path of the workload that ships it, for example "service/auth"."""
    first_position: int
    entries: Sequence[SealedEntry]


class EventStore(Protocol):
    """Holds entries for ever: nothing here changes or removes one."""

    async def append(self, batch: Batch) -> int:
        """Add what is new of a batch and return the position after the last entry held of its spool.

        MUST return only after the entries are durable, all or none. MUST skip positions that are held,
        and MUST raise DomainError when one of them holds another event, when the batch leaves a gap, or
        when the spool belongs to another workload. A new spool begins at position 0.
        """

    async def find(self, query: Query, after: Place | None, limit: int) -> Sequence[StoredEntry]:
        """Return up to `limit` entries that match, newest first, those before `after` left out.

        Entries of one microsecond are in the order of their arrival.
        """


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key of an account, encrypted by the key service."""

    key_id: bytes
    account_id: str
    wrapped: bytes
    created_us: int


class DataKeyStore(Protocol):
    """Holds encrypted data keys. Removing one makes every event sealed under it unreadable."""

    async def add(self, key: DataKey) -> None:
        """Add a key. MUST return only after it is durable: events are sealed under it from then on."""

    async def newest(self, account_id: str) -> DataKey | None:
        """Return the account's newest key."""

    async def get(self, key_id: bytes) -> DataKey | None:
        """Return a key by its id."""


class AnchorStore(Protocol):
    """Holds the newest anchor of each store, for the workload that brought its first one."""

    async def append(self, workload: str, anchor: Anchor) -> None:
        """Remember an anchor instead of the one before.

        MUST return only after it is durable. MUST raise DomainError(RESOURCE_STATE) unless
        `Anchor.may_follow` says that it may, judged in the same transaction, and DomainError(ACCESS_DENIED)
        when the store belongs to another workload.
        """

    async def newest(self, workload: str, store_id: str) -> Anchor | None:
        """Return the newest anchor, None for none. Raises as `append` for a store of another workload."""


class KeyService(Protocol):
    """Makes and opens data keys under this service's own key. Raises DomainError."""

    async def generate(self, key_id: bytes, account_id: str) -> tuple[SecretBytes, bytes]:
        """Return a new 32-byte key and its encrypted form, bound to its id and account."""

    async def open(self, key: DataKey) -> SecretBytes:
        """Return the key. MUST raise when it was encrypted for another id or account.

        Asked for every batch and every event that is read: it MAY remember a key for a minute, and MUST NOT
        return one whose key in the key service has ended.
        """


class Authorization(Protocol):
    """The policy decision: services.chassis.authorization.Authorizer."""

    async def authorize(self, call: CallContext, action: str, resource: str) -> None:
        """Return when the call's principal may do `action`; raises DomainError otherwise."""
