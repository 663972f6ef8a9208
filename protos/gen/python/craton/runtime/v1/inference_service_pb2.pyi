from buf.validate import validate_pb2 as _validate_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from craton.runtime.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InvokeModelRequest(_message.Message):
    __slots__ = ("model_id", "body", "content_type", "accept", "receipt_salt")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_SALT_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    body: bytes
    content_type: str
    accept: str
    receipt_salt: bytes
    def __init__(self, model_id: _Optional[str] = ..., body: _Optional[bytes] = ..., content_type: _Optional[str] = ..., accept: _Optional[str] = ..., receipt_salt: _Optional[bytes] = ...) -> None: ...

class InvokeModelResponse(_message.Message):
    __slots__ = ("body", "content_type", "usage", "latency_ms", "receipt")
    BODY_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    body: bytes
    content_type: str
    usage: _resources_pb2.Usage
    latency_ms: int
    receipt: _resources_pb2.Receipt
    def __init__(self, body: _Optional[bytes] = ..., content_type: _Optional[str] = ..., usage: _Optional[_Union[_resources_pb2.Usage, _Mapping]] = ..., latency_ms: _Optional[int] = ..., receipt: _Optional[_Union[_resources_pb2.Receipt, _Mapping]] = ...) -> None: ...

class InvokeModelWithResponseStreamRequest(_message.Message):
    __slots__ = ("model_id", "body", "content_type", "accept", "receipt_salt")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_SALT_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    body: bytes
    content_type: str
    accept: str
    receipt_salt: bytes
    def __init__(self, model_id: _Optional[str] = ..., body: _Optional[bytes] = ..., content_type: _Optional[str] = ..., accept: _Optional[str] = ..., receipt_salt: _Optional[bytes] = ...) -> None: ...

class InvokeModelWithResponseStreamResponse(_message.Message):
    __slots__ = ("chunks", "usage", "receipt")
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    chunks: _containers.RepeatedScalarFieldContainer[bytes]
    usage: _resources_pb2.Usage
    receipt: _resources_pb2.Receipt
    def __init__(self, chunks: _Optional[_Iterable[bytes]] = ..., usage: _Optional[_Union[_resources_pb2.Usage, _Mapping]] = ..., receipt: _Optional[_Union[_resources_pb2.Receipt, _Mapping]] = ...) -> None: ...
