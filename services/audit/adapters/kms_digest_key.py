"""The key of trails' digests, which kms holds."""

from datetime import UTC
from typing import Any

import grpc
from craton.kms.v1 import digest_key_service_pb2 as pb
from craton.kms.v1 import digest_key_service_pb2_grpc

from services.audit.ports import DigestKey
from services.chassis.rich_status import from_rpc_error

_TIMEOUT_S = 5.0
_KMS = "the key service"


class KmsDigestSigner:
    """See the port DigestSigner."""

    def __init__(self, channel: Any) -> None:
        """Ask over `channel`, a channel to kms with our certificate."""
        stub: Any = digest_key_service_pb2_grpc.DigestKeyServiceStub(channel)
        self._sign = stub.SignDigest
        self._public_key = stub.GetDigestPublicKey
        self._key: DigestKey | None = None

    async def public_key(self) -> DigestKey:
        """Ask once: it never changes."""
        if self._key is None:
            try:
                answer = await self._public_key(pb.GetDigestPublicKeyRequest(), timeout=_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error, _KMS) from error
            self._key = DigestKey(answer.public_key, answer.create_time.ToDatetime(UTC))
        return self._key

    async def sign(self, text: str) -> bytes:
        """Have kms sign."""
        try:
            answer = await self._sign(pb.SignDigestRequest(text=text), timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, _KMS) from error
        signature: bytes = answer.signature
        return signature
