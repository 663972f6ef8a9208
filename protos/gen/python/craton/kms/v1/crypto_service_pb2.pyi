from buf.validate import validate_pb2 as _validate_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from craton.kms.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EncryptRequest(_message.Message):
    __slots__ = ("key_name", "plaintext", "encryption_context", "encryption_algorithm", "grant_tokens", "dry_run")
    class EncryptionContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    PLAINTEXT_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    GRANT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    plaintext: bytes
    encryption_context: _containers.ScalarMap[str, str]
    encryption_algorithm: str
    grant_tokens: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, key_name: _Optional[str] = ..., plaintext: _Optional[bytes] = ..., encryption_context: _Optional[_Mapping[str, str]] = ..., encryption_algorithm: _Optional[str] = ..., grant_tokens: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class EncryptResponse(_message.Message):
    __slots__ = ("ciphertext", "key_name", "encryption_algorithm", "material_id")
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    MATERIAL_ID_FIELD_NUMBER: _ClassVar[int]
    ciphertext: bytes
    key_name: str
    encryption_algorithm: str
    material_id: str
    def __init__(self, ciphertext: _Optional[bytes] = ..., key_name: _Optional[str] = ..., encryption_algorithm: _Optional[str] = ..., material_id: _Optional[str] = ...) -> None: ...

class DecryptRequest(_message.Message):
    __slots__ = ("ciphertext", "encryption_context", "key_name", "encryption_algorithm", "grant_tokens", "dry_run")
    class EncryptionContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    GRANT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    ciphertext: bytes
    encryption_context: _containers.ScalarMap[str, str]
    key_name: str
    encryption_algorithm: str
    grant_tokens: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, ciphertext: _Optional[bytes] = ..., encryption_context: _Optional[_Mapping[str, str]] = ..., key_name: _Optional[str] = ..., encryption_algorithm: _Optional[str] = ..., grant_tokens: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class DecryptResponse(_message.Message):
    __slots__ = ("plaintext", "key_name", "encryption_algorithm", "material_id")
    PLAINTEXT_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    MATERIAL_ID_FIELD_NUMBER: _ClassVar[int]
    plaintext: bytes
    key_name: str
    encryption_algorithm: str
    material_id: str
    def __init__(self, plaintext: _Optional[bytes] = ..., key_name: _Optional[str] = ..., encryption_algorithm: _Optional[str] = ..., material_id: _Optional[str] = ...) -> None: ...

class ReEncryptRequest(_message.Message):
    __slots__ = ("ciphertext", "source_encryption_context", "source_key_name", "source_encryption_algorithm", "destination_key_name", "destination_encryption_context", "destination_encryption_algorithm", "grant_tokens", "dry_run")
    class SourceEncryptionContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class DestinationEncryptionContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ENCRYPTION_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ENCRYPTION_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_ENCRYPTION_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_ENCRYPTION_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    GRANT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    ciphertext: bytes
    source_encryption_context: _containers.ScalarMap[str, str]
    source_key_name: str
    source_encryption_algorithm: str
    destination_key_name: str
    destination_encryption_context: _containers.ScalarMap[str, str]
    destination_encryption_algorithm: str
    grant_tokens: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, ciphertext: _Optional[bytes] = ..., source_encryption_context: _Optional[_Mapping[str, str]] = ..., source_key_name: _Optional[str] = ..., source_encryption_algorithm: _Optional[str] = ..., destination_key_name: _Optional[str] = ..., destination_encryption_context: _Optional[_Mapping[str, str]] = ..., destination_encryption_algorithm: _Optional[str] = ..., grant_tokens: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class ReEncryptResponse(_message.Message):
    __slots__ = ("ciphertext", "source_key_name", "destination_key_name", "source_encryption_algorithm", "destination_encryption_algorithm", "source_material_id", "destination_material_id")
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ENCRYPTION_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_ENCRYPTION_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    SOURCE_MATERIAL_ID_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_MATERIAL_ID_FIELD_NUMBER: _ClassVar[int]
    ciphertext: bytes
    source_key_name: str
    destination_key_name: str
    source_encryption_algorithm: str
    destination_encryption_algorithm: str
    source_material_id: str
    destination_material_id: str
    def __init__(self, ciphertext: _Optional[bytes] = ..., source_key_name: _Optional[str] = ..., destination_key_name: _Optional[str] = ..., source_encryption_algorithm: _Optional[str] = ..., destination_encryption_algorithm: _Optional[str] = ..., source_material_id: _Optional[str] = ..., destination_material_id: _Optional[str] = ...) -> None: ...

