"""ServiceKeyService: each service's own key, by its certificate."""

from typing import Any

from craton.kms.v1 import service_key_service_pb2, service_key_service_pb2_grpc

from services.chassis.context import current_call
from services.chassis.secret import SecretBytes
from services.kms.operations.service_keys import ServiceKeys


class ServiceKeyServicer(service_key_service_pb2_grpc.ServiceKeyServiceServicer):
    """Service keys, by the caller's certificate."""

    def __init__(self, keys: ServiceKeys) -> None:
        """Serve `keys`."""
        self._keys = keys

    async def EncryptWithServiceKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        ciphertext = await self._keys.encrypt(
            current_call().caller, SecretBytes(request.plaintext), request.encryption_context
        )
        return service_key_service_pb2.EncryptWithServiceKeyResponse(ciphertext=ciphertext)

    async def DecryptWithServiceKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        caller = current_call().caller
        plaintext, name = await self._keys.decrypt(caller, request.ciphertext, request.encryption_context)
        return service_key_service_pb2.DecryptWithServiceKeyResponse(
            plaintext=plaintext.reveal(), key_name=str(name)
        )

    async def GenerateServiceDataKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        caller = current_call().caller
        key, name = await self._keys.generate_data_key(caller, request.encryption_context, request.account_id)
        return service_key_service_pb2.GenerateServiceDataKeyResponse(
            plaintext=key.plaintext.reveal(),
            ciphertext=key.ciphertext,
            key_name=str(name),
        )
