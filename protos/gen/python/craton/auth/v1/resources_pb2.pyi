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

class AccessKeyStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCESS_KEY_STATUS_UNSPECIFIED: _ClassVar[AccessKeyStatus]
    ACCESS_KEY_STATUS_ACTIVE: _ClassVar[AccessKeyStatus]
    ACCESS_KEY_STATUS_INACTIVE: _ClassVar[AccessKeyStatus]
ACCESS_KEY_STATUS_UNSPECIFIED: AccessKeyStatus
ACCESS_KEY_STATUS_ACTIVE: AccessKeyStatus
ACCESS_KEY_STATUS_INACTIVE: AccessKeyStatus

class Account(_message.Message):
    __slots__ = ("name", "account_id", "incarnation", "display_name", "create_time", "closed")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    name: str
    account_id: str
    incarnation: str
    display_name: str
    create_time: _timestamp_pb2.Timestamp
    closed: bool
    def __init__(self, name: _Optional[str] = ..., account_id: _Optional[str] = ..., incarnation: _Optional[str] = ..., display_name: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closed: _Optional[bool] = ...) -> None: ...

class User(_message.Message):
    __slots__ = ("name", "user_name", "user_id", "arn", "create_time", "permissions_boundary", "tags")
    NAME_FIELD_NUMBER: _ClassVar[int]
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_BOUNDARY_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    user_name: str
    user_id: str
    arn: str
    create_time: _timestamp_pb2.Timestamp
    permissions_boundary: str
    tags: _containers.RepeatedCompositeFieldContainer[Tag]
    def __init__(self, name: _Optional[str] = ..., user_name: _Optional[str] = ..., user_id: _Optional[str] = ..., arn: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., permissions_boundary: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ...) -> None: ...

class Tag(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class AccessKey(_message.Message):
    __slots__ = ("name", "access_key_id", "status", "create_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACCESS_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    access_key_id: str
    status: AccessKeyStatus
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., access_key_id: _Optional[str] = ..., status: _Optional[_Union[AccessKeyStatus, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Policy(_message.Message):
    __slots__ = ("name", "policy_name", "document", "update_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_NAME_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    policy_name: str
    document: str
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., policy_name: _Optional[str] = ..., document: _Optional[str] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Agreement(_message.Message):
    __slots__ = ("account_id", "region", "model_id", "eula_sha256", "accept_time")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    EULA_SHA256_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_TIME_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    region: str
    model_id: str
    eula_sha256: str
    accept_time: _timestamp_pb2.Timestamp
    def __init__(self, account_id: _Optional[str] = ..., region: _Optional[str] = ..., model_id: _Optional[str] = ..., eula_sha256: _Optional[str] = ..., accept_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Offer(_message.Message):
    __slots__ = ("offer_id", "offer_token", "eula_url", "eula_sha256", "eula_text")
    OFFER_ID_FIELD_NUMBER: _ClassVar[int]
    OFFER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EULA_URL_FIELD_NUMBER: _ClassVar[int]
    EULA_SHA256_FIELD_NUMBER: _ClassVar[int]
    EULA_TEXT_FIELD_NUMBER: _ClassVar[int]
    offer_id: str
    offer_token: str
    eula_url: str
    eula_sha256: str
    eula_text: str
    def __init__(self, offer_id: _Optional[str] = ..., offer_token: _Optional[str] = ..., eula_url: _Optional[str] = ..., eula_sha256: _Optional[str] = ..., eula_text: _Optional[str] = ...) -> None: ...

class CredentialScope(_message.Message):
    __slots__ = ("date", "region", "service")
    DATE_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    date: str
    region: str
    service: str
    def __init__(self, date: _Optional[str] = ..., region: _Optional[str] = ..., service: _Optional[str] = ...) -> None: ...

class SignedRequest(_message.Message):
    __slots__ = ("access_key_id", "scope", "string_to_sign", "signature", "session_token")
    ACCESS_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    STRING_TO_SIGN_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    SESSION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    access_key_id: str
    scope: CredentialScope
    string_to_sign: str
    signature: bytes
    session_token: str
    def __init__(self, access_key_id: _Optional[str] = ..., scope: _Optional[_Union[CredentialScope, _Mapping]] = ..., string_to_sign: _Optional[str] = ..., signature: _Optional[bytes] = ..., session_token: _Optional[str] = ...) -> None: ...
