import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import authorization_service_pb2 as _authorization_service_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetResourceLeaseRequest(_message.Message):
    __slots__ = ("account_id", "instance_id", "known_digest")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    KNOWN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    instance_id: str
    known_digest: str
    def __init__(self, account_id: _Optional[str] = ..., instance_id: _Optional[str] = ..., known_digest: _Optional[str] = ...) -> None: ...

class GetResourceLeaseResponse(_message.Message):
    __slots__ = ("account_incarnation", "resource_control_levels", "epoch", "digest", "lease")
    ACCOUNT_INCARNATION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_CONTROL_LEVELS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    account_incarnation: str
    resource_control_levels: _containers.RepeatedCompositeFieldContainer[_authorization_service_pb2.PolicyDocuments]
    epoch: int
    digest: str
    lease: _duration_pb2.Duration
    def __init__(self, account_incarnation: _Optional[str] = ..., resource_control_levels: _Optional[_Iterable[_Union[_authorization_service_pb2.PolicyDocuments, _Mapping]]] = ..., epoch: _Optional[int] = ..., digest: _Optional[str] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class BindPrincipalsRequest(_message.Message):
    __slots__ = ("names", "known_ids")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    KNOWN_IDS_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    known_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ..., known_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class BindPrincipalsResponse(_message.Message):
    __slots__ = ("bound",)
    BOUND_FIELD_NUMBER: _ClassVar[int]
    bound: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, bound: _Optional[_Iterable[str]] = ...) -> None: ...

class TellPrincipalsRequest(_message.Message):
    __slots__ = ("unique_ids",)
    UNIQUE_IDS_FIELD_NUMBER: _ClassVar[int]
    unique_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, unique_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class TellPrincipalsResponse(_message.Message):
    __slots__ = ("principals",)
    PRINCIPALS_FIELD_NUMBER: _ClassVar[int]
    principals: _containers.RepeatedCompositeFieldContainer[NamedPrincipal]
    def __init__(self, principals: _Optional[_Iterable[_Union[NamedPrincipal, _Mapping]]] = ...) -> None: ...

class NamedPrincipal(_message.Message):
    __slots__ = ("unique_id", "arn")
    UNIQUE_ID_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    unique_id: str
    arn: str
    def __init__(self, unique_id: _Optional[str] = ..., arn: _Optional[str] = ...) -> None: ...
