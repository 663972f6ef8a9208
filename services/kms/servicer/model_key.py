"""ModelKeyService: data keys of weights, by the certificates of provider and pool."""

from typing import Any

from craton.kms.v1 import model_key_service_pb2, model_key_service_pb2_grpc

from services.chassis.context import current_call
from services.kms.operations.keys import parse_key_name
from services.kms.operations.model_keys import ModelContext, ModelKeys


class ModelKeyServicer(model_key_service_pb2_grpc.ModelKeyServiceServicer):
    """Data keys of weights, by the caller's certificate."""

    def __init__(self, keys: ModelKeys) -> None:
        """Serve `keys`."""
        self._keys = keys

    async def GenerateModelDataKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key = await self._keys.generate(
            current_call().caller, parse_key_name(request.key_name), _model_context(request.context)
        )
        return model_key_service_pb2.GenerateModelDataKeyResponse(
            plaintext=key.plaintext.reveal(), ciphertext=key.ciphertext
        )

    async def OpenModelDataKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        name, plaintext = await self._keys.open(
            current_call().caller, request.ciphertext, _model_context(request.context)
        )
        return model_key_service_pb2.OpenModelDataKeyResponse(
            plaintext=plaintext.reveal(), key_name=str(name)
        )


def _model_context(message: Any) -> ModelContext:
    return ModelContext(message.provider, message.artifact, message.artifact_sha256)
