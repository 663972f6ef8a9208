"""Remembering how far the stores of other services have come."""

from services.audit.domain.anchor import Anchor
from services.audit.ports import AnchorStore
from services.chassis.identity import WorkloadId


class Anchors:
    """Answers each workload about its own stores. Needs no key: it works before the key service does."""

    def __init__(self, store: AnchorStore) -> None:
        """Keep them in `store`."""
        self._store = store

    async def append(self, workload: WorkloadId, anchor: Anchor) -> None:
        """Remember a state of a store of `workload`; return after it is durable. Raises DomainError."""
        await self._store.append(workload.path, anchor)

    async def newest(self, workload: WorkloadId, store_id: str) -> Anchor | None:
        """Return the newest state of a store of `workload`, None for none. Raises DomainError."""
        return await self._store.newest(workload.path, store_id)
