import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PassRoleRequest(_message.Message):
    __slots__ = ("role_arn", "resource_arn")
    ROLE_ARN_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ARN_FIELD_NUMBER: _ClassVar[int]
    role_arn: str
    resource_arn: str
    def __init__(self, role_arn: _Optional[str] = ..., resource_arn: _Optional[str] = ...) -> None: ...

class PassRoleResponse(_message.Message):
    __slots__ = ("passed_role",)
    PASSED_ROLE_FIELD_NUMBER: _ClassVar[int]
    passed_role: PassedRole
    def __init__(self, passed_role: _Optional[_Union[PassedRole, _Mapping]] = ...) -> None: ...

class PassedRole(_message.Message):
    __slots__ = ("pass_id", "role_arn", "role_id", "account_id", "resource_arn", "create_time")
    PASS_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_ARN_FIELD_NUMBER: _ClassVar[int]
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ARN_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    pass_id: str
    role_arn: str
    role_id: str
    account_id: str
    resource_arn: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, pass_id: _Optional[str] = ..., role_arn: _Optional[str] = ..., role_id: _Optional[str] = ..., account_id: _Optional[str] = ..., resource_arn: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AssumePassedRoleRequest(_message.Message):
    __slots__ = ("pass_id", "resource_arn", "audience")
    PASS_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ARN_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    pass_id: str
    resource_arn: str
    audience: str
    def __init__(self, pass_id: _Optional[str] = ..., resource_arn: _Optional[str] = ..., audience: _Optional[str] = ...) -> None: ...

class AssumePassedRoleResponse(_message.Message):
    __slots__ = ("token", "expire_time", "assumed_role_arn")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    ASSUMED_ROLE_ARN_FIELD_NUMBER: _ClassVar[int]
    token: str
    expire_time: _timestamp_pb2.Timestamp
    assumed_role_arn: str
    def __init__(self, token: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., assumed_role_arn: _Optional[str] = ...) -> None: ...

class RevokePassedRoleRequest(_message.Message):
    __slots__ = ("pass_id",)
    PASS_ID_FIELD_NUMBER: _ClassVar[int]
    pass_id: str
    def __init__(self, pass_id: _Optional[str] = ...) -> None: ...

class RevokePassedRoleResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
