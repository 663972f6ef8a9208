"""The log's key, which kms holds."""

from typing import Any

import grpc
from craton.kms.v1 import log_key_service_pb2 as pb
from craton.kms.v1 import log_key_service_pb2_grpc

from services.chassis.rich_status import from_rpc_error
from tlog.note import Signature, SignatureType, VerifierKey, note_signature

_TIMEOUT_S = 5.0
_KMS = "the key service"


class KmsLogSigner:
    """See the port LogSigner."""

    def __init__(self, channel: Any, origin: str) -> None:
        """Ask over `channel`, a channel to kms with our certificate, for the key of the log `origin`."""
        stub: Any = log_key_service_pb2_grpc.LogKeyServiceStub(channel)
        self._sign = stub.SignCheckpoint
        self._public_key = stub.GetLogPublicKey
        self._origin = origin
        self._key: VerifierKey | None = None

    async def verifier_key(self) -> VerifierKey:
        """Ask once: it never changes."""
        if self._key is None:
            try:
                answer = await self._public_key(pb.GetLogPublicKeyRequest(), timeout=_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error, _KMS) from error
            self._key = VerifierKey(self._origin, SignatureType.NOTE, answer.public_key)
        return self._key

    async def sign(self, text: str) -> Signature:
        """Have kms sign."""
        key = await self.verifier_key()
        try:
            answer = await self._sign(pb.SignCheckpointRequest(checkpoint=text), timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, _KMS) from error
        return note_signature(key, answer.signature)
