import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.common.v1 import error_reason_pb2 as _error_reason_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class KeyUse(_message.Message):
    __slots__ = ("key_name", "operation", "encryption_context")
    class EncryptionContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    operation: str
    encryption_context: _containers.ScalarMap[str, str]
    def __init__(self, key_name: _Optional[str] = ..., operation: _Optional[str] = ..., encryption_context: _Optional[_Mapping[str, str]] = ...) -> None: ...

class GetKeyLeasesRequest(_message.Message):
    __slots__ = ("instance_id", "uses")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    USES_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    uses: _containers.RepeatedCompositeFieldContainer[KeyUse]
    def __init__(self, instance_id: _Optional[str] = ..., uses: _Optional[_Iterable[_Union[KeyUse, _Mapping]]] = ...) -> None: ...

class GetKeyLeasesResponse(_message.Message):
    __slots__ = ("leases",)
    LEASES_FIELD_NUMBER: _ClassVar[int]
    leases: _containers.RepeatedCompositeFieldContainer[KeyLease]
    def __init__(self, leases: _Optional[_Iterable[_Union[KeyLease, _Mapping]]] = ...) -> None: ...

class KeyLease(_message.Message):
    __slots__ = ("refusal", "lease", "epoch")
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    refusal: _error_reason_pb2.ErrorReason
    lease: _duration_pb2.Duration
    epoch: int
    def __init__(self, refusal: _Optional[_Union[_error_reason_pb2.ErrorReason, str]] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., epoch: _Optional[int] = ...) -> None: ...

class ConfirmKeyRevocationsRequest(_message.Message):
    __slots__ = ("instance_id", "revocations")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    REVOCATIONS_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    revocations: _containers.RepeatedCompositeFieldContainer[KeyRevocation]
    def __init__(self, instance_id: _Optional[str] = ..., revocations: _Optional[_Iterable[_Union[KeyRevocation, _Mapping]]] = ...) -> None: ...

class KeyRevocation(_message.Message):
    __slots__ = ("key_name", "epoch")
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    key_name: str
    epoch: int
    def __init__(self, key_name: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class ConfirmKeyRevocationsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CheckKeyUsesRequest(_message.Message):
    __slots__ = ("uses",)
    USES_FIELD_NUMBER: _ClassVar[int]
    uses: _containers.RepeatedCompositeFieldContainer[KeyUse]
    def __init__(self, uses: _Optional[_Iterable[_Union[KeyUse, _Mapping]]] = ...) -> None: ...

class CheckKeyUsesResponse(_message.Message):
    __slots__ = ("refusals",)
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    refusals: _containers.RepeatedScalarFieldContainer[_error_reason_pb2.ErrorReason]
    def __init__(self, refusals: _Optional[_Iterable[_Union[_error_reason_pb2.ErrorReason, str]]] = ...) -> None: ...
