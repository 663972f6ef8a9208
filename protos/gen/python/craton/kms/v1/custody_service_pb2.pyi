from buf.validate import validate_pb2 as _validate_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class GetCustodyStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetCustodyStatusResponse(_message.Message):
    __slots__ = ("sealed", "kind", "store_id", "root_generation", "shred_generation", "epoch", "anchored_epoch")
    SEALED_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STORE_ID_FIELD_NUMBER: _ClassVar[int]
    ROOT_GENERATION_FIELD_NUMBER: _ClassVar[int]
    SHRED_GENERATION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ANCHORED_EPOCH_FIELD_NUMBER: _ClassVar[int]
    sealed: bool
    kind: str
    store_id: str
    root_generation: int
    shred_generation: int
    epoch: int
    anchored_epoch: int
    def __init__(self, sealed: _Optional[bool] = ..., kind: _Optional[str] = ..., store_id: _Optional[str] = ..., root_generation: _Optional[int] = ..., shred_generation: _Optional[int] = ..., epoch: _Optional[int] = ..., anchored_epoch: _Optional[int] = ...) -> None: ...

class UnsealRequest(_message.Message):
    __slots__ = ("passphrase",)
    PASSPHRASE_FIELD_NUMBER: _ClassVar[int]
    passphrase: bytes
    def __init__(self, passphrase: _Optional[bytes] = ...) -> None: ...

class UnsealResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SealRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SealResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RotateRootKeyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RotateRootKeyResponse(_message.Message):
    __slots__ = ("root_generation",)
    ROOT_GENERATION_FIELD_NUMBER: _ClassVar[int]
    root_generation: int
    def __init__(self, root_generation: _Optional[int] = ...) -> None: ...

class ChangePassphraseRequest(_message.Message):
    __slots__ = ("passphrase", "new_passphrase")
    PASSPHRASE_FIELD_NUMBER: _ClassVar[int]
    NEW_PASSPHRASE_FIELD_NUMBER: _ClassVar[int]
    passphrase: bytes
    new_passphrase: bytes
    def __init__(self, passphrase: _Optional[bytes] = ..., new_passphrase: _Optional[bytes] = ...) -> None: ...

class ChangePassphraseResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
