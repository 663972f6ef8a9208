from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class GetEntryIndexesRequest(_message.Message):
    __slots__ = ("event_ids",)
    EVENT_IDS_FIELD_NUMBER: _ClassVar[int]
    event_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, event_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetEntryIndexesResponse(_message.Message):
    __slots__ = ("indexes",)
    class IndexesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    INDEXES_FIELD_NUMBER: _ClassVar[int]
    indexes: _containers.ScalarMap[str, int]
    def __init__(self, indexes: _Optional[_Mapping[str, int]] = ...) -> None: ...

class ContinueAccountRequest(_message.Message):
    __slots__ = ("account_id", "incarnation")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    incarnation: str
    def __init__(self, account_id: _Optional[str] = ..., incarnation: _Optional[str] = ...) -> None: ...

class ContinueAccountResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
