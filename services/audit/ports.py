"""What the audit service needs of the outside."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.audit.domain.anchor import Anchor
from services.audit.domain.delivery import Link, LogFile, OwedFile
from services.audit.domain.entry import Index
from services.audit.domain.index_rows import IndexRow
from services.audit.domain.purged import PurgedAccount
from services.audit.domain.query import Place, Query
from services.audit.domain.trail import Trail, TrailName
from services.chassis.account_purge import Progress, Purge
from services.chassis.context import CallContext
from services.chassis.secret import SecretBytes
from tlog.note import Signature, VerifierKey


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
    request_id: str
    event_source: str
    user_name: str
    access_key: str
    read_only: bool
    record: bool
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
    """Holds entries for ever: nothing here changes or removes one, and no purge removes a leaf."""

    async def append(self, batch: Batch) -> int:
        """Add what is new of a batch and return the position after the last entry held of its spool.

        MUST return only after the entries are durable, all or none. MUST skip positions that are held,
        and MUST raise DomainError when one of them holds another event, when the batch leaves a gap, or
        when the spool belongs to another workload. A new spool begins at position 0. MUST keep nothing but
        the leaf of an entry whose account was purged before it came.
        """

    async def purged(self, account_ids: Collection[str]) -> Sequence[PurgedAccount]:
        """Return those incarnations of these accounts that were purged, or are being."""

    async def indexes(self, event_ids: Collection[bytes]) -> Mapping[bytes, int]:
        """Return the numbers of these events' entries, of those that there are."""

    async def find(self, query: Query, after: Place | None, limit: int) -> Sequence[StoredEntry]:
        """Return up to `limit` entries that match, newest first, those before `after` left out.

        Entries of one microsecond are in the order of their arrival.
        """

    async def leaves(self, first: int, limit: int) -> Sequence[bytes]:
        """Return up to `limit` leaves from the sequence number `first` on, in the order of their arrival.

        MUST number entries from 0 without a gap, and MUST NOT return one before all that come before it are
        durable: their numbers are their indexes in the log. Raises LogDamagedError for a gap.
        """

    async def rows(self, first: int, limit: int) -> Sequence[StoredEntry]:
        """Return up to `limit` entries whose numbers are `first` and above, in their order, gaps or not."""

    async def by_id(self, event_id: bytes, account_id: str | None) -> StoredEntry | None:
        """Return an event's entry, None when there is none, or none of this account."""

    async def newest(self) -> int:
        """Return the number of the newest entry, -1 when there is none."""

    async def noted(self, workload: str, event_name: str, limit: int) -> Sequence[tuple[int, str]]:
        """Return the resources of a workload's newest events of a name that are the installation's.

        With the events' numbers, and those of `limit` events at most. MUST go by the spool that they came
        from and by their arrival: what an event says of itself, its sender has chosen.
        """

    async def span(self, account_id: str, after: int, most: int, most_bytes: int) -> int | None:
        """Return the number of the last of the account's records after the entry `after`, None for none.

        Counts at most `most` of them, and no more than have `most_bytes` together, but one at least.
        """

    async def records(self, account_id: str, after: int, upto: int) -> Sequence[StoredEntry]:
        """Return the account's records after the entry `after` up to `upto`, in their order."""


class LogFiles(Protocol):
    """Holds the log's files: bundles and tiles, which never change, and the checkpoint, which does."""

    async def put(self, files: Mapping[str, bytes]) -> None:
        """Write files, by their paths. MUST return only after all are durable.

        MUST leave each as it was or as it is now, never in part, whatever happens meanwhile. Raises OSError.
        """

    async def get(self, path: str) -> bytes | None:
        """Return a file, None when there is none. Raises OSError."""

    async def remove_partial(self, path: str) -> None:
        """Remove the partial ones of a tile or bundle that is full now, if there are any. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest checkpoint."""

    size: int
    root: bytes
    note: bytes
    """The signed checkpoint."""


class HeadStore(Protocol):
    """Holds the newest checkpoint that was signed, once for all replicas."""

    async def newest(self) -> Head | None:
        """Return it, None before the first one."""

    async def advance(self, before: int, head: Head) -> bool:
        """Hold another one instead of that of size `before` (0 before the first one).

        MUST compare and write in one transaction, and return False when another replica was faster. MUST
        return only after it is durable.
        """


