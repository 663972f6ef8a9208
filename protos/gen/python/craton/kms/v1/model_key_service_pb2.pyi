from buf.validate import validate_pb2 as _validate_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelContext(_message.Message):
    __slots__ = ("provider", "artifact", "artifact_sha256")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_SHA256_FIELD_NUMBER: _ClassVar[int]
    provider: str
    artifact: str
    artifact_sha256: str
    def __init__(self, provider: _Optional[str] = ..., artifact: _Optional[str] = ..., artifact_sha256: _Optional[str] = ...) -> None: ...

class GenerateModelDataKeyRequest(_message.Message):
    __slots__ = ("key_name", "context")
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    context: ModelContext
    def __init__(self, key_name: _Optional[str] = ..., context: _Optional[_Union[ModelContext, _Mapping]] = ...) -> None: ...

class GenerateModelDataKeyResponse(_message.Message):
    __slots__ = ("plaintext", "ciphertext")
    PLAINTEXT_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    plaintext: bytes
    ciphertext: bytes
    def __init__(self, plaintext: _Optional[bytes] = ..., ciphertext: _Optional[bytes] = ...) -> None: ...

class OpenModelDataKeyRequest(_message.Message):
    __slots__ = ("ciphertext", "context")
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ciphertext: bytes
    context: ModelContext
    def __init__(self, ciphertext: _Optional[bytes] = ..., context: _Optional[_Union[ModelContext, _Mapping]] = ...) -> None: ...

class OpenModelDataKeyResponse(_message.Message):
    __slots__ = ("plaintext", "key_name")
    PLAINTEXT_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    plaintext: bytes
    key_name: str
    def __init__(self, plaintext: _Optional[bytes] = ..., key_name: _Optional[str] = ...) -> None: ...
