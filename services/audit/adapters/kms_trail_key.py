"""Customers' keys, which kms holds: log files of trails are sealed under them."""

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.kms.v1 import trail_key_service_pb2 as pb
from craton.kms.v1 import trail_key_service_pb2_grpc

from services.audit.domain.trail import TrailName
from services.audit.errors import TrailKeyError
from services.chassis.arn import arn_of
from services.chassis.encryption_sdk import seal
from services.chassis.rich_status import from_rpc_error
from services.chassis.secret import SecretBytes

_TIMEOUT_S = 5.0
_KMS = "the key service"
_R = ErrorReason
_CODES: Mapping[int, str] = {
    _R.ERROR_REASON_RESOURCE_NOT_FOUND: "KMS.NotFoundException",
    _R.ERROR_REASON_ACCESS_DENIED: "KMS.AccessDeniedException",
    _R.ERROR_REASON_KEY_DISABLED: "KMS.DisabledException",
    _R.ERROR_REASON_RESOURCE_STATE: "KMS.KMSInvalidStateException",
    _R.ERROR_REASON_INVALID_KEY_USAGE: "KMS.InvalidKeyUsageException",
}
"""S3's codes for what a key refuses: what the status of a trail says at AWS.
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""


class KmsTrailSealer:
    """See the port TrailSealer."""

    def __init__(self, channel: Any, partition: str) -> None:
        """Ask over `channel`, a channel to kms with our certificate."""
        self._stub: Any = trail_key_service_pb2_grpc.TrailKeyServiceStub(channel)
        self._partition = partition

    async def resolve(self, name: TrailName, key: str, place: str) -> str:
        """Have kms look."""
        request = pb.ResolveTrailKeyRequest(trail=str(name), place=place, key_name=key)
        answer = await _ask(self._stub.ResolveTrailKey(request, timeout=_TIMEOUT_S))
        return str(answer.key_name)

    async def seal(self, name: TrailName, key: str, place: str, content: bytes) -> bytes:
        """Have kms make a data key for this file alone."""
        request = pb.GenerateTrailDataKeyRequest(trail=str(name), place=place, key_name=key)
        made = await _ask(self._stub.GenerateTrailDataKey(request, timeout=_TIMEOUT_S))
        key_arn, data_key = arn_of(made.key_name, self._partition), SecretBytes(made.plaintext)
        context = dict(made.encryption_context)
        # In a thread: events are taken in meanwhile.
        return await asyncio.to_thread(seal, content, data_key, made.ciphertext, key_arn, context)


async def _ask(call: Any) -> Any:
    try:
        return await call
    except grpc.aio.AioRpcError as refused:
        error = from_rpc_error(refused, _KMS)
        code = _CODES.get(error.reason)
        if code is None:
            raise error from refused
        raise TrailKeyError(code) from error
