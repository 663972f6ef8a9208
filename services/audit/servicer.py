"""The RPC services of audit: protobuf to domain and back."""

from typing import Any

from craton.audit.v1 import (
    ingest_service_pb2,
    ingest_service_pb2_grpc,
    lookup_service_pb2,
    lookup_service_pb2_grpc,
)
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.audit.domain.entry import searchable
from services.audit.domain.query import Query
from services.audit.operations.ingest import Ingestor
from services.audit.operations.lookup import Lookup
from services.chassis.context import CallContext, current_call
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId


class IngestServicer(ingest_service_pb2_grpc.IngestServiceServicer):
    """Takes in the events of other services."""

    def __init__(self, ingestor: Ingestor) -> None:
        """Serve from `ingestor`."""
        self._ingestor = ingestor

    async def AppendEvents(self, request: Any, context: Any) -> Any:
        """Append a batch of the calling workload's spool."""
        reached = await self._ingestor.append(
            _workload(current_call()), request.spool_id, request.first_position, request.events
        )
        return ingest_service_pb2.AppendEventsResponse(next_position=reached)


class LookupServicer(lookup_service_pb2_grpc.LookupServiceServicer):
    """Answers questions about past events."""

    def __init__(self, lookup: Lookup) -> None:
        """Serve from `lookup`."""
        self._lookup = lookup

    async def LookupEvents(self, request: Any, context: Any) -> Any:
        """Return one page of events."""
        found = await self._lookup.find(
            current_call(), _query(request), request.page_size, request.page_token
        )
        return lookup_service_pb2.LookupEventsResponse(
            events=found.events, next_page_token=found.next_page_token
        )


def _query(request: Any) -> Query:
    return Query(
        account_id=request.account_id or None,
        start_us=request.start_time.ToMicroseconds() if request.HasField("start_time") else None,
        end_us=request.end_time.ToMicroseconds() if request.HasField("end_time") else None,
        principal_arn=searchable(request.principal_arn),
        event_name=searchable(request.event_name),
        resource=searchable(request.resource),
        request_id=searchable(request.request_id),
    )


def _workload(call: CallContext) -> WorkloadId:
    if call.caller is None:
        raise DomainError(
            ErrorReason.ERROR_REASON_CALLER_NOT_LISTED, "events are accepted from workloads only"
        )
    return call.caller
