"""The operations of kms over records in memory, with an access that permits what it is told to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.principal import PrincipalClaims
from services.chassis.randomness import Randomness, SystemRandomness
from services.kms.adapters.file_custody import FileCustody
from services.kms.adapters.first_boot import mark_first_boot
from services.kms.domain.keys import Key
from services.kms.domain.names import AliasName, KeyName, KeyParent
from services.kms.domain.request_facts import NO_FACTS, RequestFacts
from services.kms.errors import alias_not_found, key_not_found
from services.kms.operations.aliases import Aliases
from services.kms.operations.certificates import Certificates
from services.kms.operations.deletion import Deletion
from services.kms.operations.digest_keys import DigestKeys
from services.kms.operations.encryption import Encryption
from services.kms.operations.imports import Imports
from services.kms.operations.key_admin import KeyAdministration, NewKey
from services.kms.operations.key_records import KeyRecords
from services.kms.operations.managed_keys import ManagedKeys
from services.kms.operations.material_store import MaterialStore
from services.kms.operations.model_keys import ModelKeys
from services.kms.operations.pages import Pages
from services.kms.operations.receipt_keys import ReceiptKeys
from services.kms.operations.rotation import Rotation
from services.kms.operations.service_keys import ServiceKeys
from services.kms.operations.shredding import Shredder
from services.kms.operations.signing import Signing
from services.kms.operations.workload_keys import WorkloadKeys
from services.kms.ports import RootCustody
from tests.fakes.clock import ManualClock
from tests.fakes.records import MemoryRecords

ACCOUNT = "123456789012"
PARENT = KeyParent.parse(f"accounts/{ACCOUNT}/regions/us-east-1")


def call(account: str = ACCOUNT, caller: str = "service/edge") -> CallContext:
    """A call by a user of an account."""
    kind, name = caller.split("/")
    context = CallContext("/m", "request", str(uuid4()), WorkloadId("craton.local", kind, name))
    arn = f"arn:aws:iam::{account}:user/alice"
    context.principal = PrincipalClaims(
        account, "i1", arn, "AIDA", "AKIA", False, 1, "us-east-1", "kms", "t", 0, 60
    )
    return context


@dataclass
class PermissiveAccess:
    """Permits everything but the actions in `denied`, and remembers what was asked."""

    denied: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, RequestFacts]] = field(default_factory=list)

    async def admit(
        self,
        call: CallContext,
        key: Key,
        action: str,
        facts: RequestFacts = NO_FACTS,
        grant_tokens: Sequence[str] = (),
    ) -> None:
        self._decide(action, str(key.name), facts)

    async def admit_to_parent(
        self, call: CallContext, parent: KeyParent, action: str, facts: RequestFacts = NO_FACTS
    ) -> str:
        self._decide(action, str(parent), facts)
        return "i1"

    async def admit_to_alias(self, call: CallContext, name: AliasName, action: str) -> None:
        self._decide(action, str(name), NO_FACTS)

    async def admit_to_nothing(self, call: CallContext, action: str) -> None:
        self._decide(action, "*", NO_FACTS)

    def refuse_unknown(self, call: CallContext, name: KeyName, action: str) -> DomainError:
        return key_not_found(name.displayed)

    def refuse_unknown_alias(self, call: CallContext, name: AliasName, action: str) -> DomainError:
        return alias_not_found(name.displayed)

    def owns(self, call: CallContext, name: AliasName) -> bool:
        return True

    def _decide(self, action: str, resource: str, facts: RequestFacts) -> None:
        self.asked.append((action, resource, facts))
        if action in self.denied:
            raise DomainError(ErrorReason.ERROR_REASON_ACCESS_DENIED, "no")


class NoHolders:
    """KeyRevocations of a service that nobody holds leases of; remembers what was revoked."""

    def __init__(self) -> None:
        self.revoked: list[KeyName] = []

    async def revoke(self, name: KeyName) -> None:
        self.revoked.append(name)

    async def revoke_all(self) -> None:
        return


class NotedDeletions:
    """A DeletionAudit that remembers."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, KeyName]] = []

    async def intend(self, name: KeyName) -> None:
        self.noted.append(("intend", name))

    async def deleted(self, name: KeyName, certificate: bytes) -> None:
        self.noted.append(("deleted", name))

    async def spared(self, name: KeyName) -> None:
        self.noted.append(("spared", name))


class PlainPolicies:
    """Gives every new key the policy that was asked for."""

    async def first(self, call: CallContext, key: Key, text: str, *, bypass_lockout_check: bool) -> Key:
        return key


class World:
    """Everything together."""

    def __init__(
        self,
        home: Path,
        *,
        clock: ManualClock | None = None,
        randomness: Randomness | None = None,
        custody: RootCustody | None = None,
        stored: Any = None,
    ) -> None:
        self.clock = clock or ManualClock()
        self.random = randomness or SystemRandomness()
        self.stored = stored or MemoryRecords()
        self.custody = custody or _file_custody(home / "custody" / "root.key", self.random)
        self.access = PermissiveAccess()
        self.revocations = NoHolders()
        self.deletions = NotedDeletions()
        self.build()

    def build(self) -> None:
        """Put the operations together, as a start of the process does."""
        access = self.access
        self.records = KeyRecords(self.stored, self.clock)
        self.pages = Pages(self.stored, self.custody, self.random)
        self.material = MaterialStore(self.records, self.pages, self.clock, self.random)
        self.certificates = Certificates(self.stored)
        self.managed = ManagedKeys(self.records, self.material, self.clock, self.random, "aws")
        self.admin = KeyAdministration(
            self.records,
            self.material,
            access,  # type: ignore[arg-type]
            PlainPolicies(),
            self.managed,
            self.revocations,
            self.clock,
            self.random,
        )
        self.encryption = Encryption(
            self.records,
            self.material,
            access,  # type: ignore[arg-type]
            self.managed,
            self.random,
        )
        self.signing = Signing(self.records, self.material, access)  # type: ignore[arg-type]
        self.aliases = Aliases(self.records, access, self.revocations, self.clock)  # type: ignore[arg-type]
        self.rotation = Rotation(self.records, self.material, access, self.clock, self.random)  # type: ignore[arg-type]
        self.imports = Imports(
            self.records,
            self.material,
            self.pages,
            access,  # type: ignore[arg-type]
            self.revocations,
            self.clock,
            self.random,
        )
        self.deletion = Deletion(
            self.records,
            access,  # type: ignore[arg-type]
            self.certificates,
            self.revocations,
            self.clock,
        )
        self.shredder = Shredder(
            *(self.records, self.pages, self.custody, self.certificates),
            *(self.deletions, self.clock, self.random),
        )
        own = WorkloadKeys(self.records, self.material, self.clock, self.random)
        self.models, self.services = ModelKeys(own), ServiceKeys(own)
        self.digests = DigestKeys(own, self.material)
        self.receipts = ReceiptKeys(own, self.material, "craton.local", self.clock, self.random)

    async def open(self) -> None:
        """Unseal."""
        await self.pages.open()
        await self.shredder.finish()

    async def key(self, wanted: NewKey | None = None) -> Key:
        """Create a key."""
        return await self.admin.create(call(), PARENT, wanted or NewKey())


def _file_custody(file: Path, randomness: Randomness) -> RootCustody:
    if not file.exists():
        mark_first_boot(file)
    return FileCustody(file, randomness)


async def opened(home: Path) -> World:
    """A world that is unsealed."""
    world = World(home)
    await world.open()
    return world
