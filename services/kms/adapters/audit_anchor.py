"""The store's newest state in the audit service, which has a database, a uid and a backup of its own."""

from typing import Any

import grpc
from craton.audit.v1 import anchor_service_pb2 as pb
from craton.audit.v1 import anchor_service_pb2_grpc
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.chassis.rich_status import from_rpc_error
from services.kms.adapters.log_witnesses import LogWitnesses
from services.kms.ports import Anchored, StoreAlteredError

_TIMEOUT_S = 2.0
_COMPARED_S = 20.0
"""For the question at start: audit compares its log with what a witness has seen before it answers."""

_log = Log("anchor")


class AuditAnchor:
    """audit.v1.AnchorService: whose store it is follows from our certificate."""

    def __init__(self, channel: Any, witnesses: LogWitnesses) -> None:
        """Use `channel`, which reaches audit, and believe it as far as `witnesses` have seen its log."""
        stub: Any = anchor_service_pb2_grpc.AnchorServiceStub(channel)
        self._append = stub.AppendAnchor
        self._get = stub.GetAnchor
        self._witnesses = witnesses

    async def newest(self, store_id: str, *, restored: bool = False) -> Anchored | None:
        """Call GetAnchor, with what witnesses have seen of the log unless it was restored as well."""
        size, root = (0, b"") if restored else await self._witnesses.newest()
        request = pb.GetAnchorRequest(store_id=store_id, witnessed_size=size, witnessed_root=root)
        try:
            response = await self._get(request, timeout=_COMPARED_S)
        except grpc.aio.AioRpcError as error:
            if from_rpc_error(error, "audit").reason == ErrorReason.ERROR_REASON_RESOURCE_STATE:
                _log.error("audit_log_was_put_back", count=size)
                raise StoreAlteredError("the audit log is not what a witness has seen of it") from error
            raise _unavailable(error) from error
        noted: int = response.noted_epoch
        if response.HasField("anchor") and response.anchor.epoch >= noted:
            return Anchored(response.anchor.epoch, response.anchor.digest)
        # An epoch of which the log has an event, and its digest is not known: asked for and never answered,
        # or remembered before somebody put the anchors back.
        return Anchored(noted, b"") if noted else None

    async def append(self, store_id: str, state: Anchored) -> None:
        """Call AppendAnchor."""
        anchor = pb.Anchor(store_id=store_id, epoch=state.epoch, digest=state.digest)
        try:
            await self._append(pb.AppendAnchorRequest(anchor=anchor), timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            refusal = from_rpc_error(error, "audit")
            if refusal.reason == ErrorReason.ERROR_REASON_RESOURCE_STATE:
                raise StoreAlteredError(
                    "the audit service knows a newer state of the store, or another one of this epoch"
                ) from error
            raise _unavailable(error) from error


def _unavailable(error: grpc.aio.AioRpcError) -> DomainError:
    """Whatever keeps audit from answering, the store cannot be anchored; what it said stands in the text."""
    refusal = from_rpc_error(error, "audit")
    return DomainError(
        ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
        f"The audit service does not anchor the key store: {refusal.reason_name}.",
        retry_after_s=1.0,
    )