class GenerateDataKeyRequest(_message.Message):
    __slots__ = ("key_name", "encryption_context", "number_of_bytes", "grant_tokens", "dry_run")
    class EncryptionContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_OF_BYTES_FIELD_NUMBER: _ClassVar[int]
    GRANT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    encryption_context: _containers.ScalarMap[str, str]
    number_of_bytes: int
    grant_tokens: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, key_name: _Optional[str] = ..., encryption_context: _Optional[_Mapping[str, str]] = ..., number_of_bytes: _Optional[int] = ..., grant_tokens: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class GenerateDataKeyResponse(_message.Message):
    __slots__ = ("plaintext", "ciphertext", "key_name", "material_id")
    PLAINTEXT_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    MATERIAL_ID_FIELD_NUMBER: _ClassVar[int]
    plaintext: bytes
    ciphertext: bytes
    key_name: str
    material_id: str
    def __init__(self, plaintext: _Optional[bytes] = ..., ciphertext: _Optional[bytes] = ..., key_name: _Optional[str] = ..., material_id: _Optional[str] = ...) -> None: ...

class GenerateDataKeyWithoutPlaintextRequest(_message.Message):
    __slots__ = ("key_name", "encryption_context", "number_of_bytes", "grant_tokens", "dry_run")
    class EncryptionContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_OF_BYTES_FIELD_NUMBER: _ClassVar[int]
    GRANT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    encryption_context: _containers.ScalarMap[str, str]
    number_of_bytes: int
    grant_tokens: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, key_name: _Optional[str] = ..., encryption_context: _Optional[_Mapping[str, str]] = ..., number_of_bytes: _Optional[int] = ..., grant_tokens: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class GenerateDataKeyWithoutPlaintextResponse(_message.Message):
    __slots__ = ("ciphertext", "key_name", "material_id")
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    MATERIAL_ID_FIELD_NUMBER: _ClassVar[int]
    ciphertext: bytes
    key_name: str
    material_id: str
    def __init__(self, ciphertext: _Optional[bytes] = ..., key_name: _Optional[str] = ..., material_id: _Optional[str] = ...) -> None: ...

class GenerateDataKeyPairRequest(_message.Message):
    __slots__ = ("key_name", "encryption_context", "pair_spec", "grant_tokens", "dry_run")
    class EncryptionContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    PAIR_SPEC_FIELD_NUMBER: _ClassVar[int]
    GRANT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    encryption_context: _containers.ScalarMap[str, str]
    pair_spec: _resources_pb2.KeySpec
    grant_tokens: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, key_name: _Optional[str] = ..., encryption_context: _Optional[_Mapping[str, str]] = ..., pair_spec: _Optional[_Union[_resources_pb2.KeySpec, str]] = ..., grant_tokens: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class GenerateDataKeyPairResponse(_message.Message):
    __slots__ = ("private_key_plaintext", "private_key_ciphertext", "public_key", "key_name", "material_id")
    PRIVATE_KEY_PLAINTEXT_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_KEY_CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    MATERIAL_ID_FIELD_NUMBER: _ClassVar[int]
    private_key_plaintext: bytes
    private_key_ciphertext: bytes
    public_key: bytes
    key_name: str
    material_id: str
    def __init__(self, private_key_plaintext: _Optional[bytes] = ..., private_key_ciphertext: _Optional[bytes] = ..., public_key: _Optional[bytes] = ..., key_name: _Optional[str] = ..., material_id: _Optional[str] = ...) -> None: ...

class GenerateDataKeyPairWithoutPlaintextRequest(_message.Message):
    __slots__ = ("key_name", "encryption_context", "pair_spec", "grant_tokens", "dry_run")
    class EncryptionContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    PAIR_SPEC_FIELD_NUMBER: _ClassVar[int]
    GRANT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    encryption_context: _containers.ScalarMap[str, str]
    pair_spec: _resources_pb2.KeySpec
    grant_tokens: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, key_name: _Optional[str] = ..., encryption_context: _Optional[_Mapping[str, str]] = ..., pair_spec: _Optional[_Union[_resources_pb2.KeySpec, str]] = ..., grant_tokens: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class GenerateDataKeyPairWithoutPlaintextResponse(_message.Message):
    __slots__ = ("private_key_ciphertext", "public_key", "key_name", "material_id")
    PRIVATE_KEY_CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    MATERIAL_ID_FIELD_NUMBER: _ClassVar[int]
    private_key_ciphertext: bytes
    public_key: bytes
    key_name: str
    material_id: str
    def __init__(self, private_key_ciphertext: _Optional[bytes] = ..., public_key: _Optional[bytes] = ..., key_name: _Optional[str] = ..., material_id: _Optional[str] = ...) -> None: ...

class GenerateRandomRequest(_message.Message):
    __slots__ = ("number_of_bytes",)
    NUMBER_OF_BYTES_FIELD_NUMBER: _ClassVar[int]
    number_of_bytes: int
    def __init__(self, number_of_bytes: _Optional[int] = ...) -> None: ...

