"""IndexService: the database against the log."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from craton.audit.v1 import index_service_pb2, index_service_pb2_grpc

from services.audit.domain.index_check import Finding
from services.audit.operations.index_report import IndexReport


class IndexServicer(index_service_pb2_grpc.IndexServiceServicer):
    """Says what differs."""

    def __init__(self, report: IndexReport) -> None:
        """Serve `report`."""
        self._report = report

    async def CheckIndex(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """See the contract."""
        # Who goes away lets the next one check at once.
        async with aclosing(self._report.check()) as reports:
            async for each in reports:
                yield index_service_pb2.CheckIndexResponse(
                    checked=each.checked,
                    size=each.size,
                    purged=each.purged,
                    found=each.found,
                    findings=map(_finding, each.findings),
                    done=each.done,
                )


def _finding(found: Finding) -> Any:
    return index_service_pb2.IndexFinding(
        table=found.table,
        row=found.row,
        problem=found.problem,
        columns=found.columns,
        index=found.sequence,
        event_id=found.event_id,
    )
