"""A witness over gRPC."""

from collections.abc import Sequence
from typing import Any

import grpc
from craton.audit.v1 import witness_service_pb2 as pb
from craton.audit.v1 import witness_service_pb2_grpc

from services.chassis.rich_status import from_rpc_error
from tlog.note import Signature, VerifierKey, parse_signature

_TIMEOUT_S = 2.0


class GrpcWitness:
    """See the port Witness."""

    def __init__(self, channel: Any, name: str) -> None:
        """Ask over `channel`, which leads to the witness of this name."""
        stub: Any = witness_service_pb2_grpc.WitnessServiceStub(channel)
        self._add = stub.AddCheckpoint
        self._get_key = stub.GetWitnessKey
        self._key: VerifierKey | None = None
        self.name = name

    async def key(self) -> VerifierKey:
        """Ask once: it never changes."""
        if self._key is None:
            try:
                answer = await self._get_key(pb.GetWitnessKeyRequest(), timeout=_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error, self.name) from error
            self._key = VerifierKey.parse(answer.verifier_key)
        return self._key

    async def cosign(
        self, log_key: VerifierKey, old_size: int, proof: Sequence[bytes], checkpoint: bytes
    ) -> Signature:
        """Ask for a cosignature."""
        request = pb.AddCheckpointRequest(
            verifier_key=str(log_key), old_size=old_size, proof=proof, checkpoint=checkpoint
        )
        try:
            answer = await self._add(request, timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, self.name) from error
        return parse_signature(answer.cosignature)
