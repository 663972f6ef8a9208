"""Data keys from the key service, under this service's own key."""

from typing import Any

import grpc
from craton.kms.v1 import service_key_service_pb2 as pb
from craton.kms.v1 import service_key_service_pb2_grpc

from services.audit.ports import DataKey
from services.chassis.rich_status import from_rpc_error
from services.chassis.secret import SecretBytes

_PURPOSE = "audit-event"
_TIMEOUT_S = 5.0


class GrpcKeyService:
    """kms.v1.ServiceKeyService: which key is used follows from our certificate alone."""

    def __init__(self, channel: Any) -> None:
        """Use `channel`, which reaches kms."""
        stub: Any = service_key_service_pb2_grpc.ServiceKeyServiceStub(channel)
        self._generate = stub.GenerateServiceDataKey
        self._decrypt = stub.DecryptWithServiceKey

    async def generate(self, key_id: bytes, account_id: str) -> tuple[SecretBytes, bytes]:
        """Call GenerateServiceDataKey."""
        request = pb.GenerateServiceDataKeyRequest(encryption_context=_context(key_id, account_id))
        try:
            response = await self._generate(request, timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "kms") from error
        return SecretBytes(response.plaintext), response.ciphertext

    async def open(self, key: DataKey) -> SecretBytes:
        """Call DecryptWithServiceKey."""
        request = pb.DecryptWithServiceKeyRequest(
            ciphertext=key.wrapped, encryption_context=_context(key.key_id, key.account_id)
        )
        try:
            response = await self._decrypt(request, timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "kms") from error
        return SecretBytes(response.plaintext)


def _context(key_id: bytes, account_id: str) -> dict[str, str]:
    # kms treats an absent account and an empty one alike, so the installation is named.
    return {"purpose": _PURPOSE, "account_id": account_id or "installation", "key_id": key_id.hex()}
