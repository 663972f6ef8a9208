"""The RPCs of a witness: protobuf to domain and back."""

from typing import Any

from craton.audit.v1 import witness_service_pb2, witness_service_pb2_grpc

from services.witness.operations.witnessing import Witnessing


class WitnessServicer(witness_service_pb2_grpc.WitnessServiceServicer):
    """Cosigns checkpoints."""

    def __init__(self, witnessing: Witnessing) -> None:
        """Serve from `witnessing`."""
        self._witnessing = witnessing

    async def AddCheckpoint(self, request: Any, context: Any) -> Any:
        """See the contract."""
        line = await self._witnessing.add(
            request.verifier_key, request.old_size, request.proof, request.checkpoint
        )
        return witness_service_pb2.AddCheckpointResponse(cosignature=line)

    async def GetSeenCheckpoint(self, request: Any, context: Any) -> Any:
        """See the contract."""
        seen = await self._witnessing.seen(request.origin)
        root = seen.root if seen.size else b""
        return witness_service_pb2.GetSeenCheckpointResponse(size=seen.size, root=root)

    async def GetWitnessKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        return witness_service_pb2.GetWitnessKeyResponse(verifier_key=str(self._witnessing.key))
