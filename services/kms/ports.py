"""What the key service needs of the outside."""

import enum
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from services.chassis.arn import IamEntity
from services.chassis.context import CallContext
from services.chassis.policy.keys import Conditions
from services.chassis.policy.layers import ResourceLayers
from services.chassis.policy.model import Decision
from services.chassis.secret import SecretBytes
from services.kms.domain.names import KeyName

T = TypeVar("T")


class CustodyError(RuntimeError):
    """The root key cannot be used, or does not belong to this store. kms does not start."""


class StoreAlteredError(RuntimeError):
    """Somebody else has changed the store, or put it back to an earlier state. Nothing in it is believed."""


class WrapKind(enum.Enum):
    """The two keys in custody. Each comes in generations, numbered from 1."""

    ROOT = "root"
    """Wraps the store's own keys. Replaced when an operator wants it; the old one is then destroyed."""
    SHRED = "shred"
    """Wraps the pages' keys, which wrap material. Replaced by every deletion, which destroys the old one."""


class RootCustody(Protocol):
    """Holds the keys on which all others hang. They never leave it. All methods block.

    `wrap` MUST use authenticated encryption that binds `associated`, kind and generation; `unwrap` MUST raise
    CustodyError for anything that `wrap` did not make with the same ones. Generations MUST be durable before
    `add_generation` returns, and MUST be gone for good, from disks as well, when `destroy_before` returns.
    Keys MUST NOT be created unless an operator marked the first boot, and the mark MUST outlive a crash until
    `complete_first_boot` returned. While custody is sealed, everything but `store_id`, `sealed`, `unseal`,
    `change_passphrase` and `kind` raises CustodySealedError.
    """

    @property
    def kind(self) -> str:
        """What holds the keys: "file", "passphrase" or "pkcs11"."""

    @property
    def store_id(self) -> str:
        """Id of the one store whose keys hang on these: a UUID."""

    @property
    def sealed(self) -> bool:
        """True while the keys cannot be used."""

    def unseal(self, passphrase: SecretBytes) -> None:
        """Open custody. Raises PassphraseError when the passphrase is wrong; unsealing twice is harmless.

        It is the file's passphrase, or the device's PIN; empty where custody needs none, or finds it itself.
        """

    def change_passphrase(self, passphrase: SecretBytes, new: SecretBytes) -> None:
        """Let `new` open custody from now on, and nothing else, whether it is sealed or not.

        Raises PassphraseError when the present one is wrong; CustodyError when the new one is too short or
        too long, and where custody has none, or a device keeps it.
        """

    def seal(self) -> None:
        """Forget the keys, and all that could bring them back, until the next `unseal`."""

    @property
    def first_boot(self) -> bool:
        """True while the store may still be empty, because it has never been opened to the end."""

    def complete_first_boot(self) -> None:
        """Remove the mark durably: from now on an empty store is a lost store."""

    def generations(self, kind: WrapKind) -> Sequence[int]:
        """Return the generations that exist, in their order: one, or two while a change is under way."""

    def add_generation(self, kind: WrapKind) -> int:
        """Make the next key of a kind and return its generation."""

    def destroy_before(self, kind: WrapKind, generation: int) -> None:
        """Destroy all older keys of a kind. Destroying what is gone is harmless."""

    def wrap(self, kind: WrapKind, generation: int, material: SecretBytes, associated: bytes) -> bytes:
        """Encrypt at most 64 bytes under a key in custody."""

    def unwrap(self, kind: WrapKind, generation: int, wrapped: bytes, associated: bytes) -> SecretBytes:
        """Decrypt what `wrap` made. Raises CustodyError."""


class CustodySealedError(CustodyError):
    """Custody waits to be unsealed."""


class PassphraseError(CustodyError):
    """The passphrase, or the device's PIN, is wrong."""


class CustodyUnavailableError(CustodyError):
    """The device that holds the keys does not answer. Trying again later may help; other refusals stay."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The store's own record of the root key that it belongs to."""

    store_id: str
    root_generation: int
    store_key: bytes
    """32 random bytes wrapped under that generation of the root key; what opens them is the right custody."""


class Installations(Protocol):
    """Where the installation record lies. Both methods block."""

    def load(self) -> Installation | None:
        """Return the record, None when the store was never bound to a root key."""

    def save(self, installation: Installation) -> None:
        """Write the record, or replace it by one of the same store; durable when it returns.

        MUST raise CustodyError when there is no record yet, but there are other records in the store.
        """


