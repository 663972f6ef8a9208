"""LogKeyService: the key of each service's log, by its certificate."""

from typing import Any

from craton.kms.v1 import log_key_service_pb2, log_key_service_pb2_grpc

from services.chassis.context import current_call
from services.kms.operations.log_keys import LogKeys


class LogKeyServicer(log_key_service_pb2_grpc.LogKeyServiceServicer):
    """Keys of logs, by the caller's certificate."""

    def __init__(self, keys: LogKeys) -> None:
        """Serve `keys`."""
        self._keys = keys

    async def SignCheckpoint(self, request: Any, context: Any) -> Any:
        """See the contract."""
        signature = await self._keys.sign(current_call().caller, request.checkpoint)
        return log_key_service_pb2.SignCheckpointResponse(signature=signature)

    async def GetLogPublicKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        public_key = await self._keys.public_key(current_call().caller)
        return log_key_service_pb2.GetLogPublicKeyResponse(public_key=public_key)
