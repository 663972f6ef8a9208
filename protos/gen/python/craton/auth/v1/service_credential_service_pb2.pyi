import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ServiceCredentialStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SERVICE_CREDENTIAL_STATUS_UNSPECIFIED: _ClassVar[ServiceCredentialStatus]
    SERVICE_CREDENTIAL_STATUS_ACTIVE: _ClassVar[ServiceCredentialStatus]
    SERVICE_CREDENTIAL_STATUS_INACTIVE: _ClassVar[ServiceCredentialStatus]
    SERVICE_CREDENTIAL_STATUS_EXPIRED: _ClassVar[ServiceCredentialStatus]
SERVICE_CREDENTIAL_STATUS_UNSPECIFIED: ServiceCredentialStatus
SERVICE_CREDENTIAL_STATUS_ACTIVE: ServiceCredentialStatus
SERVICE_CREDENTIAL_STATUS_INACTIVE: ServiceCredentialStatus
SERVICE_CREDENTIAL_STATUS_EXPIRED: ServiceCredentialStatus

class ServiceSpecificCredential(_message.Message):
    __slots__ = ("credential_id", "user_name", "service_name", "alias", "status", "create_time", "expire_time")
    CREDENTIAL_ID_FIELD_NUMBER: _ClassVar[int]
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    credential_id: str
    user_name: str
    service_name: str
    alias: str
    status: ServiceCredentialStatus
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, credential_id: _Optional[str] = ..., user_name: _Optional[str] = ..., service_name: _Optional[str] = ..., alias: _Optional[str] = ..., status: _Optional[_Union[ServiceCredentialStatus, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateServiceSpecificCredentialRequest(_message.Message):
    __slots__ = ("user_name", "service_name", "credential_age_days")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_AGE_DAYS_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    service_name: str
    credential_age_days: int
    def __init__(self, user_name: _Optional[str] = ..., service_name: _Optional[str] = ..., credential_age_days: _Optional[int] = ...) -> None: ...

class CreateServiceSpecificCredentialResponse(_message.Message):
    __slots__ = ("credential", "api_key")
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    API_KEY_FIELD_NUMBER: _ClassVar[int]
    credential: ServiceSpecificCredential
    api_key: str
    def __init__(self, credential: _Optional[_Union[ServiceSpecificCredential, _Mapping]] = ..., api_key: _Optional[str] = ...) -> None: ...

class ListServiceSpecificCredentialsRequest(_message.Message):
    __slots__ = ("user_name", "service_name", "page_size", "page_token")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    service_name: str
    page_size: int
    page_token: str
    def __init__(self, user_name: _Optional[str] = ..., service_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListServiceSpecificCredentialsResponse(_message.Message):
    __slots__ = ("credentials", "next_page_token")
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    credentials: _containers.RepeatedCompositeFieldContainer[ServiceSpecificCredential]
    next_page_token: str
    def __init__(self, credentials: _Optional[_Iterable[_Union[ServiceSpecificCredential, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateServiceSpecificCredentialRequest(_message.Message):
    __slots__ = ("user_name", "credential_id", "status")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    credential_id: str
    status: ServiceCredentialStatus
    def __init__(self, user_name: _Optional[str] = ..., credential_id: _Optional[str] = ..., status: _Optional[_Union[ServiceCredentialStatus, str]] = ...) -> None: ...

class UpdateServiceSpecificCredentialResponse(_message.Message):
    __slots__ = ("credential",)
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    credential: ServiceSpecificCredential
    def __init__(self, credential: _Optional[_Union[ServiceSpecificCredential, _Mapping]] = ...) -> None: ...

class ResetServiceSpecificCredentialRequest(_message.Message):
    __slots__ = ("user_name", "credential_id")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_ID_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    credential_id: str
    def __init__(self, user_name: _Optional[str] = ..., credential_id: _Optional[str] = ...) -> None: ...

class ResetServiceSpecificCredentialResponse(_message.Message):
    __slots__ = ("credential", "api_key")
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    API_KEY_FIELD_NUMBER: _ClassVar[int]
    credential: ServiceSpecificCredential
    api_key: str
    def __init__(self, credential: _Optional[_Union[ServiceSpecificCredential, _Mapping]] = ..., api_key: _Optional[str] = ...) -> None: ...

class DeleteServiceSpecificCredentialRequest(_message.Message):
    __slots__ = ("user_name", "credential_id")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_ID_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    credential_id: str
    def __init__(self, user_name: _Optional[str] = ..., credential_id: _Optional[str] = ...) -> None: ...

class DeleteServiceSpecificCredentialResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
