"""Records while the key service is unsealed, and a refusal while it is not."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from services.kms.operations.custody import Seal
from services.kms.ports import Record, RecordChange, RecordId

T = TypeVar("T")


class UnsealedRecords:
    """See the port Records. Every method raises DomainError(SEALED) while no key can be used."""

    def __init__(self, seal: Seal) -> None:
        """Ask `seal` for the open store, each time."""
        self._seal = seal

    def recent(self, record_id: RecordId) -> Record | None:
        """Return a record, if that needs no waiting."""
        return self._seal.require().records.recent(record_id)

    def expect(self, collection: str, partition: str) -> None:
        """Say that the last record of a partition will be asked for."""
        self._seal.require().records.expect(collection, partition)

    async def get(self, record_id: RecordId) -> Record | None:
        """Return a record."""
        return await self._seal.require().records.get(record_id)

    async def list(
        self, collection: str, partition: str, after: str = "", limit: int = 1000
    ) -> Sequence[Record]:
        """Return records of a partition, in their order."""
        return await self._seal.require().records.list(collection, partition, after, limit)

    async def change(self, work: Callable[[RecordChange], T]) -> T:
        """Run `work` in one transaction."""
        return await self._seal.require().records.change(work)
