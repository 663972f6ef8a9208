"""Receipts of the last minutes, which runtime keeps."""

from collections.abc import Mapping
from typing import Any

from craton.runtime.v1 import receipt_service_pb2 as pb
from craton.runtime.v1 import receipt_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.upstream import ask
from services.edge.ports import Caller


class Receipts:
    """GetReceipt."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to runtime."""
        self._stub = rpc.ReceiptServiceStub(channel)

    async def get_receipt(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return one of the caller's receipts. Raises DomainError."""
        request = pb.GetReceiptRequest(request_id=values["requestId"])
        answer = await ask(self._stub.GetReceipt(request, metadata=caller.metadata), "runtime")
        found = answer.receipt
        return {"receipt": found.receipt.decode(), "certificate": found.certificate.decode()}
