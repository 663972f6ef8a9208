"""The four RPC services of kms: protobuf to domain and back."""

from typing import Any

from craton.kms.v1 import (
    crypto_service_pb2,
    crypto_service_pb2_grpc,
    key_admin_service_pb2,
    key_admin_service_pb2_grpc,
    model_key_service_pb2,
    model_key_service_pb2_grpc,
    resources_pb2,
    service_key_service_pb2,
    service_key_service_pb2_grpc,
)

from services.chassis.context import current_call
from services.chassis.secret import SecretBytes
from services.kms.domain.keys import Key, KeyName, KeyParent, KeyState
from services.kms.errors import invalid_field, key_not_found
from services.kms.operations.customer_keys import CustomerKeys
from services.kms.operations.key_admin import KeyAdministration
from services.kms.operations.model_keys import ModelContext, ModelKeys
from services.kms.operations.service_keys import ServiceKeys

_STATES = {
    KeyState.ENABLED: resources_pb2.KEY_STATE_ENABLED,
    KeyState.DISABLED: resources_pb2.KEY_STATE_DISABLED,
}


def _key_name(text: str) -> KeyName:
    try:
        return KeyName.parse(text)
    except ValueError:
        # A name that cannot exist is answered like one that does not.
        raise key_not_found(text) from None


def _parent(text: str) -> KeyParent:
    try:
        return KeyParent.parse(text)
    except ValueError:
        raise invalid_field("parent", "not a parent of keys") from None


def _key_message(key: Key) -> Any:
    message = resources_pb2.Key(
        name=str(key.name),
        state=_STATES[key.state],
        description=key.description,
        primary_version=key.primary_version,
    )
    message.create_time.FromDatetime(key.created)
    return message


def _model_context(message: Any) -> ModelContext:
    return ModelContext(message.provider, message.artifact, message.artifact_sha256)


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
        plaintext = await self._keys.decrypt(
            current_call().caller, request.ciphertext, request.encryption_context
        )
        return service_key_service_pb2.DecryptWithServiceKeyResponse(plaintext=plaintext.reveal())

    async def GenerateServiceDataKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key = await self._keys.generate_data_key(current_call().caller, request.encryption_context)
        return service_key_service_pb2.GenerateServiceDataKeyResponse(
            plaintext=key.plaintext.reveal(), ciphertext=key.ciphertext
        )


class ModelKeyServicer(model_key_service_pb2_grpc.ModelKeyServiceServicer):
    """Data keys of weights, by the caller's certificate."""

    def __init__(self, keys: ModelKeys) -> None:
        """Serve `keys`."""
        self._keys = keys

    async def GenerateModelDataKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key = await self._keys.generate(
            current_call().caller, _key_name(request.key_name), _model_context(request.context)
        )
        return model_key_service_pb2.GenerateModelDataKeyResponse(
            plaintext=key.plaintext.reveal(), ciphertext=key.ciphertext
        )

    async def OpenModelDataKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        plaintext = await self._keys.open(
            current_call().caller, request.ciphertext, _model_context(request.context)
        )
        return model_key_service_pb2.OpenModelDataKeyResponse(plaintext=plaintext.reveal())


class CryptoServicer(crypto_service_pb2_grpc.CryptoServiceServicer):
    """Customer keys in use, by the principal's token."""

    def __init__(self, keys: CustomerKeys) -> None:
        """Serve `keys`."""
        self._keys = keys

    async def Encrypt(self, request: Any, context: Any) -> Any:
        """See the contract."""
        name = _key_name(request.key_name)
        ciphertext = await self._keys.encrypt(
            current_call(), name, SecretBytes(request.plaintext), request.encryption_context
        )
        return crypto_service_pb2.EncryptResponse(ciphertext=ciphertext, key_name=str(name))

    async def Decrypt(self, request: Any, context: Any) -> Any:
        """See the contract."""
        name, plaintext = await self._keys.decrypt(
            current_call(), request.ciphertext, request.encryption_context, request.key_name
        )
        return crypto_service_pb2.DecryptResponse(plaintext=plaintext.reveal(), key_name=str(name))

    async def GenerateDataKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        name = _key_name(request.key_name)
        key = await self._keys.generate_data_key(current_call(), name, request.encryption_context)
        return crypto_service_pb2.GenerateDataKeyResponse(
            plaintext=key.plaintext.reveal(), ciphertext=key.ciphertext, key_name=str(name)
        )


class KeyAdminServicer(key_admin_service_pb2_grpc.KeyAdminServiceServicer):
    """Managing customer and provider keys."""

    def __init__(self, keys: KeyAdministration) -> None:
        """Serve `keys`."""
        self._keys = keys

    async def CreateKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        key = await self._keys.create(call, _parent(request.parent), request.description, request.request_id)
        call.resources.append(key.name.displayed)
        return key_admin_service_pb2.CreateKeyResponse(key=_key_message(key))

    async def GetKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key = await self._keys.get(current_call(), _key_name(request.name))
        return key_admin_service_pb2.GetKeyResponse(key=_key_message(key))

    async def ListKeys(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._keys.list(
            current_call(), _parent(request.parent), request.page_size, request.page_token
        )
        return key_admin_service_pb2.ListKeysResponse(
            keys=[_key_message(key) for key in page.keys], next_page_token=page.next_page_token
        )

    async def EnableKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key = await self._keys.enable(current_call(), _key_name(request.name))
        return key_admin_service_pb2.EnableKeyResponse(key=_key_message(key))

    async def DisableKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key = await self._keys.disable(current_call(), _key_name(request.name))
        return key_admin_service_pb2.DisableKeyResponse(key=_key_message(key))
