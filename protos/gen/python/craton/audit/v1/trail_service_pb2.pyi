import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Trail(_message.Message):
    __slots__ = ("name", "bucket", "prefix", "multi_region", "global_events", "validation", "has_selectors", "key_name")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    MULTI_REGION_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    HAS_SELECTORS_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    bucket: str
    prefix: str
    multi_region: bool
    global_events: bool
    validation: bool
    has_selectors: bool
    key_name: str
    def __init__(self, name: _Optional[str] = ..., bucket: _Optional[str] = ..., prefix: _Optional[str] = ..., multi_region: _Optional[bool] = ..., global_events: _Optional[bool] = ..., validation: _Optional[bool] = ..., has_selectors: _Optional[bool] = ..., key_name: _Optional[str] = ...) -> None: ...

class TrailTag(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class CreateTrailRequest(_message.Message):
    __slots__ = ("name", "bucket", "prefix", "multi_region", "global_events", "validation", "tags", "key_name")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    MULTI_REGION_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    bucket: str
    prefix: str
    multi_region: bool
    global_events: bool
    validation: bool
    tags: _containers.RepeatedCompositeFieldContainer[TrailTag]
    key_name: str
    def __init__(self, name: _Optional[str] = ..., bucket: _Optional[str] = ..., prefix: _Optional[str] = ..., multi_region: _Optional[bool] = ..., global_events: _Optional[bool] = ..., validation: _Optional[bool] = ..., tags: _Optional[_Iterable[_Union[TrailTag, _Mapping]]] = ..., key_name: _Optional[str] = ...) -> None: ...

class CreateTrailResponse(_message.Message):
    __slots__ = ("trail",)
    TRAIL_FIELD_NUMBER: _ClassVar[int]
    trail: Trail
    def __init__(self, trail: _Optional[_Union[Trail, _Mapping]] = ...) -> None: ...

class UpdateTrailRequest(_message.Message):
    __slots__ = ("name", "bucket", "prefix", "multi_region", "global_events", "validation", "key_name")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    MULTI_REGION_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    bucket: str
    prefix: str
    multi_region: bool
    global_events: bool
    validation: bool
    key_name: str
    def __init__(self, name: _Optional[str] = ..., bucket: _Optional[str] = ..., prefix: _Optional[str] = ..., multi_region: _Optional[bool] = ..., global_events: _Optional[bool] = ..., validation: _Optional[bool] = ..., key_name: _Optional[str] = ...) -> None: ...

class UpdateTrailResponse(_message.Message):
    __slots__ = ("trail",)
    TRAIL_FIELD_NUMBER: _ClassVar[int]
    trail: Trail
    def __init__(self, trail: _Optional[_Union[Trail, _Mapping]] = ...) -> None: ...

class DeleteTrailRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteTrailResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetTrailRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetTrailResponse(_message.Message):
    __slots__ = ("trail",)
    TRAIL_FIELD_NUMBER: _ClassVar[int]
    trail: Trail
    def __init__(self, trail: _Optional[_Union[Trail, _Mapping]] = ...) -> None: ...

class ListTrailsRequest(_message.Message):
    __slots__ = ("described",)
    DESCRIBED_FIELD_NUMBER: _ClassVar[int]
    described: bool
    def __init__(self, described: _Optional[bool] = ...) -> None: ...

class ListTrailsResponse(_message.Message):
    __slots__ = ("trails",)
    TRAILS_FIELD_NUMBER: _ClassVar[int]
    trails: _containers.RepeatedCompositeFieldContainer[Trail]
    def __init__(self, trails: _Optional[_Iterable[_Union[Trail, _Mapping]]] = ...) -> None: ...

class StartLoggingRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class StartLoggingResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StopLoggingRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class StopLoggingResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetTrailStatusRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetTrailStatusResponse(_message.Message):
    __slots__ = ("logging", "start_time", "stop_time", "delivery_time", "attempt_time", "delivery_error", "digest_time", "digest_error")
    LOGGING_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    STOP_TIME_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_TIME_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_ERROR_FIELD_NUMBER: _ClassVar[int]
    DIGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_ERROR_FIELD_NUMBER: _ClassVar[int]
    logging: bool
    start_time: _timestamp_pb2.Timestamp
    stop_time: _timestamp_pb2.Timestamp
    delivery_time: _timestamp_pb2.Timestamp
    attempt_time: _timestamp_pb2.Timestamp
    delivery_error: str
    digest_time: _timestamp_pb2.Timestamp
    digest_error: str
    def __init__(self, logging: _Optional[bool] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., stop_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delivery_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delivery_error: _Optional[str] = ..., digest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., digest_error: _Optional[str] = ...) -> None: ...

class EventSelector(_message.Message):
    __slots__ = ("read_write_type", "management_events", "excluded_sources")
    READ_WRITE_TYPE_FIELD_NUMBER: _ClassVar[int]
    MANAGEMENT_EVENTS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_SOURCES_FIELD_NUMBER: _ClassVar[int]
    read_write_type: str
    management_events: bool
    excluded_sources: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, read_write_type: _Optional[str] = ..., management_events: _Optional[bool] = ..., excluded_sources: _Optional[_Iterable[str]] = ...) -> None: ...

