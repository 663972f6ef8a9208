"""This service's own spool is taken in without a network: the log of the log service."""

from collections.abc import Sequence

from craton.audit.v1 import resources_pb2 as pb

from services.audit.operations.ingest import Ingestor
from services.chassis.identity import WorkloadId


class OwnIngest:
    """The chassis' Ingest port over our own Ingestor."""

    def __init__(self, ingestor: Ingestor, workload: WorkloadId) -> None:
        """Append as `workload`, which is ourselves."""
        self._ingestor = ingestor
        self._workload = workload

    async def append(self, spool_id: str, first_position: int, events: Sequence[bytes]) -> int:
        """Parse and append."""
        parsed = [pb.Event.FromString(event) for event in events]
        return await self._ingestor.append(self._workload, spool_id, first_position, parsed)
