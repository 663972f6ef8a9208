"""What the audit log proves to its customers, answered by audit."""

from collections.abc import Mapping
from typing import Any

from craton.audit.v1 import log_service_pb2 as pb
from craton.audit.v1 import log_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.upstream import ask
from services.edge.ports import Caller


class LogProofs:
    """GetCheckpoint, GetConsistencyProof and GetEventProof."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to audit."""
        self._stub = rpc.LogServiceStub(channel)

    async def get_checkpoint(self, _values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return the log's newest checkpoint, its key and its witnesses'. Raises DomainError."""
        request = pb.GetCheckpointRequest()
        answer = await ask(self._stub.GetCheckpoint(request, metadata=caller.metadata), "audit")
        return {
            "checkpoint": answer.checkpoint.decode(),
            "verifierKey": answer.verifier_key,
            "witnessKeys": list(answer.witness_keys),
        }

    async def get_consistency_proof(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Prove that the log has only grown between two sizes. Raises DomainError."""
        request = pb.GetConsistencyProofRequest(
            first_size=values["firstSize"], second_size=values["secondSize"]
        )
        answer = await ask(self._stub.GetConsistencyProof(request, metadata=caller.metadata), "audit")
        return {"hashes": list(answer.hashes)}

    async def get_event_proof(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Open and prove an event of the caller's account. Raises DomainError."""
        request = pb.GetEventProofRequest(event_id=values["eventId"].lower())
        answer = await ask(self._stub.GetEventProof(request, metadata=caller.metadata), "audit")
        return {
            "entry": answer.entry,
            "event": answer.event,
            "salt": answer.salt,
            "proof": answer.proof.decode(),
        }
