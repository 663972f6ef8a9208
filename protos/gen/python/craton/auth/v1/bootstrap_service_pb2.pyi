from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import resources_pb2 as _resources_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BootstrapRequest(_message.Message):
    __slots__ = ("bootstrap_token", "account_id", "display_name", "user_name")
    BOOTSTRAP_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    bootstrap_token: str
    account_id: str
    display_name: str
    user_name: str
    def __init__(self, bootstrap_token: _Optional[str] = ..., account_id: _Optional[str] = ..., display_name: _Optional[str] = ..., user_name: _Optional[str] = ...) -> None: ...

class BootstrapResponse(_message.Message):
    __slots__ = ("account", "user", "access_key", "secret_access_key")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    ACCESS_KEY_FIELD_NUMBER: _ClassVar[int]
    SECRET_ACCESS_KEY_FIELD_NUMBER: _ClassVar[int]
    account: _resources_pb2.Account
    user: _resources_pb2.User
    access_key: _resources_pb2.AccessKey
    secret_access_key: str
    def __init__(self, account: _Optional[_Union[_resources_pb2.Account, _Mapping]] = ..., user: _Optional[_Union[_resources_pb2.User, _Mapping]] = ..., access_key: _Optional[_Union[_resources_pb2.AccessKey, _Mapping]] = ..., secret_access_key: _Optional[str] = ...) -> None: ...
