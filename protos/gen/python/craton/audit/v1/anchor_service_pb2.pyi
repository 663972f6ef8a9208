from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Anchor(_message.Message):
    __slots__ = ("store_id", "epoch", "digest")
    STORE_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    store_id: str
    epoch: int
    digest: bytes
    def __init__(self, store_id: _Optional[str] = ..., epoch: _Optional[int] = ..., digest: _Optional[bytes] = ...) -> None: ...

class AppendAnchorRequest(_message.Message):
    __slots__ = ("anchor",)
    ANCHOR_FIELD_NUMBER: _ClassVar[int]
    anchor: Anchor
    def __init__(self, anchor: _Optional[_Union[Anchor, _Mapping]] = ...) -> None: ...

class AppendAnchorResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetAnchorRequest(_message.Message):
    __slots__ = ("store_id", "witnessed_size", "witnessed_root")
    STORE_ID_FIELD_NUMBER: _ClassVar[int]
    WITNESSED_SIZE_FIELD_NUMBER: _ClassVar[int]
    WITNESSED_ROOT_FIELD_NUMBER: _ClassVar[int]
    store_id: str
    witnessed_size: int
    witnessed_root: bytes
    def __init__(self, store_id: _Optional[str] = ..., witnessed_size: _Optional[int] = ..., witnessed_root: _Optional[bytes] = ...) -> None: ...

class GetAnchorResponse(_message.Message):
    __slots__ = ("anchor", "noted_epoch")
    ANCHOR_FIELD_NUMBER: _ClassVar[int]
    NOTED_EPOCH_FIELD_NUMBER: _ClassVar[int]
    anchor: Anchor
    noted_epoch: int
    def __init__(self, anchor: _Optional[_Union[Anchor, _Mapping]] = ..., noted_epoch: _Optional[int] = ...) -> None: ...
