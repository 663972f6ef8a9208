"""DigestKeyService: the key of each service's digests, by its certificate."""

from typing import Any

from craton.kms.v1 import digest_key_service_pb2, digest_key_service_pb2_grpc

from services.chassis.context import current_call
from services.kms.operations.digest_keys import DigestKeys


class DigestKeyServicer(digest_key_service_pb2_grpc.DigestKeyServiceServicer):
    """Keys of digests, by the caller's certificate."""

    def __init__(self, keys: DigestKeys) -> None:
        """Serve `keys`."""
        self._keys = keys

    async def SignDigest(self, request: Any, context: Any) -> Any:
        """See the contract."""
        signature = await self._keys.sign(current_call().caller, request.text)
        return digest_key_service_pb2.SignDigestResponse(signature=signature)

    async def GetDigestPublicKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key = await self._keys.public_key(current_call().caller)
        answer = digest_key_service_pb2.GetDigestPublicKeyResponse(public_key=key.der)
        answer.create_time.FromDatetime(key.created)
        return answer
