"""The key service: opens data keys under the pool's own identity."""

import base64

import grpc
from craton.kms.v1 import model_key_service_pb2, model_key_service_pb2_grpc

from services.chassis.channels import Channel
from services.chassis.manifest import ModelManifest
from services.chassis.rich_status import from_rpc_error
from services.chassis.secret import SecretBytes
from services.pool.errors import KeyRefusedError


class RemoteModelKeys:
    """ModelKeys over gRPC."""

    def __init__(self, channel: Channel) -> None:
        """Ask over `channel`, whose certificate is the pool's."""
        self._stub = model_key_service_pb2_grpc.ModelKeyServiceStub(channel)

    async def open(self, manifest: ModelManifest) -> SecretBytes:
        """Open the data key of a model's artifact."""
        artifact = manifest.artifact
        if artifact is None:
            return SecretBytes(b"")
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
        return SecretBytes(answer.plaintext)
