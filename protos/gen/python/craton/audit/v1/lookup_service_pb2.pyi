import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.audit.v1 import resources_pb2 as _resources_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LookupEventsRequest(_message.Message):
    __slots__ = ("start_time", "end_time", "principal_arn", "event_name", "resource", "request_id", "account_id", "page_size", "page_token", "event_id", "event_source", "user_name", "access_key_id", "resource_type", "read_only", "records_only")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_ARN_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_SOURCE_FIELD_NUMBER: _ClassVar[int]
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    ACCESS_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    RECORDS_ONLY_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    principal_arn: str
    event_name: str
    resource: str
    request_id: str
    account_id: str
    page_size: int
    page_token: str
    event_id: str
    event_source: str
    user_name: str
    access_key_id: str
    resource_type: str
    read_only: bool
    records_only: bool
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principal_arn: _Optional[str] = ..., event_name: _Optional[str] = ..., resource: _Optional[str] = ..., request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., event_id: _Optional[str] = ..., event_source: _Optional[str] = ..., user_name: _Optional[str] = ..., access_key_id: _Optional[str] = ..., resource_type: _Optional[str] = ..., read_only: _Optional[bool] = ..., records_only: _Optional[bool] = ...) -> None: ...

class LookupEventsResponse(_message.Message):
    __slots__ = ("events", "next_page_token", "records")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Event]
    next_page_token: str
    records: _containers.RepeatedCompositeFieldContainer[Record]
    def __init__(self, events: _Optional[_Iterable[_Union[_resources_pb2.Event, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., records: _Optional[_Iterable[_Union[Record, _Mapping]]] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("cloud_trail_event", "user_name", "access_key_id", "resources")
    CLOUD_TRAIL_EVENT_FIELD_NUMBER: _ClassVar[int]
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    ACCESS_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    cloud_trail_event: str
    user_name: str
    access_key_id: str
    resources: _containers.RepeatedCompositeFieldContainer[RecordResource]
    def __init__(self, cloud_trail_event: _Optional[str] = ..., user_name: _Optional[str] = ..., access_key_id: _Optional[str] = ..., resources: _Optional[_Iterable[_Union[RecordResource, _Mapping]]] = ...) -> None: ...

class RecordResource(_message.Message):
    __slots__ = ("type", "name")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    type: str
    name: str
    def __init__(self, type: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...
