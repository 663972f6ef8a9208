"""ReceiptKeyService: certificates of the keys that sign receipts."""

from typing import Any

from craton.kms.v1 import receipt_key_service_pb2, receipt_key_service_pb2_grpc

from services.chassis.context import current_call
from services.kms.operations.receipt_keys import ReceiptKeys


class ReceiptKeyServicer(receipt_key_service_pb2_grpc.ReceiptKeyServiceServicer):
    """Certificates, by the caller's own."""

    def __init__(self, keys: ReceiptKeys) -> None:
        """Serve `keys`."""
        self._keys = keys

    async def CertifyReceiptKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        certificate = await self._keys.certify(current_call(), request.public_key)
        return receipt_key_service_pb2.CertifyReceiptKeyResponse(certificate=certificate)

    async def GetReceiptAuthority(self, request: Any, context: Any) -> Any:
        """See the contract."""
        authority = await self._keys.authority()
        return receipt_key_service_pb2.GetReceiptAuthorityResponse(verifier_key=str(authority))
