"""What workloads may do with keys under their own certificates, as the keys are now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import grpc
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import STATUS_OF_REASON, DomainError
from services.chassis.identity import WorkloadId
from services.kms.domain.keys import Key
from services.kms.domain.names import KeyClass, KeyName, KeyParent
from services.kms.errors import caller_refused
from services.kms.operations.keys import require_enabled


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One use of a key, that goes on."""

    key_name: KeyName
    operation: str
    """AWS's name: "Decrypt" or "GenerateDataKey"."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Encryption context."""


class NamedKeys(Protocol):
    """Finds keys: services.kms.operations.keys.Keys."""

    async def named(self, name: KeyName) -> Key:
        """Return the key of this name, as it is now. Raises DomainError(RESOURCE_NOT_FOUND)."""


class WorkloadRights(Protocol):
    """Rights of workloads to keys that are not their own."""

    async def granted(
        self, workload: WorkloadId, key: Key, operation: str, context: Mapping[str, str]
    ) -> bool:
        """Say whether the workload may do `operation` with the key, under this encryption context."""


class PoolsOpenTheirProviders:
    """The one right without a grant: a provider's pool opens what was sealed under that provider's keys."""

    async def granted(
        self, workload: WorkloadId, key: Key, operation: str, context: Mapping[str, str]
    ) -> bool:
        """See WorkloadRights."""
        return (
            workload.kind == "pool"
            and key.name.parent == KeyParent(KeyClass.PROVIDER, workload.name)
            and operation == "Decrypt"
            and context.get("craton:provider") == workload.name
        )


class PoolsOrGrants:
    """That right, and what grants on customers' keys give."""

    def __init__(self, grants: WorkloadRights) -> None:
        """Ask `grants` about keys of customers: services.kms.operations.access.Access."""
        self._pools = PoolsOpenTheirProviders()
        self._grants = grants

    async def granted(
        self, workload: WorkloadId, key: Key, operation: str, context: Mapping[str, str]
    ) -> bool:
        """See WorkloadRights."""
        if await self._pools.granted(workload, key, operation, context):
            return True
        return await self._grants.granted(workload, key, operation, context)


def is_refusal(error: DomainError) -> bool:
    """Say whether an error of `KeyUses.permit` is about the use, and not about kms being out of order."""
    return STATUS_OF_REASON[error.reason] is not grpc.StatusCode.UNAVAILABLE


class KeyUses:
    """Decides whether a workload may go on with what it does."""

    def __init__(self, keys: NamedKeys, rights: WorkloadRights) -> None:
        """Read states from `keys`; ask `rights` about keys that are not the workload's own."""
        self._keys = keys
        self._rights = rights

    async def permit(self, workload: WorkloadId, use: KeyUse) -> None:
        """Return when the use is permitted and the key enabled.

        Raises DomainError: ACCESS_DENIED, also for keys that there are not; KEY_DISABLED, RESOURCE_STATE;
        SEALED and DEPENDENCY_UNAVAILABLE when nothing can be said, which is no refusal.
        """
        name = use.key_name
        try:
            key = await self._keys.named(name)
        except DomainError as error:
            if error.reason != ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND:
                raise
            # As for a key of somebody else: nobody learns which there are.
            raise _not_permitted() from None
        own = workload.kind == "service" and name.parent == KeyParent(KeyClass.SERVICE, workload.name)
        if not own and not await self._rights.granted(workload, key, use.operation, use.context):
            raise _not_permitted()
        require_enabled(key)


def _not_permitted() -> DomainError:
    return caller_refused("This workload may not use this key.")
