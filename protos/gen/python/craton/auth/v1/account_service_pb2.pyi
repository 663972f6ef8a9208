from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import resources_pb2 as _resources_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateAccountRequest(_message.Message):
    __slots__ = ("account_id", "display_name", "request_id", "administrator_user_name")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ADMINISTRATOR_USER_NAME_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    display_name: str
    request_id: str
    administrator_user_name: str
    def __init__(self, account_id: _Optional[str] = ..., display_name: _Optional[str] = ..., request_id: _Optional[str] = ..., administrator_user_name: _Optional[str] = ...) -> None: ...

class CreateAccountResponse(_message.Message):
    __slots__ = ("account", "administrator", "access_key", "secret_access_key")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ADMINISTRATOR_FIELD_NUMBER: _ClassVar[int]
    ACCESS_KEY_FIELD_NUMBER: _ClassVar[int]
    SECRET_ACCESS_KEY_FIELD_NUMBER: _ClassVar[int]
    account: _resources_pb2.Account
    administrator: _resources_pb2.User
    access_key: _resources_pb2.AccessKey
    secret_access_key: str
    def __init__(self, account: _Optional[_Union[_resources_pb2.Account, _Mapping]] = ..., administrator: _Optional[_Union[_resources_pb2.User, _Mapping]] = ..., access_key: _Optional[_Union[_resources_pb2.AccessKey, _Mapping]] = ..., secret_access_key: _Optional[str] = ...) -> None: ...

class GetAccountRequest(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class GetAccountResponse(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: _resources_pb2.Account
    def __init__(self, account: _Optional[_Union[_resources_pb2.Account, _Mapping]] = ...) -> None: ...

class ListAccountsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAccountsResponse(_message.Message):
    __slots__ = ("accounts", "next_page_token")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Account]
    next_page_token: str
    def __init__(self, accounts: _Optional[_Iterable[_Union[_resources_pb2.Account, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateRootAccessKeyRequest(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class CreateRootAccessKeyResponse(_message.Message):
    __slots__ = ("access_key", "secret_access_key")
    ACCESS_KEY_FIELD_NUMBER: _ClassVar[int]
    SECRET_ACCESS_KEY_FIELD_NUMBER: _ClassVar[int]
    access_key: _resources_pb2.AccessKey
    secret_access_key: str
    def __init__(self, access_key: _Optional[_Union[_resources_pb2.AccessKey, _Mapping]] = ..., secret_access_key: _Optional[str] = ...) -> None: ...

class DeleteRootAccessKeyRequest(_message.Message):
    __slots__ = ("account_id", "access_key_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCESS_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    access_key_id: str
    def __init__(self, account_id: _Optional[str] = ..., access_key_id: _Optional[str] = ...) -> None: ...

class DeleteRootAccessKeyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