class GenerateRandomResponse(_message.Message):
    __slots__ = ("plaintext",)
    PLAINTEXT_FIELD_NUMBER: _ClassVar[int]
    plaintext: bytes
    def __init__(self, plaintext: _Optional[bytes] = ...) -> None: ...

class SignRequest(_message.Message):
    __slots__ = ("key_name", "message", "message_type", "signing_algorithm", "grant_tokens", "dry_run")
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIGNING_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    GRANT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    message: bytes
    message_type: str
    signing_algorithm: str
    grant_tokens: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, key_name: _Optional[str] = ..., message: _Optional[bytes] = ..., message_type: _Optional[str] = ..., signing_algorithm: _Optional[str] = ..., grant_tokens: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class SignResponse(_message.Message):
    __slots__ = ("signature", "key_name", "signing_algorithm")
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    SIGNING_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    signature: bytes
    key_name: str
    signing_algorithm: str
    def __init__(self, signature: _Optional[bytes] = ..., key_name: _Optional[str] = ..., signing_algorithm: _Optional[str] = ...) -> None: ...

class VerifyRequest(_message.Message):
    __slots__ = ("key_name", "message", "message_type", "signature", "signing_algorithm", "grant_tokens", "dry_run")
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    SIGNING_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    GRANT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    message: bytes
    message_type: str
    signature: bytes
    signing_algorithm: str
    grant_tokens: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, key_name: _Optional[str] = ..., message: _Optional[bytes] = ..., message_type: _Optional[str] = ..., signature: _Optional[bytes] = ..., signing_algorithm: _Optional[str] = ..., grant_tokens: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class VerifyResponse(_message.Message):
    __slots__ = ("key_name", "signing_algorithm")
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    SIGNING_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    signing_algorithm: str
    def __init__(self, key_name: _Optional[str] = ..., signing_algorithm: _Optional[str] = ...) -> None: ...

class GenerateMacRequest(_message.Message):
    __slots__ = ("key_name", "message", "mac_algorithm", "grant_tokens", "dry_run")
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MAC_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    GRANT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    message: bytes
    mac_algorithm: str
    grant_tokens: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, key_name: _Optional[str] = ..., message: _Optional[bytes] = ..., mac_algorithm: _Optional[str] = ..., grant_tokens: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class GenerateMacResponse(_message.Message):
    __slots__ = ("mac", "key_name", "mac_algorithm")
    MAC_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    MAC_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    mac: bytes
    key_name: str
    mac_algorithm: str
    def __init__(self, mac: _Optional[bytes] = ..., key_name: _Optional[str] = ..., mac_algorithm: _Optional[str] = ...) -> None: ...

class VerifyMacRequest(_message.Message):
    __slots__ = ("key_name", "message", "mac", "mac_algorithm", "grant_tokens", "dry_run")
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MAC_FIELD_NUMBER: _ClassVar[int]
    MAC_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    GRANT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    message: bytes
    mac: bytes
    mac_algorithm: str
    grant_tokens: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, key_name: _Optional[str] = ..., message: _Optional[bytes] = ..., mac: _Optional[bytes] = ..., mac_algorithm: _Optional[str] = ..., grant_tokens: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class VerifyMacResponse(_message.Message):
    __slots__ = ("key_name", "mac_algorithm")
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    MAC_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    mac_algorithm: str
    def __init__(self, key_name: _Optional[str] = ..., mac_algorithm: _Optional[str] = ...) -> None: ...

class GetPublicKeyRequest(_message.Message):
    __slots__ = ("key_name", "grant_tokens")
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    GRANT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    grant_tokens: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, key_name: _Optional[str] = ..., grant_tokens: _Optional[_Iterable[str]] = ...) -> None: ...

class GetPublicKeyResponse(_message.Message):
    __slots__ = ("public_key", "key")
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    public_key: bytes
    key: _resources_pb2.Key
    def __init__(self, public_key: _Optional[bytes] = ..., key: _Optional[_Union[_resources_pb2.Key, _Mapping]] = ...) -> None: ...

class DeriveSharedSecretRequest(_message.Message):
    __slots__ = ("key_name", "public_key", "key_agreement_algorithm", "grant_tokens", "dry_run")
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    KEY_AGREEMENT_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    GRANT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    public_key: bytes
    key_agreement_algorithm: str
    grant_tokens: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, key_name: _Optional[str] = ..., public_key: _Optional[bytes] = ..., key_agreement_algorithm: _Optional[str] = ..., grant_tokens: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class DeriveSharedSecretResponse(_message.Message):
    __slots__ = ("shared_secret", "key_name", "origin")
    SHARED_SECRET_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    shared_secret: bytes
    key_name: str
    origin: _resources_pb2.KeyOrigin
    def __init__(self, shared_secret: _Optional[bytes] = ..., key_name: _Optional[str] = ..., origin: _Optional[_Union[_resources_pb2.KeyOrigin, str]] = ...) -> None: ...
