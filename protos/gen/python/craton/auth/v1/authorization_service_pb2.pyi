import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetAuthorizationLeaseRequest(_message.Message):
    __slots__ = ("known_digest",)
    KNOWN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    known_digest: str
    def __init__(self, known_digest: _Optional[str] = ...) -> None: ...

class GetAuthorizationLeaseResponse(_message.Message):
    __slots__ = ("identity_policies", "root", "entitlements", "epoch", "digest", "lease")
    IDENTITY_POLICIES_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    ENTITLEMENTS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    identity_policies: _containers.RepeatedScalarFieldContainer[str]
    root: bool
    entitlements: _containers.RepeatedCompositeFieldContainer[Entitlement]
    epoch: int
    digest: str
    lease: _duration_pb2.Duration
    def __init__(self, identity_policies: _Optional[_Iterable[str]] = ..., root: _Optional[bool] = ..., entitlements: _Optional[_Iterable[_Union[Entitlement, _Mapping]]] = ..., epoch: _Optional[int] = ..., digest: _Optional[str] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Entitlement(_message.Message):
    __slots__ = ("region", "model_id", "eula_sha256")
    REGION_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    EULA_SHA256_FIELD_NUMBER: _ClassVar[int]
    region: str
    model_id: str
    eula_sha256: str
    def __init__(self, region: _Optional[str] = ..., model_id: _Optional[str] = ..., eula_sha256: _Optional[str] = ...) -> None: ...
