from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListModelInstancesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelInstancesResponse(_message.Message):
    __slots__ = ("instances", "generation")
    INSTANCES_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    instances: _containers.RepeatedCompositeFieldContainer[ModelInstance]
    generation: str
    def __init__(self, instances: _Optional[_Iterable[_Union[ModelInstance, _Mapping]]] = ..., generation: _Optional[str] = ...) -> None: ...

class ModelInstance(_message.Message):
    __slots__ = ("model_id", "server_model_name", "instance_id", "public_key", "ready")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    server_model_name: str
    instance_id: str
    public_key: bytes
    ready: bool
    def __init__(self, model_id: _Optional[str] = ..., server_model_name: _Optional[str] = ..., instance_id: _Optional[str] = ..., public_key: _Optional[bytes] = ..., ready: _Optional[bool] = ...) -> None: ...
