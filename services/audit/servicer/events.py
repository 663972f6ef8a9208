"""Events: taken in, anchored, looked up and proved."""

import json
from typing import Any
from uuid import UUID

from craton.audit.v1 import (
    anchor_service_pb2,
    anchor_service_pb2_grpc,
    ingest_service_pb2,
    ingest_service_pb2_grpc,
    log_service_pb2,
    log_service_pb2_grpc,
    lookup_service_pb2,
    lookup_service_pb2_grpc,
)
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.audit.domain import cloudtrail
from services.audit.domain.anchor import Anchor
from services.audit.domain.entry import index_of, key_digest, searchable
from services.audit.domain.query import Query
from services.audit.domain.resource_types import resource_type
from services.audit.errors import invalid_field
from services.audit.operations.anchors import Anchors
from services.audit.operations.ingest import Ingestor
from services.audit.operations.lookup import Lookup
from services.audit.operations.proofs import Proofs
from services.chassis.context import CallContext, current_call
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId

_MAX_EPOCH = 2**63 - 1
"""What a database's 64-bit integers hold."""


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


class AnchorServicer(anchor_service_pb2_grpc.AnchorServiceServicer):
    """Remembers how far the stores of other services have come."""

    def __init__(self, anchors: Anchors) -> None:
        """Serve from `anchors`."""
        self._anchors = anchors

    async def AppendAnchor(self, request: Any, context: Any) -> Any:
        """Remember a state of a store of the calling workload."""
        anchor = Anchor(request.anchor.store_id, _epoch(request.anchor), request.anchor.digest)
        await self._anchors.append(_workload(current_call()), anchor)
        return anchor_service_pb2.AppendAnchorResponse()

    async def GetAnchor(self, request: Any, context: Any) -> Any:
        """Return the newest state of a store of the calling workload."""
        found, noted = await self._anchors.newest(
            _workload(current_call()), request.store_id, request.witnessed_size, request.witnessed_root
        )
        response = anchor_service_pb2.GetAnchorResponse(noted_epoch=min(noted, _MAX_EPOCH))
        if found is not None:
            response.anchor.CopyFrom(
                anchor_service_pb2.Anchor(store_id=found.store_id, epoch=found.epoch, digest=found.digest)
            )
        return response


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
            events=found.events,
            next_page_token=found.next_page_token,
            records=map(_record, found.events) if request.records_only else (),
        )


class LogServicer(log_service_pb2_grpc.LogServiceServicer):
    """Proves what the log holds."""

    def __init__(self, proofs: Proofs) -> None:
        """Serve from `proofs`."""
        self._proofs = proofs

    async def GetCheckpoint(self, request: Any, context: Any) -> Any:
        """Return keys and checkpoint."""
        await self._proofs.permit(current_call())
        key, checkpoint = await self._proofs.verifier_key(), await self._proofs.checkpoint()
        witnesses = map(str, await self._proofs.witness_keys())
        return log_service_pb2.GetCheckpointResponse(
            verifier_key=str(key), checkpoint=checkpoint, witness_keys=witnesses
        )

    async def GetEventProof(self, request: Any, context: Any) -> Any:
        """Prove an event."""
        found = await self._proofs.event(current_call(), UUID(request.event_id).bytes)
        return log_service_pb2.GetEventProofResponse(
            entry=found.entry, event=found.event, salt=found.salt, proof=bytes(found.proof)
        )

    async def GetConsistencyProof(self, request: Any, context: Any) -> Any:
        """Prove growth."""
        await self._proofs.permit(current_call())
        hashes = await self._proofs.consistency(request.first_size, request.second_size)
        return log_service_pb2.GetConsistencyProofResponse(hashes=hashes)

    async def GetLogFile(self, request: Any, context: Any) -> Any:
        """Return a file."""
        return log_service_pb2.GetLogFileResponse(content=await self._proofs.file(request.path))


def _query(request: Any) -> Query:
    return Query(
        account_id=request.account_id or None,
        start_us=request.start_time.ToMicroseconds() if request.HasField("start_time") else None,
        end_us=request.end_time.ToMicroseconds() if request.HasField("end_time") else None,
        principal_arn=searchable(request.principal_arn),
        event_name=searchable(request.event_name),
        resource=searchable(request.resource),
        request_id=searchable(request.request_id),
        event_id=UUID(request.event_id).bytes if request.event_id else b"",
        event_source=searchable(request.event_source),
        user_name=searchable(request.user_name),
        access_key=key_digest(request.access_key_id),
        resource_type=request.resource_type.replace("\0", ""),
        read_only=request.read_only if request.HasField("read_only") else None,
        records=request.records_only,
    )


def _record(event: Any) -> Any:
    index = index_of(event)
    return lookup_service_pb2.Record(
        cloud_trail_event=json.dumps(cloudtrail.emit(event), ensure_ascii=False),
        user_name=index.user_name,
        access_key_id=event.principal.access_key_id or event.principal.credential_id,
        resources=[
            lookup_service_pb2.RecordResource(type=resource_type(name), name=name) for name in event.resources
        ],
    )


def _epoch(anchor: Any) -> int:
    epoch: int = anchor.epoch
    if epoch > _MAX_EPOCH:
        raise invalid_field("anchor.epoch", f"it is at most {_MAX_EPOCH}")
    return epoch


def _workload(call: CallContext) -> WorkloadId:
    if call.caller is None:
        raise DomainError(ErrorReason.ERROR_REASON_CALLER_NOT_LISTED, "only workloads may do this")
    return call.caller
