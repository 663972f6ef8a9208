from buf.validate import validate_pb2 as _validate_pb2
from craton.runtime.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListFoundationModelsRequest(_message.Message):
    __slots__ = ("by_provider", "by_customization_type", "by_output_modality", "by_inference_type", "page_size", "page_token")
    BY_PROVIDER_FIELD_NUMBER: _ClassVar[int]
    BY_CUSTOMIZATION_TYPE_FIELD_NUMBER: _ClassVar[int]
    BY_OUTPUT_MODALITY_FIELD_NUMBER: _ClassVar[int]
    BY_INFERENCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    by_provider: str
    by_customization_type: str
    by_output_modality: _resources_pb2.Modality
    by_inference_type: str
    page_size: int
    page_token: str
    def __init__(self, by_provider: _Optional[str] = ..., by_customization_type: _Optional[str] = ..., by_output_modality: _Optional[_Union[_resources_pb2.Modality, str]] = ..., by_inference_type: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFoundationModelsResponse(_message.Message):
    __slots__ = ("models", "next_page_token")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[_resources_pb2.FoundationModel]
    next_page_token: str
    def __init__(self, models: _Optional[_Iterable[_Union[_resources_pb2.FoundationModel, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetFoundationModelRequest(_message.Message):
    __slots__ = ("model_id",)
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    def __init__(self, model_id: _Optional[str] = ...) -> None: ...

class GetFoundationModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: _resources_pb2.FoundationModel
    def __init__(self, model: _Optional[_Union[_resources_pb2.FoundationModel, _Mapping]] = ...) -> None: ...
