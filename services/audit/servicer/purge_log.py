"""PurgeLogService: what auth needs of the log when it purges an account."""

from typing import Any
from uuid import UUID

from craton.audit.v1 import purge_log_service_pb2, purge_log_service_pb2_grpc

from services.audit.operations.account_purge import AccountPurge


class PurgeLogServicer(purge_log_service_pb2_grpc.PurgeLogServiceServicer):
    """Indexes of events, and the beginning of another incarnation."""

    def __init__(self, purge: AccountPurge) -> None:
        """Serve `purge`."""
        self._purge = purge

    async def GetEntryIndexes(self, request: Any, context: Any) -> Any:
        """See the contract."""
        found = await self._purge.indexes([UUID(each).bytes for each in request.event_ids])
        return purge_log_service_pb2.GetEntryIndexesResponse(
            indexes={str(UUID(bytes=event_id)): index for event_id, index in found.items()}
        )

    async def ContinueAccount(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._purge.proceed(request.account_id, request.incarnation)
        return purge_log_service_pb2.ContinueAccountResponse()
