import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetAuthorizationLeaseRequest(_message.Message):
    __slots__ = ("known_digest", "instance_id", "admitted_token")
    KNOWN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    ADMITTED_TOKEN_FIELD_NUMBER: _ClassVar[int]
    known_digest: str
    instance_id: str
    admitted_token: str
    def __init__(self, known_digest: _Optional[str] = ..., instance_id: _Optional[str] = ..., admitted_token: _Optional[str] = ...) -> None: ...

class ConfirmRevocationsRequest(_message.Message):
    __slots__ = ("instance_id", "revocations")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    REVOCATIONS_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    revocations: _containers.RepeatedCompositeFieldContainer[Revocation]
    def __init__(self, instance_id: _Optional[str] = ..., revocations: _Optional[_Iterable[_Union[Revocation, _Mapping]]] = ...) -> None: ...

class Revocation(_message.Message):
    __slots__ = ("account_id", "epoch")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    epoch: int
    def __init__(self, account_id: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class ConfirmRevocationsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetAuthorizationLeaseResponse(_message.Message):
    __slots__ = ("identity_policies", "entitlements", "epoch", "digest", "lease", "permissions_boundary", "session_policies", "service_control_levels", "resource_control_levels", "organization_id", "organization_path", "principal_tags", "iam_resource", "session_keys", "endpoint_policies", "endpoint_epoch")
    class PrincipalTagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    IDENTITY_POLICIES_FIELD_NUMBER: _ClassVar[int]
    ENTITLEMENTS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_BOUNDARY_FIELD_NUMBER: _ClassVar[int]
    SESSION_POLICIES_FIELD_NUMBER: _ClassVar[int]
    SERVICE_CONTROL_LEVELS_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_CONTROL_LEVELS_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_PATH_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_TAGS_FIELD_NUMBER: _ClassVar[int]
    IAM_RESOURCE_FIELD_NUMBER: _ClassVar[int]
    SESSION_KEYS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_POLICIES_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    identity_policies: _containers.RepeatedScalarFieldContainer[str]
    entitlements: _containers.RepeatedCompositeFieldContainer[Entitlement]
    epoch: int
    digest: str
    lease: _duration_pb2.Duration
    permissions_boundary: PolicyDocuments
    session_policies: PolicyDocuments
    service_control_levels: _containers.RepeatedCompositeFieldContainer[PolicyDocuments]
    resource_control_levels: _containers.RepeatedCompositeFieldContainer[PolicyDocuments]
    organization_id: str
    organization_path: str
    principal_tags: _containers.ScalarMap[str, str]
    iam_resource: str
    session_keys: _containers.RepeatedCompositeFieldContainer[SessionKey]
    endpoint_policies: PolicyDocuments
    endpoint_epoch: int
    def __init__(self, identity_policies: _Optional[_Iterable[str]] = ..., entitlements: _Optional[_Iterable[_Union[Entitlement, _Mapping]]] = ..., epoch: _Optional[int] = ..., digest: _Optional[str] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., permissions_boundary: _Optional[_Union[PolicyDocuments, _Mapping]] = ..., session_policies: _Optional[_Union[PolicyDocuments, _Mapping]] = ..., service_control_levels: _Optional[_Iterable[_Union[PolicyDocuments, _Mapping]]] = ..., resource_control_levels: _Optional[_Iterable[_Union[PolicyDocuments, _Mapping]]] = ..., organization_id: _Optional[str] = ..., organization_path: _Optional[str] = ..., principal_tags: _Optional[_Mapping[str, str]] = ..., iam_resource: _Optional[str] = ..., session_keys: _Optional[_Iterable[_Union[SessionKey, _Mapping]]] = ..., endpoint_policies: _Optional[_Union[PolicyDocuments, _Mapping]] = ..., endpoint_epoch: _Optional[int] = ...) -> None: ...

class PolicyDocuments(_message.Message):
    __slots__ = ("documents",)
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    documents: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, documents: _Optional[_Iterable[str]] = ...) -> None: ...

class Entitlement(_message.Message):
    __slots__ = ("region", "model_id", "eula_sha256")
    REGION_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    EULA_SHA256_FIELD_NUMBER: _ClassVar[int]
    region: str
    model_id: str
    eula_sha256: str
    def __init__(self, region: _Optional[str] = ..., model_id: _Optional[str] = ..., eula_sha256: _Optional[str] = ...) -> None: ...

class SessionKey(_message.Message):
    __slots__ = ("key", "values")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    key: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, key: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...