class FieldSelector(_message.Message):
    __slots__ = ("field", "equals", "starts_with", "ends_with", "not_equals", "not_starts_with", "not_ends_with")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    EQUALS_FIELD_NUMBER: _ClassVar[int]
    STARTS_WITH_FIELD_NUMBER: _ClassVar[int]
    ENDS_WITH_FIELD_NUMBER: _ClassVar[int]
    NOT_EQUALS_FIELD_NUMBER: _ClassVar[int]
    NOT_STARTS_WITH_FIELD_NUMBER: _ClassVar[int]
    NOT_ENDS_WITH_FIELD_NUMBER: _ClassVar[int]
    field: str
    equals: _containers.RepeatedScalarFieldContainer[str]
    starts_with: _containers.RepeatedScalarFieldContainer[str]
    ends_with: _containers.RepeatedScalarFieldContainer[str]
    not_equals: _containers.RepeatedScalarFieldContainer[str]
    not_starts_with: _containers.RepeatedScalarFieldContainer[str]
    not_ends_with: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, field: _Optional[str] = ..., equals: _Optional[_Iterable[str]] = ..., starts_with: _Optional[_Iterable[str]] = ..., ends_with: _Optional[_Iterable[str]] = ..., not_equals: _Optional[_Iterable[str]] = ..., not_starts_with: _Optional[_Iterable[str]] = ..., not_ends_with: _Optional[_Iterable[str]] = ...) -> None: ...

class AdvancedEventSelector(_message.Message):
    __slots__ = ("name", "fields")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    fields: _containers.RepeatedCompositeFieldContainer[FieldSelector]
    def __init__(self, name: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[FieldSelector, _Mapping]]] = ...) -> None: ...

class EventSelectors(_message.Message):
    __slots__ = ("basic", "advanced")
    BASIC_FIELD_NUMBER: _ClassVar[int]
    ADVANCED_FIELD_NUMBER: _ClassVar[int]
    basic: _containers.RepeatedCompositeFieldContainer[EventSelector]
    advanced: _containers.RepeatedCompositeFieldContainer[AdvancedEventSelector]
    def __init__(self, basic: _Optional[_Iterable[_Union[EventSelector, _Mapping]]] = ..., advanced: _Optional[_Iterable[_Union[AdvancedEventSelector, _Mapping]]] = ...) -> None: ...

class PutEventSelectorsRequest(_message.Message):
    __slots__ = ("name", "selectors")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SELECTORS_FIELD_NUMBER: _ClassVar[int]
    name: str
    selectors: EventSelectors
    def __init__(self, name: _Optional[str] = ..., selectors: _Optional[_Union[EventSelectors, _Mapping]] = ...) -> None: ...

class PutEventSelectorsResponse(_message.Message):
    __slots__ = ("selectors",)
    SELECTORS_FIELD_NUMBER: _ClassVar[int]
    selectors: EventSelectors
    def __init__(self, selectors: _Optional[_Union[EventSelectors, _Mapping]] = ...) -> None: ...

class GetEventSelectorsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetEventSelectorsResponse(_message.Message):
    __slots__ = ("selectors",)
    SELECTORS_FIELD_NUMBER: _ClassVar[int]
    selectors: EventSelectors
    def __init__(self, selectors: _Optional[_Union[EventSelectors, _Mapping]] = ...) -> None: ...

class TagTrailRequest(_message.Message):
    __slots__ = ("name", "tags")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    tags: _containers.RepeatedCompositeFieldContainer[TrailTag]
    def __init__(self, name: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[TrailTag, _Mapping]]] = ...) -> None: ...

class TagTrailResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UntagTrailRequest(_message.Message):
    __slots__ = ("name", "keys")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    name: str
    keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., keys: _Optional[_Iterable[str]] = ...) -> None: ...

class UntagTrailResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTrailTagsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListTrailTagsResponse(_message.Message):
    __slots__ = ("tags",)
    TAGS_FIELD_NUMBER: _ClassVar[int]
    tags: _containers.RepeatedCompositeFieldContainer[TrailTag]
    def __init__(self, tags: _Optional[_Iterable[_Union[TrailTag, _Mapping]]] = ...) -> None: ...

class ListDigestPublicKeysRequest(_message.Message):
    __slots__ = ("start_time", "end_time")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListDigestPublicKeysResponse(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[DigestPublicKey]
    def __init__(self, keys: _Optional[_Iterable[_Union[DigestPublicKey, _Mapping]]] = ...) -> None: ...

class DigestPublicKey(_message.Message):
    __slots__ = ("value", "fingerprint", "start_time", "end_time")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    value: bytes
    fingerprint: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, value: _Optional[bytes] = ..., fingerprint: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
