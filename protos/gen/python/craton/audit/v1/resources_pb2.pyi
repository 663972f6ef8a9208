import datetime

from craton.common.v1 import principal_pb2 as _principal_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_PHASE_UNSPECIFIED: _ClassVar[EventPhase]
    EVENT_PHASE_INTENT: _ClassVar[EventPhase]
    EVENT_PHASE_OUTCOME: _ClassVar[EventPhase]
    EVENT_PHASE_SUMMARY: _ClassVar[EventPhase]
EVENT_PHASE_UNSPECIFIED: EventPhase
EVENT_PHASE_INTENT: EventPhase
EVENT_PHASE_OUTCOME: EventPhase
EVENT_PHASE_SUMMARY: EventPhase

class Event(_message.Message):
    __slots__ = ("event_id", "call_id", "request_id", "phase", "event_time", "recorder", "event_source", "event_name", "principal", "caller", "audit_context", "resources", "status_code", "error_reason", "count", "account_id", "read_only", "duration_us", "usage", "invoked_by", "session_context", "issued_credentials", "shared_event_id", "call_with_bearer_token", "omitted_resources", "statement_sha256", "request_parameters_json", "response_elements_json", "error_code", "error_message")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    RECORDER_FIELD_NUMBER: _ClassVar[int]
    EVENT_SOURCE_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    AUDIT_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_REASON_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    DURATION_US_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    INVOKED_BY_FIELD_NUMBER: _ClassVar[int]
    SESSION_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ISSUED_CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    SHARED_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_WITH_BEARER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    OMITTED_RESOURCES_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    REQUEST_PARAMETERS_JSON_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_ELEMENTS_JSON_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    call_id: str
    request_id: str
    phase: EventPhase
    event_time: _timestamp_pb2.Timestamp
    recorder: str
    event_source: str
    event_name: str
    principal: _principal_pb2.Principal
    caller: str
    audit_context: _principal_pb2.AuditContext
    resources: _containers.RepeatedScalarFieldContainer[str]
    status_code: str
    error_reason: str
    count: int
    account_id: str
    read_only: bool
    duration_us: int
    usage: Usage
    invoked_by: str
    session_context: SessionContext
    issued_credentials: IssuedCredentials
    shared_event_id: str
    call_with_bearer_token: bool
    omitted_resources: int
    statement_sha256: bytes
    request_parameters_json: str
    response_elements_json: str
    error_code: str
    error_message: str
    def __init__(self, event_id: _Optional[str] = ..., call_id: _Optional[str] = ..., request_id: _Optional[str] = ..., phase: _Optional[_Union[EventPhase, str]] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recorder: _Optional[str] = ..., event_source: _Optional[str] = ..., event_name: _Optional[str] = ..., principal: _Optional[_Union[_principal_pb2.Principal, _Mapping]] = ..., caller: _Optional[str] = ..., audit_context: _Optional[_Union[_principal_pb2.AuditContext, _Mapping]] = ..., resources: _Optional[_Iterable[str]] = ..., status_code: _Optional[str] = ..., error_reason: _Optional[str] = ..., count: _Optional[int] = ..., account_id: _Optional[str] = ..., read_only: _Optional[bool] = ..., duration_us: _Optional[int] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., invoked_by: _Optional[str] = ..., session_context: _Optional[_Union[SessionContext, _Mapping]] = ..., issued_credentials: _Optional[_Union[IssuedCredentials, _Mapping]] = ..., shared_event_id: _Optional[str] = ..., call_with_bearer_token: _Optional[bool] = ..., omitted_resources: _Optional[int] = ..., statement_sha256: _Optional[bytes] = ..., request_parameters_json: _Optional[str] = ..., response_elements_json: _Optional[str] = ..., error_code: _Optional[str] = ..., error_message: _Optional[str] = ...) -> None: ...

class SessionContext(_message.Message):
    __slots__ = ("create_time", "source_identity")
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    create_time: _timestamp_pb2.Timestamp
    source_identity: str
    def __init__(self, create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source_identity: _Optional[str] = ...) -> None: ...

class IssuedCredentials(_message.Message):
    __slots__ = ("access_key_id", "principal_arn", "principal_id", "expire_time")
    ACCESS_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_ARN_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    access_key_id: str
    principal_arn: str
    principal_id: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, access_key_id: _Optional[str] = ..., principal_arn: _Optional[str] = ..., principal_id: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("input_tokens", "output_tokens")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ...) -> None: ...
