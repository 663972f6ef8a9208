import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.purge.v1 import resources_pb2 as _resources_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SignPurgeCertificateRequest(_message.Message):
    __slots__ = ("purge_id", "account_id", "incarnation", "profile", "principals_kept", "continues", "requested_by", "request_time", "approved_by", "approve_time", "complete_time", "services", "entries")
    PURGE_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    PRINCIPALS_KEPT_FIELD_NUMBER: _ClassVar[int]
    CONTINUES_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_BY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TIME_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    APPROVE_TIME_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_TIME_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    purge_id: str
    account_id: str
    incarnation: str
    profile: str
    principals_kept: bool
    continues: bool
    requested_by: str
    request_time: _timestamp_pb2.Timestamp
    approved_by: str
    approve_time: _timestamp_pb2.Timestamp
    complete_time: _timestamp_pb2.Timestamp
    services: _containers.RepeatedCompositeFieldContainer[_resources_pb2.ServiceRemoval]
    entries: _containers.RepeatedCompositeFieldContainer[_resources_pb2.LogEntry]
    def __init__(self, purge_id: _Optional[str] = ..., account_id: _Optional[str] = ..., incarnation: _Optional[str] = ..., profile: _Optional[str] = ..., principals_kept: _Optional[bool] = ..., continues: _Optional[bool] = ..., requested_by: _Optional[str] = ..., request_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., approved_by: _Optional[str] = ..., approve_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., complete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., services: _Optional[_Iterable[_Union[_resources_pb2.ServiceRemoval, _Mapping]]] = ..., entries: _Optional[_Iterable[_Union[_resources_pb2.LogEntry, _Mapping]]] = ...) -> None: ...

class SignPurgeCertificateResponse(_message.Message):
    __slots__ = ("certificate", "public_key")
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    certificate: bytes
    public_key: bytes
    def __init__(self, certificate: _Optional[bytes] = ..., public_key: _Optional[bytes] = ...) -> None: ...
