from buf.validate import validate_pb2 as _validate_pb2
from craton.audit.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AppendEventsRequest(_message.Message):
    __slots__ = ("spool_id", "first_position", "events")
    SPOOL_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_POSITION_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    spool_id: str
    first_position: int
    events: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Event]
    def __init__(self, spool_id: _Optional[str] = ..., first_position: _Optional[int] = ..., events: _Optional[_Iterable[_Union[_resources_pb2.Event, _Mapping]]] = ...) -> None: ...

class AppendEventsResponse(_message.Message):
    __slots__ = ("next_position",)
    NEXT_POSITION_FIELD_NUMBER: _ClassVar[int]
    next_position: int
    def __init__(self, next_position: _Optional[int] = ...) -> None: ...
