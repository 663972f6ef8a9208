import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import authentication_service_pb2 as _authentication_service_pb2
from craton.auth.v1 import session_service_pb2 as _session_service_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from craton.common.v1 import principal_pb2 as _principal_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AssumeRoleWithWebIdentityRequest(_message.Message):
    __slots__ = ("role_arn", "role_session_name", "web_identity_token", "duration", "policy", "policy_arns", "audit_context", "private_listener")
    ROLE_ARN_FIELD_NUMBER: _ClassVar[int]
    ROLE_SESSION_NAME_FIELD_NUMBER: _ClassVar[int]
    WEB_IDENTITY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    POLICY_ARNS_FIELD_NUMBER: _ClassVar[int]
    AUDIT_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_LISTENER_FIELD_NUMBER: _ClassVar[int]
    role_arn: str
    role_session_name: str
    web_identity_token: str
    duration: _duration_pb2.Duration
    policy: str
    policy_arns: _containers.RepeatedScalarFieldContainer[str]
    audit_context: _principal_pb2.AuditContext
    private_listener: str
    def __init__(self, role_arn: _Optional[str] = ..., role_session_name: _Optional[str] = ..., web_identity_token: _Optional[str] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., policy: _Optional[str] = ..., policy_arns: _Optional[_Iterable[str]] = ..., audit_context: _Optional[_Union[_principal_pb2.AuditContext, _Mapping]] = ..., private_listener: _Optional[str] = ...) -> None: ...

class AssumeRoleWithWebIdentityResponse(_message.Message):
    __slots__ = ("credentials", "assumed_role_arn", "assumed_role_id", "packed_policy_size_percent", "source_identity", "subject", "provider", "audience", "principal", "private_path")
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    ASSUMED_ROLE_ARN_FIELD_NUMBER: _ClassVar[int]
    ASSUMED_ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    PACKED_POLICY_SIZE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_PATH_FIELD_NUMBER: _ClassVar[int]
    credentials: _session_service_pb2.TemporaryCredentials
    assumed_role_arn: str
    assumed_role_id: str
    packed_policy_size_percent: int
    source_identity: str
    subject: str
    provider: str
    audience: str
    principal: _principal_pb2.Principal
    private_path: _authentication_service_pb2.PrivatePath
    def __init__(self, credentials: _Optional[_Union[_session_service_pb2.TemporaryCredentials, _Mapping]] = ..., assumed_role_arn: _Optional[str] = ..., assumed_role_id: _Optional[str] = ..., packed_policy_size_percent: _Optional[int] = ..., source_identity: _Optional[str] = ..., subject: _Optional[str] = ..., provider: _Optional[str] = ..., audience: _Optional[str] = ..., principal: _Optional[_Union[_principal_pb2.Principal, _Mapping]] = ..., private_path: _Optional[_Union[_authentication_service_pb2.PrivatePath, _Mapping]] = ...) -> None: ...
