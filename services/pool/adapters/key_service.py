"""The key service: opens data keys under the pool's own identity, and says whether models may go on."""

import base64
from collections.abc import Sequence
from typing import Any

import grpc
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.kms.v1 import (
    key_lease_service_pb2,
    key_lease_service_pb2_grpc,
    model_key_service_pb2,
    model_key_service_pb2_grpc,
)

from services.chassis.channels import Channel
from services.chassis.manifest import Artifact, ModelManifest, weights_context
from services.chassis.rich_status import from_rpc_error
from services.chassis.secret import SecretBytes
from services.pool.domain.key_bounds import KEY_CHECK_TIMEOUT_S
from services.pool.errors import KeyRefusedError, KeyServiceAwayError
from services.pool.ports import OpenedKey

_PREFIX = "ERROR_REASON_"


class RemoteModelKeys:
    """ModelKeys over gRPC."""

    def __init__(self, channel: Channel) -> None:
        """Ask over `channel`, whose certificate is the pool's."""
        self._stub: Any = model_key_service_pb2_grpc.ModelKeyServiceStub(channel)
        self._leases: Any = key_lease_service_pb2_grpc.KeyLeaseServiceStub(channel)

    async def open(self, manifest: ModelManifest) -> OpenedKey | None:
        """Open the data key of a model's artifact."""
        artifact = manifest.artifact
        if artifact is None:
            return None
        request = model_key_service_pb2.OpenModelDataKeyRequest(
            ciphertext=base64.b64decode(artifact.data_key),
            context=model_key_service_pb2.ModelContext(
                provider=manifest.provider, artifact=artifact.name, artifact_sha256=artifact.sha256
            ),
        )
        try:
            answer = await self._stub.OpenModelDataKey(request)
        except grpc.aio.AioRpcError as error:
            raise KeyRefusedError(from_rpc_error(error, "kms").reason_name.lower()) from error
        return OpenedKey(SecretBytes(answer.plaintext), answer.key_name)

    async def refusals(self, uses: Sequence[tuple[ModelManifest, str]]) -> Sequence[str]:
        """Ask about all models at once."""
        request = key_lease_service_pb2.CheckKeyUsesRequest(
            uses=[_use(manifest.artifact, manifest.provider, name) for manifest, name in uses]
        )
        try:
            answer = await self._leases.CheckKeyUses(request, timeout=KEY_CHECK_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise KeyServiceAwayError(from_rpc_error(error, "kms").reason_name.lower()) from error
        if len(answer.refusals) != len(uses):
            raise KeyServiceAwayError("other_answers")
        return [_reason(each) for each in answer.refusals]


def _use(artifact: Artifact | None, provider: str, key_name: str) -> key_lease_service_pb2.KeyUse:
    context = {} if artifact is None else weights_context(provider, artifact.name, artifact.sha256)
    return key_lease_service_pb2.KeyUse(key_name=key_name, operation="Decrypt", encryption_context=context)


def _reason(refusal: int) -> str:
    if refusal == ErrorReason.ERROR_REASON_UNSPECIFIED:
        return ""
    try:
        return ErrorReason.Name(refusal).removeprefix(_PREFIX).lower()
    except ValueError:
        # A newer kms may have reasons that we do not know: no is no.
        return "refused"