class LogSigner(Protocol):
    """Signs checkpoints with the log's key. Raises DomainError while the key service is away."""

    async def verifier_key(self) -> VerifierKey:
        """Return the key's public half, under the log's origin."""

    async def sign(self, text: str) -> Signature:
        """Sign the text of a checkpoint."""


@dataclass(frozen=True, slots=True)
class DigestKey:
    """What the digests of trails are verified with."""

    der: bytes
    """RSAPublicKey of PKCS #1 in DER, as CloudTrail's ListPublicKeys has it."""
    created: datetime
    """Nothing was signed before."""


class DigestSigner(Protocol):
    """Signs digests of trails by CloudTrail's rules. Raises DomainError while the key service is away."""

    async def public_key(self) -> DigestKey:
        """Return the key's public half. MUST be the same for ever."""

    async def sign(self, text: str) -> bytes:
        """Sign the text of a digest: RSASSA-PKCS1-v1_5 with SHA-256. The same text has the same signature.

        Raises DomainError(INVALID_FIELD) for any other text.
        """


class Witness(Protocol):
    """Cosigns checkpoints of a log that has only grown (https://c2sp.org/tlog-witness)."""

    name: str

    async def key(self) -> VerifierKey:
        """Return its public key. Raises DomainError, TlogError."""

    async def cosign(
        self, log_key: VerifierKey, old_size: int, proof: Sequence[bytes], checkpoint: bytes
    ) -> Signature:
        """Return its cosignature of a checkpoint that continues the one of `old_size`, which it saw last.

        Raises DomainError: RESOURCE_STATE with the metadata "size" when that is another size, CONFLICT when
        the log has forked, and others; TlogError for an answer that is no signature.
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
        """Add a key. MUST return only after it is durable: events are sealed under it from then on.

        MUST raise DomainError while the account is purged, so that nothing opens what came late.
        """

    async def newest(self, account_id: str) -> DataKey | None:
        """Return the account's newest key."""

    async def get(self, key_id: bytes) -> DataKey | None:
        """Return a key by its id."""


class PurgeStore(Protocol):
    """Removes what is held of an account. Every method MUST return only after what it did is durable."""

    async def begin(self, purge: Purge) -> Progress:
        """Take nothing in any more of the account; remove its data keys and its trails. Return how far it is.

        MUST remember the ids of the keys, and not whose they were. Repeating it changes nothing.
        """

    async def purged_keys(self) -> Sequence[bytes]:
        """Return the ids of all data keys that purges have removed, in their order."""

    async def empty(self, purge: Purge, limit: int) -> Progress:
        """Leave of at most `limit` of its entries nothing but their leaves."""

    async def proceed(self, account_id: str, incarnation: str, now_us: int) -> None:
        """Take in again what happens in the account after `now_us`: another incarnation begins."""


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


@dataclass(frozen=True, slots=True)
class StoredDigest:
    """A digest of a trail, which is delivered or about to be."""

    region: str
    chain_us: int
    """When its chain began."""
    start_us: int
    end_us: int
    link: Link
    body: bytes
    delivered: bool


