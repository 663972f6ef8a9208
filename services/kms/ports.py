"""What the key service needs of the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.chassis.context import CallContext
from services.chassis.policy.keys import Conditions
from services.chassis.secret import SecretBytes
from services.kms.domain.keys import Key, KeyName, KeyParent, KeyState, KeyVersion


class CustodyError(RuntimeError):
    """The root key cannot be used, or does not belong to this store. kms does not start."""


class RootCustody(Protocol):
    """Holds the root key, which never leaves it.

    `wrap` MUST use authenticated encryption that binds `associated`; `unwrap` MUST raise CustodyError for
    anything that `wrap` did not make with the same `associated`. The root key MUST NOT be created unless an
    operator marked the first boot, and the mark MUST outlive a crash until `complete_first_boot` returned.
    """

    @property
    def store_id(self) -> str:
        """Id of the one store whose keys hang on this root key."""

    @property
    def first_boot(self) -> bool:
        """True while the store may still be empty, because it has never been opened to the end."""

    def complete_first_boot(self) -> None:
        """Remove the mark durably: from now on an empty store is a lost store."""

    def wrap(self, material: SecretBytes, associated: bytes) -> bytes:
        """Encrypt key material under the root key."""

    def unwrap(self, wrapped: bytes, associated: bytes) -> SecretBytes:
        """Decrypt key material. Raises CustodyError."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The store's own record of the root key that it belongs to."""

    store_id: str
    verifier: bytes
    """Random bytes wrapped under the root key: proves at boot that custody and store belong together."""


class Installations(Protocol):
    """Where the installation record lies. Both methods block: they are for the boot."""

    def load(self) -> Installation | None:
        """Return the record, None when the store was never bound to a root key."""

    def save(self, installation: Installation) -> None:
        """Write the record; durable when it returns. MUST raise CustodyError when the store holds keys."""


class KeyStore(Protocol):
    """Keeps keys and their wrapped versions. Sees no key material.

    `create` and `set_state` MUST return only after their effect is durable, and MUST leave
    either all or nothing of it behind, whenever the process dies. A `find` that begins after `set_state`
    returned MUST see the new state, from every replica. Nothing MAY be cached.
    """

    async def create(self, key: Key, version: KeyVersion, request_id: str) -> tuple[Key, KeyVersion]:
        """Store a key with its first version, and return what is stored.

        When a key of this name exists, or one that was created below the same parent and incarnation
        with the same non-empty request id, that one is returned unchanged.
        """

    async def get(self, name: KeyName) -> Key | None:
        """Return a key's record."""

    async def find(self, name: KeyName, version: int | None) -> tuple[Key, KeyVersion] | None:
        """Return a key and one of its versions (None: the primary) as they are at one instant."""

    async def list(self, parent: KeyParent, incarnation: str, after: str, limit: int) -> Sequence[Key]:
        """Return at most `limit` keys below `parent` whose key ids sort after `after`, in that order."""

    async def set_state(self, name: KeyName, state: KeyState) -> Key | None:
        """Change the state and return the key as it is now; None when there is no such key."""


class PolicyEnforcer(Protocol):
    """Decides whether the principal of a call may do something."""

    async def authorize(self, call: CallContext, action: str, resource: str, conditions: Conditions) -> None:
        """Raise DomainError(ACCESS_DENIED) unless the principal's policies allow `action` on the ARN."""
