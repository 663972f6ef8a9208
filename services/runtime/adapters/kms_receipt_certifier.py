"""Certificates of receipt keys, from kms."""

from typing import Any

import grpc
from craton.kms.v1 import receipt_key_service_pb2 as pb
from craton.kms.v1 import receipt_key_service_pb2_grpc

from services.chassis.rich_status import from_rpc_error

_TIMEOUT_S = 5.0


class KmsReceiptCertifier:
    """See the port ReceiptCertifier."""

    def __init__(self, channel: Any) -> None:
        """Ask over `channel`, a channel to kms with our certificate."""
        stub: Any = receipt_key_service_pb2_grpc.ReceiptKeyServiceStub(channel)
        self._certify = stub.CertifyReceiptKey

    async def certify(self, public_key: bytes) -> bytes:
        """Have kms sign."""
        try:
            answer = await self._certify(
                pb.CertifyReceiptKeyRequest(public_key=public_key), timeout=_TIMEOUT_S
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "the key service") from error
        certificate: bytes = answer.certificate
        return certificate
