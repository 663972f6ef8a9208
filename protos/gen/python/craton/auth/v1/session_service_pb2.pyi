import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from craton.common.v1 import policy_finding_pb2 as _policy_finding_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TemporaryCredentials(_message.Message):
    __slots__ = ("access_key_id", "secret_access_key", "session_token", "expire_time")
    ACCESS_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_ACCESS_KEY_FIELD_NUMBER: _ClassVar[int]
    SESSION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    access_key_id: str
    secret_access_key: str
    session_token: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, access_key_id: _Optional[str] = ..., secret_access_key: _Optional[str] = ..., session_token: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SessionTag(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class AssumeRoleRequest(_message.Message):
    __slots__ = ("role_arn", "role_session_name", "duration", "policy", "external_id", "tags", "transitive_tag_keys", "source_identity", "policy_arns")
    ROLE_ARN_FIELD_NUMBER: _ClassVar[int]
    ROLE_SESSION_NAME_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    TRANSITIVE_TAG_KEYS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    POLICY_ARNS_FIELD_NUMBER: _ClassVar[int]
    role_arn: str
    role_session_name: str
    duration: _duration_pb2.Duration
    policy: str
    external_id: str
    tags: _containers.RepeatedCompositeFieldContainer[SessionTag]
    transitive_tag_keys: _containers.RepeatedScalarFieldContainer[str]
    source_identity: str
    policy_arns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, role_arn: _Optional[str] = ..., role_session_name: _Optional[str] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., policy: _Optional[str] = ..., external_id: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[SessionTag, _Mapping]]] = ..., transitive_tag_keys: _Optional[_Iterable[str]] = ..., source_identity: _Optional[str] = ..., policy_arns: _Optional[_Iterable[str]] = ...) -> None: ...

class AssumeRoleResponse(_message.Message):
    __slots__ = ("credentials", "assumed_role_arn", "assumed_role_id", "packed_policy_size_percent", "source_identity", "findings")
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    ASSUMED_ROLE_ARN_FIELD_NUMBER: _ClassVar[int]
    ASSUMED_ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    PACKED_POLICY_SIZE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    credentials: TemporaryCredentials
    assumed_role_arn: str
    assumed_role_id: str
    packed_policy_size_percent: int
    source_identity: str
    findings: _containers.RepeatedCompositeFieldContainer[_policy_finding_pb2.PolicyFinding]
    def __init__(self, credentials: _Optional[_Union[TemporaryCredentials, _Mapping]] = ..., assumed_role_arn: _Optional[str] = ..., assumed_role_id: _Optional[str] = ..., packed_policy_size_percent: _Optional[int] = ..., source_identity: _Optional[str] = ..., findings: _Optional[_Iterable[_Union[_policy_finding_pb2.PolicyFinding, _Mapping]]] = ...) -> None: ...

class GetSessionTokenRequest(_message.Message):
    __slots__ = ("duration",)
    DURATION_FIELD_NUMBER: _ClassVar[int]
    duration: _duration_pb2.Duration
    def __init__(self, duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GetSessionTokenResponse(_message.Message):
    __slots__ = ("credentials",)
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    credentials: TemporaryCredentials
    def __init__(self, credentials: _Optional[_Union[TemporaryCredentials, _Mapping]] = ...) -> None: ...
