"""Receipts of the last minutes, which runtime keeps, and the key of their authority, which kms holds."""

from collections.abc import Mapping
from typing import Any

from craton.kms.v1 import receipt_key_service_pb2 as key_pb
from craton.kms.v1 import receipt_key_service_pb2_grpc as key_rpc
from craton.runtime.v1 import receipt_service_pb2 as pb
from craton.runtime.v1 import receipt_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.upstream import ask
from services.edge.ports import Caller


class Receipts:
    """GetReceipt and GetReceiptAuthority."""

    def __init__(self, runtime: Channel, kms: Channel) -> None:
        """Use channels that lead to runtime and kms."""
        self._stub = rpc.ReceiptServiceStub(runtime)
        self._keys = key_rpc.ReceiptKeyServiceStub(kms)

    async def get_receipt(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return one of the caller's receipts. Raises DomainError."""
        request = pb.GetReceiptRequest(request_id=values["requestId"])
        answer = await ask(self._stub.GetReceipt(request, metadata=caller.metadata), "runtime")
        found = answer.receipt
        return {"receipt": found.receipt.decode(), "certificate": found.certificate.decode()}

    async def get_receipt_authority(self, _values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return the public key under which certificates verify. Raises DomainError."""
        request = key_pb.GetReceiptAuthorityRequest()
        answer = await ask(self._keys.GetReceiptAuthority(request, metadata=caller.metadata), "kms")
        return {"verifierKey": answer.verifier_key}
