from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CheckIndexRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CheckIndexResponse(_message.Message):
    __slots__ = ("checked", "size", "purged", "found", "findings", "done")
    CHECKED_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    PURGED_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    checked: int
    size: int
    purged: int
    found: int
    findings: _containers.RepeatedCompositeFieldContainer[IndexFinding]
    done: bool
    def __init__(self, checked: _Optional[int] = ..., size: _Optional[int] = ..., purged: _Optional[int] = ..., found: _Optional[int] = ..., findings: _Optional[_Iterable[_Union[IndexFinding, _Mapping]]] = ..., done: _Optional[bool] = ...) -> None: ...

class IndexFinding(_message.Message):
    __slots__ = ("table", "row", "problem", "columns", "index", "event_id")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    table: str
    row: str
    problem: str
    columns: _containers.RepeatedScalarFieldContainer[str]
    index: int
    event_id: str
    def __init__(self, table: _Optional[str] = ..., row: _Optional[str] = ..., problem: _Optional[str] = ..., columns: _Optional[_Iterable[str]] = ..., index: _Optional[int] = ..., event_id: _Optional[str] = ...) -> None: ...
