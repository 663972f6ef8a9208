import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import resources_pb2 as _resources_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from craton.common.v1 import principal_pb2 as _principal_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BearerTokenType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BEARER_TOKEN_TYPE_UNSPECIFIED: _ClassVar[BearerTokenType]
    BEARER_TOKEN_TYPE_LONG_TERM: _ClassVar[BearerTokenType]
    BEARER_TOKEN_TYPE_SHORT_TERM: _ClassVar[BearerTokenType]
BEARER_TOKEN_TYPE_UNSPECIFIED: BearerTokenType
BEARER_TOKEN_TYPE_LONG_TERM: BearerTokenType
BEARER_TOKEN_TYPE_SHORT_TERM: BearerTokenType

class AuthenticateSignatureRequest(_message.Message):
    __slots__ = ("signed_request", "audit_context", "audience", "instance_id", "private_listener", "endpoint_service", "remember_signature")
    SIGNED_REQUEST_FIELD_NUMBER: _ClassVar[int]
    AUDIT_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_LISTENER_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_SERVICE_FIELD_NUMBER: _ClassVar[int]
    REMEMBER_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    signed_request: _resources_pb2.SignedRequest
    audit_context: _principal_pb2.AuditContext
    audience: str
    instance_id: str
    private_listener: str
    endpoint_service: str
    remember_signature: bool
    def __init__(self, signed_request: _Optional[_Union[_resources_pb2.SignedRequest, _Mapping]] = ..., audit_context: _Optional[_Union[_principal_pb2.AuditContext, _Mapping]] = ..., audience: _Optional[str] = ..., instance_id: _Optional[str] = ..., private_listener: _Optional[str] = ..., endpoint_service: _Optional[str] = ..., remember_signature: _Optional[bool] = ...) -> None: ...

class AuthenticateSignatureResponse(_message.Message):
    __slots__ = ("token", "token_expire_time", "derived_signing_key", "key_lease", "principal", "session_create_time", "source_identity", "private_path")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    DERIVED_SIGNING_KEY_FIELD_NUMBER: _ClassVar[int]
    KEY_LEASE_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    SESSION_CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_PATH_FIELD_NUMBER: _ClassVar[int]
    token: str
    token_expire_time: _timestamp_pb2.Timestamp
    derived_signing_key: bytes
    key_lease: _duration_pb2.Duration
    principal: _principal_pb2.Principal
    session_create_time: _timestamp_pb2.Timestamp
    source_identity: str
    private_path: PrivatePath
    def __init__(self, token: _Optional[str] = ..., token_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., derived_signing_key: _Optional[bytes] = ..., key_lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., principal: _Optional[_Union[_principal_pb2.Principal, _Mapping]] = ..., session_create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source_identity: _Optional[str] = ..., private_path: _Optional[_Union[PrivatePath, _Mapping]] = ...) -> None: ...

class PrivatePath(_message.Message):
    __slots__ = ("vpc_endpoint_id", "vpc_id", "account_id")
    VPC_ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    VPC_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    vpc_endpoint_id: str
    vpc_id: str
    account_id: str
    def __init__(self, vpc_endpoint_id: _Optional[str] = ..., vpc_id: _Optional[str] = ..., account_id: _Optional[str] = ...) -> None: ...

class AuthenticateBearerTokenRequest(_message.Message):
    __slots__ = ("bearer_token", "region", "audit_context", "audience", "instance_id", "private_listener", "endpoint_service")
    BEARER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    AUDIT_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_LISTENER_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_SERVICE_FIELD_NUMBER: _ClassVar[int]
    bearer_token: str
    region: str
    audit_context: _principal_pb2.AuditContext
    audience: str
    instance_id: str
    private_listener: str
    endpoint_service: str
    def __init__(self, bearer_token: _Optional[str] = ..., region: _Optional[str] = ..., audit_context: _Optional[_Union[_principal_pb2.AuditContext, _Mapping]] = ..., audience: _Optional[str] = ..., instance_id: _Optional[str] = ..., private_listener: _Optional[str] = ..., endpoint_service: _Optional[str] = ...) -> None: ...

class AuthenticateBearerTokenResponse(_message.Message):
    __slots__ = ("token", "token_expire_time", "lease", "principal", "type", "session_create_time", "source_identity", "private_path")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SESSION_CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_PATH_FIELD_NUMBER: _ClassVar[int]
    token: str
    token_expire_time: _timestamp_pb2.Timestamp
    lease: _duration_pb2.Duration
    principal: _principal_pb2.Principal
    type: BearerTokenType
    session_create_time: _timestamp_pb2.Timestamp
    source_identity: str
    private_path: PrivatePath
    def __init__(self, token: _Optional[str] = ..., token_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., principal: _Optional[_Union[_principal_pb2.Principal, _Mapping]] = ..., type: _Optional[_Union[BearerTokenType, str]] = ..., session_create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source_identity: _Optional[str] = ..., private_path: _Optional[_Union[PrivatePath, _Mapping]] = ...) -> None: ...

class RecallSignaturesRequest(_message.Message):
    __slots__ = ("signature_sha256",)
    SIGNATURE_SHA256_FIELD_NUMBER: _ClassVar[int]
    signature_sha256: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, signature_sha256: _Optional[_Iterable[bytes]] = ...) -> None: ...

class RecallSignaturesResponse(_message.Message):
    __slots__ = ("seen_sha256", "any_ahead")
    SEEN_SHA256_FIELD_NUMBER: _ClassVar[int]
    ANY_AHEAD_FIELD_NUMBER: _ClassVar[int]
    seen_sha256: _containers.RepeatedScalarFieldContainer[bytes]
    any_ahead: bool
    def __init__(self, seen_sha256: _Optional[_Iterable[bytes]] = ..., any_ahead: _Optional[bool] = ...) -> None: ...