class RecordId(NamedTuple):
    """Where a record lies. A tuple, because every request makes and looks up several."""

    collection: str
    """Kind of record: "keys", "versions", "aliases", "grants", "pages", …"""
    partition: str
    """What it belongs to: a parent's, a key's or a principal's name."""
    sort: str
    """Orders the records of a partition, by code points, and names one of them."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record, verified."""

    id: RecordId
    body: bytes
    tag: bytes
    """Equal for equal records, and for those alone: whatever was made of the body may be kept by it."""


class RecordChange(Protocol):
    """A transaction. What it reads is the newest state, with its own changes."""

    def get(self, record_id: RecordId) -> Record | None:
        """Return a record."""

    def list(self, collection: str, partition: str, after: str = "", limit: int = 1000) -> Sequence[Record]:
        """Return at most `limit` records of a partition, in the order of their sort keys, from `after` on."""

    def put(self, record_id: RecordId, body: bytes) -> None:
        """Write a record, new or instead of the one that is there."""

    def delete(self, record_id: RecordId) -> None:
        """Remove a record. Removing one that is not there is harmless."""


class Records(Protocol):
    """Keeps records in a store that is not trusted.

    Nothing is returned that was not written here last: a record that was edited, exchanged, removed, added
    or put back to an earlier state, alone or with the whole store, MUST raise StoreAlteredError instead of
    being used. Bodies MUST be encrypted where the store can read them. `change` MUST return only after its
    effect is durable, and MUST leave all of it or nothing behind, whenever the process dies. A `get` that
    begins after a `change` returned MUST see it.
    """

    def recent(self, record_id: RecordId) -> Record | None:
        """Return a record that `get` would return without waiting; None says nothing about it."""

    def expect(self, collection: str, partition: str) -> None:
        """Say that the last record of a partition will be asked for: it is read with what is read next."""

    async def get(self, record_id: RecordId) -> Record | None:
        """Return a record."""

    async def list(
        self, collection: str, partition: str, after: str = "", limit: int = 1000
    ) -> Sequence[Record]:
        """Return at most `limit` records of a partition, in the order of their sort keys, from `after` on."""

    async def change(self, work: Callable[[RecordChange], T]) -> T:
        """Run `work` in one transaction and return its result; an exception of it undoes everything.

        `work` runs on another thread, may run again, and must do nothing but read and write records.
        Changes run one after the other.
        """


class RecordStore(Records, Protocol):
    """Records that need the store's key: closed at first, open from unsealing to sealing.

    While it is closed, everything raises DomainError(SEALED).
    """

    @property
    def epoch(self) -> int:
        """Number of changes that the store has seen."""

    @property
    def anchored_epoch(self) -> int:
        """The newest of them that the anchor is known to hold."""

    async def open(self, store_key: SecretBytes, *, first_boot: bool = False) -> None:
        """Verify the whole store with the keys that derive from `store_key`, and use it from now on.

        Waits while another process uses the store. MUST NOT take a store that holds nothing for a new one,
        but at the first boot. Raises StoreAlteredError, and DomainError(DEPENDENCY_UNAVAILABLE) while the
        anchor cannot be asked.
        """

    async def close(self) -> None:
        """Forget the keys and everything read. Closing twice is harmless."""


@dataclass(frozen=True, slots=True)
class Anchored:
    """A state of the store."""

    epoch: int
    """Number of changes that the store has seen."""
    digest: bytes
    """32 bytes, keyed: over everything in it."""


class EpochAnchor(Protocol):
    """Remembers the newest state of the store out of reach of whoever can write the store.

    `append` MUST return only after the state is durable, MUST refuse (StoreAlteredError) a state that is
    older than the newest one, or another one of the same epoch, and MUST accept the newest one again. Both
    raise DomainError(DEPENDENCY_UNAVAILABLE) when nobody answers.
    """

    async def newest(self, store_id: str, *, restored: bool = False) -> Anchored | None:
        """Return the newest state, None when there never was one.

        Raises StoreAlteredError when whoever remembers it was put back itself; unless it was `restored`, as
        an operator says: then what it remembers now is returned.
        """

    async def append(self, store_id: str, state: Anchored) -> None:
        """Remember a state."""


