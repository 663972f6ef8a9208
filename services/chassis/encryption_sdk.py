"""Messages of the AWS Encryption SDK, with data keys that come from elsewhere than its own keyrings.

Whoever may have the data key decrypted opens a message with Amazon's libraries in any language. The algorithm
suite commits to the key, so that a message opens to one plaintext, and has no signature of its own: what was
delivered is vouched for by whoever names its hash.
https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html
"""

import logging
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from services.chassis.secret import SecretBytes

# The SDK brings boto3, which takes a third of a second to import: what imports this imports it when it seals
# or opens something.

_PROVIDER = "aws-kms"
"""By which keyrings and key providers of KMS know their data keys."""
_FRAME_BYTES = 64 * 1024

OpenDataKey = Callable[[bytes, str, Mapping[str, str]], SecretBytes]
"""Takes an encrypted data key, the ARN of its key and its encryption context, and returns the data key."""


class NotSealedError(ValueError):
    """Bytes that are no message, or one that was altered, or of another kind than is made here."""


def seal(
    plaintext: bytes, data_key: SecretBytes, encrypted_key: bytes, key_arn: str, context: Mapping[str, str]
) -> bytes:
    """Return a message under a data key of 32 bytes, which `encrypted_key` is under the key `key_arn`.

    `context` is what the data key was encrypted with. Two messages of the same plaintext are different bytes.
    """
    import aws_encryption_sdk
    from aws_encryption_sdk.identifiers import Algorithm
    from aws_encryption_sdk.materials_managers import EncryptionMaterials
    from aws_encryption_sdk.materials_managers.base import CryptoMaterialsManager
    from aws_encryption_sdk.structures import DataKey, EncryptedDataKey, MasterKeyInfo

    info = MasterKeyInfo(_PROVIDER, key_arn.encode())

    class OneKey(CryptoMaterialsManager):  # type: ignore[misc]
        def get_encryption_materials(self, request: Any) -> Any:
            return EncryptionMaterials(
                algorithm=Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
                data_encryption_key=DataKey(info, data_key.reveal(), encrypted_key),
                encrypted_data_keys={EncryptedDataKey(info, encrypted_key)},
                encryption_context=dict(request.encryption_context),
            )

        def decrypt_materials(self, request: Any) -> Any:
            raise NotImplementedError

    client = aws_encryption_sdk.EncryptionSDKClient()
    message, _ = client.encrypt(
        source=plaintext,
        materials_manager=OneKey(),
        encryption_context=dict(context),
        frame_length=_FRAME_BYTES,
        algorithm=Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
    )
    return bytes(message)


def open_message(message: bytes, open_key: OpenDataKey) -> tuple[bytes, Mapping[str, str]]:
    """Return what a message says and its encryption context, which is authentic.

    Raises NotSealedError, and what `open_key` raises.
    """
    import aws_encryption_sdk
    from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
    from aws_encryption_sdk.materials_managers import DecryptionMaterials
    from aws_encryption_sdk.materials_managers.base import CryptoMaterialsManager
    from aws_encryption_sdk.structures import DataKey
    from cryptography.exceptions import InvalidTag

    class OfKms(CryptoMaterialsManager):  # type: ignore[misc]
        def get_encryption_materials(self, request: Any) -> Any:
            raise NotImplementedError

        def decrypt_materials(self, request: Any) -> Any:
            for each in request.encrypted_data_keys:
                info = each.key_provider
                if info.provider_id == _PROVIDER:
                    context = dict(request.encryption_context)
                    secret = open_key(each.encrypted_data_key, info.key_info.decode(), context)
                    return DecryptionMaterials(DataKey(info, secret.reveal(), each.encrypted_data_key))
            raise NotSealedError("no data key of KMS")

    # What it logs, with a traceback, it raises as well.
    logging.getLogger("aws_encryption_sdk").setLevel(logging.CRITICAL)
    client, source = aws_encryption_sdk.EncryptionSDKClient(max_encrypted_data_keys=1), BytesIO(message)
    try:
        with client.stream(mode="decrypt", source=source, materials_manager=OfKms()) as opening:
            plaintext, context = bytes(opening.read()), dict(opening.header.encryption_context)
    except (AWSEncryptionSDKClientError, InvalidTag, UnicodeDecodeError) as error:
        raise NotSealedError(f"no whole message ({type(error).__name__})") from error
    if source.tell() < len(message):
        raise NotSealedError("a message with something behind it")
    return plaintext, context
