from buf.validate import validate_pb2 as _validate_pb2
from craton.purge.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PurgeAccountRequest(_message.Message):
    __slots__ = ("purge_id", "account_id", "incarnation")
    PURGE_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    purge_id: str
    account_id: str
    incarnation: str
    def __init__(self, purge_id: _Optional[str] = ..., account_id: _Optional[str] = ..., incarnation: _Optional[str] = ...) -> None: ...

class PurgeAccountResponse(_message.Message):
    __slots__ = ("finished", "removed")
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    finished: bool
    removed: _containers.RepeatedCompositeFieldContainer[_resources_pb2.RemovedItems]
    def __init__(self, finished: _Optional[bool] = ..., removed: _Optional[_Iterable[_Union[_resources_pb2.RemovedItems, _Mapping]]] = ...) -> None: ...
