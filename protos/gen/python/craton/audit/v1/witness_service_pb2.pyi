from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class AddCheckpointRequest(_message.Message):
    __slots__ = ("verifier_key", "old_size", "proof", "checkpoint")
    VERIFIER_KEY_FIELD_NUMBER: _ClassVar[int]
    OLD_SIZE_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    verifier_key: str
    old_size: int
    proof: _containers.RepeatedScalarFieldContainer[bytes]
    checkpoint: bytes
    def __init__(self, verifier_key: _Optional[str] = ..., old_size: _Optional[int] = ..., proof: _Optional[_Iterable[bytes]] = ..., checkpoint: _Optional[bytes] = ...) -> None: ...

class AddCheckpointResponse(_message.Message):
    __slots__ = ("cosignature",)
    COSIGNATURE_FIELD_NUMBER: _ClassVar[int]
    cosignature: str
    def __init__(self, cosignature: _Optional[str] = ...) -> None: ...

class GetSeenCheckpointRequest(_message.Message):
    __slots__ = ("origin",)
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    origin: str
    def __init__(self, origin: _Optional[str] = ...) -> None: ...

class GetSeenCheckpointResponse(_message.Message):
    __slots__ = ("size", "root")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    size: int
    root: bytes
    def __init__(self, size: _Optional[int] = ..., root: _Optional[bytes] = ...) -> None: ...

class GetWitnessKeyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetWitnessKeyResponse(_message.Message):
    __slots__ = ("verifier_key",)
    VERIFIER_KEY_FIELD_NUMBER: _ClassVar[int]
    verifier_key: str
    def __init__(self, verifier_key: _Optional[str] = ...) -> None: ...
