from buf.validate import validate_pb2 as _validate_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ResolveTrailKeyRequest(_message.Message):
    __slots__ = ("trail", "place", "key_name")
    TRAIL_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    trail: str
    place: str
    key_name: str
    def __init__(self, trail: _Optional[str] = ..., place: _Optional[str] = ..., key_name: _Optional[str] = ...) -> None: ...

class ResolveTrailKeyResponse(_message.Message):
    __slots__ = ("key_name",)
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    def __init__(self, key_name: _Optional[str] = ...) -> None: ...

class GenerateTrailDataKeyRequest(_message.Message):
    __slots__ = ("trail", "place", "key_name")
    TRAIL_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    trail: str
    place: str
    key_name: str
    def __init__(self, trail: _Optional[str] = ..., place: _Optional[str] = ..., key_name: _Optional[str] = ...) -> None: ...

class GenerateTrailDataKeyResponse(_message.Message):
    __slots__ = ("plaintext", "ciphertext", "key_name", "encryption_context")
    class EncryptionContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PLAINTEXT_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    plaintext: bytes
    ciphertext: bytes
    key_name: str
    encryption_context: _containers.ScalarMap[str, str]
    def __init__(self, plaintext: _Optional[bytes] = ..., ciphertext: _Optional[bytes] = ..., key_name: _Optional[str] = ..., encryption_context: _Optional[_Mapping[str, str]] = ...) -> None: ...
