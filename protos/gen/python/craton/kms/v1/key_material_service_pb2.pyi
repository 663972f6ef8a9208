import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.kms.v1 import resources_pb2 as _resources_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EnableKeyRotationRequest(_message.Message):
    __slots__ = ("name", "period_days")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PERIOD_DAYS_FIELD_NUMBER: _ClassVar[int]
    name: str
    period_days: int
    def __init__(self, name: _Optional[str] = ..., period_days: _Optional[int] = ...) -> None: ...

class EnableKeyRotationResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DisableKeyRotationRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DisableKeyRotationResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetKeyRotationStatusRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetKeyRotationStatusResponse(_message.Message):
    __slots__ = ("enabled", "period_days", "next_rotate_time")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    PERIOD_DAYS_FIELD_NUMBER: _ClassVar[int]
    NEXT_ROTATE_TIME_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    period_days: int
    next_rotate_time: _timestamp_pb2.Timestamp
    def __init__(self, enabled: _Optional[bool] = ..., period_days: _Optional[int] = ..., next_rotate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RotateKeyRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class RotateKeyResponse(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.Key
    def __init__(self, key: _Optional[_Union[_resources_pb2.Key, _Mapping]] = ...) -> None: ...

class ListKeyRotationsRequest(_message.Message):
    __slots__ = ("name", "page_size", "page_token", "include_first")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIRST_FIELD_NUMBER: _ClassVar[int]
    name: str
    page_size: int
    page_token: str
    include_first: bool
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_first: _Optional[bool] = ...) -> None: ...

class ListKeyRotationsResponse(_message.Message):
    __slots__ = ("rotations", "next_page_token")
    ROTATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    rotations: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Rotation]
    next_page_token: str
    def __init__(self, rotations: _Optional[_Iterable[_Union[_resources_pb2.Rotation, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetParametersForImportRequest(_message.Message):
    __slots__ = ("name", "wrapping_algorithm", "wrapping_key_spec")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WRAPPING_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    WRAPPING_KEY_SPEC_FIELD_NUMBER: _ClassVar[int]
    name: str
    wrapping_algorithm: str
    wrapping_key_spec: _resources_pb2.KeySpec
    def __init__(self, name: _Optional[str] = ..., wrapping_algorithm: _Optional[str] = ..., wrapping_key_spec: _Optional[_Union[_resources_pb2.KeySpec, str]] = ...) -> None: ...

class GetParametersForImportResponse(_message.Message):
    __slots__ = ("import_token", "public_key", "expire_time")
    IMPORT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    import_token: bytes
    public_key: bytes
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, import_token: _Optional[bytes] = ..., public_key: _Optional[bytes] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ImportKeyMaterialRequest(_message.Message):
    __slots__ = ("name", "import_token", "encrypted_material", "expire_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    IMPORT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTED_MATERIAL_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    import_token: bytes
    encrypted_material: bytes
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., import_token: _Optional[bytes] = ..., encrypted_material: _Optional[bytes] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ImportKeyMaterialResponse(_message.Message):
    __slots__ = ("material_id",)
    MATERIAL_ID_FIELD_NUMBER: _ClassVar[int]
    material_id: str
    def __init__(self, material_id: _Optional[str] = ...) -> None: ...

class DeleteImportedKeyMaterialRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteImportedKeyMaterialResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