class KeyRevocations(Protocol):
    """Brings the end of a key's use into force wherever data keys under it are held in memory.

    To be called by whatever takes a right away (disabling, scheduling the deletion, replacing the policy,
    revoking or retiring a grant, deleting imported material, sealing custody), after the change is durable
    and before it is acknowledged to whoever asked for it.
    """

    async def revoke(self, name: KeyName) -> None:
        """Return when nobody uses a data key that was opened under the key before this call.

        The change MUST be durable before. MUST NOT raise, and MUST return within the life of a lease, 5 s,
        whoever holds one and whatever is out of reach.
        """

    async def revoke_all(self) -> None:
        """As `revoke`, for every key there is: custody was sealed."""


class KeyAnnouncer(Protocol):
    """Tells whoever holds leases on a key that what was opened under it must be forgotten.

    It makes revocation faster, never possible: it MUST NOT raise and MUST return within half a second,
    because leases end by themselves.
    """

    async def publish(self, subject: str, epoch: int) -> None:
        """Announce the epoch of a key, by its resource name, or the number of a revocation of all ("*")."""


class DeletionAudit(Protocol):
    """Writes deletions down that nobody calls for: their time has come.

    Both MUST return only after the record is durable, and raise DomainError(AUDIT_UNAVAILABLE) otherwise.
    """

    async def intend(self, name: KeyName) -> None:
        """Note that a key is about to be deleted."""

    async def deleted(self, name: KeyName, certificate: bytes) -> None:
        """Note that it was, by this certificate."""

    async def spared(self, name: KeyName) -> None:
        """Note that it was not, because somebody called the deletion off meanwhile."""


ConditionSource = Callable[[], Awaitable[Conditions]]
"""Says what a request, its key and its caller's claims say. Most policies do not ask."""


@dataclass(frozen=True, slots=True)
class WorkingService:
    """A service as policies see it, and for what it works."""

    principal: str
    """As policies name it: "cloudtrail.amazonaws.com"."""
    source_arn: str
    """The customer's resource, whose ARN and account policies have conditions on."""

    @property
    def source(self) -> tuple[str, str]:
        """Region and account of that resource."""
        _, _, _, region, account_id, _ = self.source_arn.split(":", 5)
        return region, account_id


class PolicyEnforcer(Protocol):
    """Decides whether whoever makes a call may do something, with everything that binds it.

    Both methods add to `target` the resource control policies of its account, whichever that is, and raise
    DomainError: DEPENDENCY_UNAVAILABLE when nobody can say what binds the caller or the target's account.
    """

    async def decide(
        self,
        call: CallContext,
        action: str,
        resource: str,
        conditions: ConditionSource,
        target: ResourceLayers | None = None,
        incarnation: str = "",
    ) -> Decision:
        """Decide whether the call's principal may do `action` on the ARN, or on "*" for none.

        `conditions` is awaited only when a policy about the action looks at the request; what binds the
        caller is looked at again afterwards.
        `target` is what protects the resource, None for one without a policy of its own; what belonged to
        another incarnation of its account than this one MUST be denied.
        """

    async def decide_workload(
        self,
        action: str,
        resource: str,
        conditions: ConditionSource,
        target: ResourceLayers,
        incarnation: str,
    ) -> Decision:
        """Decide about a workload of the model service, which has no more than what `target` gives it."""

    async def decide_service(
        self,
        working: WorkingService,
        action: str,
        resource: str,
        conditions: ConditionSource,
        target: ResourceLayers,
        incarnation: str,
    ) -> Decision:
        """Decide about a service that works for a resource of a customer, and has what `target` gives it."""


class PrincipalDirectory(Protocol):
    """Knows who is meant by a name. Both methods raise DomainError(DEPENDENCY_UNAVAILABLE)."""

    async def bind(self, names: Sequence[str], known_ids: Collection[str] = ()) -> Sequence[str]:
        """Return what is kept of each name, empty for one that is nobody's.

        That is the id of a user or a role, the ARN of a role's session with the role's id for its name, and
        an account or everybody as they are. `known_ids` may be named though nobody has them any more.
        """

    async def living(self, unique_ids: Collection[str]) -> Mapping[str, IamEntity]:
        """Return by their ids those of these users and roles that exist."""
