from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RemovedItems(_message.Message):
    __slots__ = ("kind", "count")
    KIND_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    kind: str
    count: int
    def __init__(self, kind: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class ServiceRemoval(_message.Message):
    __slots__ = ("service", "removed")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    service: str
    removed: _containers.RepeatedCompositeFieldContainer[RemovedItems]
    def __init__(self, service: _Optional[str] = ..., removed: _Optional[_Iterable[_Union[RemovedItems, _Mapping]]] = ...) -> None: ...

class LogEntry(_message.Message):
    __slots__ = ("about", "event_id", "index")
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    about: str
    event_id: str
    index: int
    def __init__(self, about: _Optional[str] = ..., event_id: _Optional[str] = ..., index: _Optional[int] = ...) -> None: ...
