from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Modality(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODALITY_UNSPECIFIED: _ClassVar[Modality]
    MODALITY_TEXT: _ClassVar[Modality]
    MODALITY_IMAGE: _ClassVar[Modality]
    MODALITY_EMBEDDING: _ClassVar[Modality]
MODALITY_UNSPECIFIED: Modality
MODALITY_TEXT: Modality
MODALITY_IMAGE: Modality
MODALITY_EMBEDDING: Modality

class FoundationModel(_message.Message):
    __slots__ = ("name", "model_id", "model_name", "provider_name", "input_modalities", "output_modalities", "response_streaming_supported", "customizations_supported", "inference_types_supported", "lifecycle_status")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_NAME_FIELD_NUMBER: _ClassVar[int]
    INPUT_MODALITIES_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_MODALITIES_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_STREAMING_SUPPORTED_FIELD_NUMBER: _ClassVar[int]
    CUSTOMIZATIONS_SUPPORTED_FIELD_NUMBER: _ClassVar[int]
    INFERENCE_TYPES_SUPPORTED_FIELD_NUMBER: _ClassVar[int]
    LIFECYCLE_STATUS_FIELD_NUMBER: _ClassVar[int]
    name: str
    model_id: str
    model_name: str
    provider_name: str
    input_modalities: _containers.RepeatedScalarFieldContainer[Modality]
    output_modalities: _containers.RepeatedScalarFieldContainer[Modality]
    response_streaming_supported: bool
    customizations_supported: _containers.RepeatedScalarFieldContainer[str]
    inference_types_supported: _containers.RepeatedScalarFieldContainer[str]
    lifecycle_status: str
    def __init__(self, name: _Optional[str] = ..., model_id: _Optional[str] = ..., model_name: _Optional[str] = ..., provider_name: _Optional[str] = ..., input_modalities: _Optional[_Iterable[_Union[Modality, str]]] = ..., output_modalities: _Optional[_Iterable[_Union[Modality, str]]] = ..., response_streaming_supported: _Optional[bool] = ..., customizations_supported: _Optional[_Iterable[str]] = ..., inference_types_supported: _Optional[_Iterable[str]] = ..., lifecycle_status: _Optional[str] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("input_tokens", "output_tokens")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("receipt", "certificate")
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    receipt: bytes
    certificate: bytes
    def __init__(self, receipt: _Optional[bytes] = ..., certificate: _Optional[bytes] = ...) -> None: ...
