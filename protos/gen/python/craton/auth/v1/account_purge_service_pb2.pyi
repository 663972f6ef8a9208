import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import resources_pb2 as _resources_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from craton.purge.v1 import resources_pb2 as _resources_pb2_1
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AccountPurgeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_PURGE_STATE_UNSPECIFIED: _ClassVar[AccountPurgeState]
    ACCOUNT_PURGE_STATE_REQUESTED: _ClassVar[AccountPurgeState]
    ACCOUNT_PURGE_STATE_WAITING: _ClassVar[AccountPurgeState]
    ACCOUNT_PURGE_STATE_PURGING: _ClassVar[AccountPurgeState]
    ACCOUNT_PURGE_STATE_CERTIFYING: _ClassVar[AccountPurgeState]
    ACCOUNT_PURGE_STATE_DONE: _ClassVar[AccountPurgeState]
    ACCOUNT_PURGE_STATE_CANCELLED: _ClassVar[AccountPurgeState]
ACCOUNT_PURGE_STATE_UNSPECIFIED: AccountPurgeState
ACCOUNT_PURGE_STATE_REQUESTED: AccountPurgeState
ACCOUNT_PURGE_STATE_WAITING: AccountPurgeState
ACCOUNT_PURGE_STATE_PURGING: AccountPurgeState
ACCOUNT_PURGE_STATE_CERTIFYING: AccountPurgeState
ACCOUNT_PURGE_STATE_DONE: AccountPurgeState
ACCOUNT_PURGE_STATE_CANCELLED: AccountPurgeState

class AccountPurge(_message.Message):
    __slots__ = ("purge_id", "account_id", "incarnation", "state", "keep_principals", "continues", "requested_by", "request_time", "approved_by", "approve_time", "due_time", "complete_time", "removed", "entries", "certificate", "public_key")
    PURGE_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    KEEP_PRINCIPALS_FIELD_NUMBER: _ClassVar[int]
    CONTINUES_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_BY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TIME_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    APPROVE_TIME_FIELD_NUMBER: _ClassVar[int]
    DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_TIME_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    purge_id: str
    account_id: str
    incarnation: str
    state: AccountPurgeState
    keep_principals: bool
    continues: bool
    requested_by: str
    request_time: _timestamp_pb2.Timestamp
    approved_by: str
    approve_time: _timestamp_pb2.Timestamp
    due_time: _timestamp_pb2.Timestamp
    complete_time: _timestamp_pb2.Timestamp
    removed: _containers.RepeatedCompositeFieldContainer[_resources_pb2_1.ServiceRemoval]
    entries: _containers.RepeatedCompositeFieldContainer[_resources_pb2_1.LogEntry]
    certificate: bytes
    public_key: bytes
    def __init__(self, purge_id: _Optional[str] = ..., account_id: _Optional[str] = ..., incarnation: _Optional[str] = ..., state: _Optional[_Union[AccountPurgeState, str]] = ..., keep_principals: _Optional[bool] = ..., continues: _Optional[bool] = ..., requested_by: _Optional[str] = ..., request_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., approved_by: _Optional[str] = ..., approve_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., complete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., removed: _Optional[_Iterable[_Union[_resources_pb2_1.ServiceRemoval, _Mapping]]] = ..., entries: _Optional[_Iterable[_Union[_resources_pb2_1.LogEntry, _Mapping]]] = ..., certificate: _Optional[bytes] = ..., public_key: _Optional[bytes] = ...) -> None: ...

class RequestAccountPurgeRequest(_message.Message):
    __slots__ = ("account_id", "keep_principals")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    KEEP_PRINCIPALS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    keep_principals: bool
    def __init__(self, account_id: _Optional[str] = ..., keep_principals: _Optional[bool] = ...) -> None: ...

class RequestAccountPurgeResponse(_message.Message):
    __slots__ = ("purge",)
    PURGE_FIELD_NUMBER: _ClassVar[int]
    purge: AccountPurge
    def __init__(self, purge: _Optional[_Union[AccountPurge, _Mapping]] = ...) -> None: ...

class ApproveAccountPurgeRequest(_message.Message):
    __slots__ = ("purge_id",)
    PURGE_ID_FIELD_NUMBER: _ClassVar[int]
    purge_id: str
    def __init__(self, purge_id: _Optional[str] = ...) -> None: ...

class ApproveAccountPurgeResponse(_message.Message):
    __slots__ = ("purge",)
    PURGE_FIELD_NUMBER: _ClassVar[int]
    purge: AccountPurge
    def __init__(self, purge: _Optional[_Union[AccountPurge, _Mapping]] = ...) -> None: ...

class CancelAccountPurgeRequest(_message.Message):
    __slots__ = ("purge_id",)
    PURGE_ID_FIELD_NUMBER: _ClassVar[int]
    purge_id: str
    def __init__(self, purge_id: _Optional[str] = ...) -> None: ...

class CancelAccountPurgeResponse(_message.Message):
    __slots__ = ("purge",)
    PURGE_FIELD_NUMBER: _ClassVar[int]
    purge: AccountPurge
    def __init__(self, purge: _Optional[_Union[AccountPurge, _Mapping]] = ...) -> None: ...

class GetAccountPurgeRequest(_message.Message):
    __slots__ = ("purge_id",)
    PURGE_ID_FIELD_NUMBER: _ClassVar[int]
    purge_id: str
    def __init__(self, purge_id: _Optional[str] = ...) -> None: ...

class GetAccountPurgeResponse(_message.Message):
    __slots__ = ("purge",)
    PURGE_FIELD_NUMBER: _ClassVar[int]
    purge: AccountPurge
    def __init__(self, purge: _Optional[_Union[AccountPurge, _Mapping]] = ...) -> None: ...

class ListAccountPurgesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "account_id")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    account_id: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., account_id: _Optional[str] = ...) -> None: ...

class ListAccountPurgesResponse(_message.Message):
    __slots__ = ("purges", "next_page_token")
    PURGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    purges: _containers.RepeatedCompositeFieldContainer[AccountPurge]
    next_page_token: str
    def __init__(self, purges: _Optional[_Iterable[_Union[AccountPurge, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreatePurgedAccountKeyRequest(_message.Message):
    __slots__ = ("purge_id",)
    PURGE_ID_FIELD_NUMBER: _ClassVar[int]
    purge_id: str
    def __init__(self, purge_id: _Optional[str] = ...) -> None: ...

class CreatePurgedAccountKeyResponse(_message.Message):
    __slots__ = ("access_key", "secret_access_key")
    ACCESS_KEY_FIELD_NUMBER: _ClassVar[int]
    SECRET_ACCESS_KEY_FIELD_NUMBER: _ClassVar[int]
    access_key: _resources_pb2.AccessKey
    secret_access_key: str
    def __init__(self, access_key: _Optional[_Union[_resources_pb2.AccessKey, _Mapping]] = ..., secret_access_key: _Optional[str] = ...) -> None: ...