class TrailStore(Protocol):
    """Holds trails, what they have delivered and no digest names yet, and the ends of chains of digests."""

    async def create(self, trail: Trail, incarnation: str = "") -> None:
        """Add a trail of an account in this incarnation.

        Raises DomainError: RESOURCE_EXISTS for its name, QUOTA_EXCEEDED for its region, RESOURCE_STATE when
        the incarnation was purged.
        """

    async def get(self, name: TrailName) -> Trail | None:
        """Return a trail, None when there is none."""

    async def of_account(self, account_id: str) -> Sequence[Trail]:
        """Return the trails of an account, by region and name."""

    async def active(self) -> Sequence[Trail]:
        """Return every trail that was ever started."""

    async def replace(self, trail: Trail, files: Sequence[tuple[str, LogFile]] = ()) -> bool:
        """Hold a trail as it is now, and files that it has delivered meanwhile for regions.

        `trail` has the revision that was read. MUST compare and write in one transaction, and return False
        when the trail was changed or deleted meanwhile.
        """

    async def delete(self, trail: Trail) -> bool:
        """Remove a trail with what is held of its files; False when it was changed or deleted meanwhile."""

    async def hold(self, trail: Trail, files: Sequence[OwedFile]) -> bool:
        """Hold the sealed files of the part that is pending: whoever puts them puts these bytes.

        Sealing them again would give others. They are held until the part is pending no more. `trail` has the
        revision that was read. MUST compare and write in one transaction, return only after it is durable,
        and return False when the trail was changed meanwhile or has such files already.
        """

    async def held(self, trail: Trail) -> Sequence[OwedFile]:
        """Return the sealed files of the part that is pending, by regions; none before `hold`."""

    async def undigested(self, trail: Trail) -> Mapping[str, Sequence[tuple[int, LogFile]]]:
        """Return, by regions, delivered files with their ids that no digest names yet, the oldest first."""

    async def last_digest(self, trail: Trail, region: str) -> StoredDigest | None:
        """Return the newest digest of the trail's present chain."""

    async def chained(self, trail: Trail) -> Sequence[str]:
        """Return the regions in which the trail's present chains have a digest."""

    async def undelivered(self, trail: Trail) -> Sequence[StoredDigest]:
        """Return the digests that are held and were not delivered, of chains that have ended as well."""

    async def add_digest(self, trail: Trail, digest: StoredDigest, files: Sequence[int]) -> bool:
        """Add the next digest of a chain, which names `files`.

        MUST return False when another replica has added one that ends at the same time or later.
        """

    async def delivered_digest(self, trail: Trail, digest: StoredDigest) -> None:
        """Note that a digest was delivered, and forget what came before it in its chain."""


class TrailSealer(Protocol):
    """Seals log files of trails under customers' keys, as the keys' policies permit.

    Raises TrailKeyError for what a key or its policy refuses, DomainError while the key service is away.
    """

    async def resolve(self, name: TrailName, key: str, place: str) -> str:
        """Return the resource name of the key that `key` (or an alias) means, if the trail can use it.

        `place` is the bucket and folder of the files to come.
        """

    async def seal(self, name: TrailName, key: str, place: str, content: bytes) -> bytes:
        """Return a message of the AWS Encryption SDK that holds `content`, other bytes with each call.

        MUST be bound to the trail and to `place`, bucket and key of the object.
        """


class Buckets(Protocol):
    """The customers' object store. Raises BucketError with S3's code."""

    async def policy(self, bucket: str) -> str:
        """Return the policy of a bucket, empty for none."""

    async def put(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str]) -> None:
        """Write an object. MUST return only after it is stored, whole; the same again changes nothing."""


@dataclass(frozen=True, slots=True)
class SpoolRow:
    """What is held of a spool."""

    spool_id: str
    workload: str
    next_position: int
    beyond: int
    """How many of its entries no checkpoint covers yet."""


@dataclass(frozen=True, slots=True)
class PurgeRow:
    """What is held of a purge."""

    account: PurgedAccount
    purge_id: str
    finished: bool


class IndexStore(Protocol):
    """Reads what the database says, as it stands there, for comparing it with the log."""

    async def rows(self, first: int, limit: int) -> Sequence[IndexRow]:
        """Return the rows of the entries whose numbers are from `first` to below `first + limit`."""

    async def head(self) -> Head | None:
        """Return the newest checkpoint; values that it cannot have are replaced by such that differ."""

    async def strays(self, size: int) -> Sequence[tuple[str, str]]:
        """Return the rows, with their tables, that belong to no entry of a log of at least `size` entries."""

    async def spools(self, size: int) -> Sequence[SpoolRow]:
        """Return all spools; entries from number `size` on are counted beyond."""

    async def keys(self, key_ids: Collection[bytes]) -> Mapping[bytes, DataKey]:
        """Return those of these data keys that there are."""

    async def keys_after(self, key_id: bytes, limit: int) -> Sequence[DataKey]:
        """Return the next data keys in the order of their ids; the first ones after an empty id."""

    async def purges(self) -> Sequence[PurgeRow]:
        """Return all purges that were begun."""

    async def purged_keys(self, key_ids: Collection[bytes]) -> Collection[bytes]:
        """Return those of these ids whose data keys went with their accounts."""

    async def all_purged_keys(self) -> Sequence[bytes]:
        """Return the ids of all data keys that went with their accounts, in their order."""

    async def structure(self) -> Sequence[tuple[str, str]]:
        """Return tables with what the database itself finds wrong with them and their indexes."""
