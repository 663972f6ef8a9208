from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import resources_pb2 as _resources_pb2
from craton.common.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListFoundationModelAgreementOffersRequest(_message.Message):
    __slots__ = ("model_id",)
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    def __init__(self, model_id: _Optional[str] = ...) -> None: ...

class ListFoundationModelAgreementOffersResponse(_message.Message):
    __slots__ = ("model_id", "offers")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    OFFERS_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    offers: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Offer]
    def __init__(self, model_id: _Optional[str] = ..., offers: _Optional[_Iterable[_Union[_resources_pb2.Offer, _Mapping]]] = ...) -> None: ...

class CreateFoundationModelAgreementRequest(_message.Message):
    __slots__ = ("model_id", "offer_token")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    OFFER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    offer_token: str
    def __init__(self, model_id: _Optional[str] = ..., offer_token: _Optional[str] = ...) -> None: ...

class CreateFoundationModelAgreementResponse(_message.Message):
    __slots__ = ("model_id",)
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    def __init__(self, model_id: _Optional[str] = ...) -> None: ...

class DeleteFoundationModelAgreementRequest(_message.Message):
    __slots__ = ("model_id",)
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    def __init__(self, model_id: _Optional[str] = ...) -> None: ...

class DeleteFoundationModelAgreementResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetFoundationModelAvailabilityRequest(_message.Message):
    __slots__ = ("model_id",)
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    def __init__(self, model_id: _Optional[str] = ...) -> None: ...

class GetFoundationModelAvailabilityResponse(_message.Message):
    __slots__ = ("model_id", "agreement_accepted", "authorized", "entitled", "region_available")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZED_FIELD_NUMBER: _ClassVar[int]
    ENTITLED_FIELD_NUMBER: _ClassVar[int]
    REGION_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    agreement_accepted: bool
    authorized: bool
    entitled: bool
    region_available: bool
    def __init__(self, model_id: _Optional[str] = ..., agreement_accepted: _Optional[bool] = ..., authorized: _Optional[bool] = ..., entitled: _Optional[bool] = ..., region_available: _Optional[bool] = ...) -> None: ...

class GetUseCaseForModelAccessRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetUseCaseForModelAccessResponse(_message.Message):
    __slots__ = ("form_data",)
    FORM_DATA_FIELD_NUMBER: _ClassVar[int]
    form_data: bytes
    def __init__(self, form_data: _Optional[bytes] = ...) -> None: ...

class PutUseCaseForModelAccessRequest(_message.Message):
    __slots__ = ("form_data",)
    FORM_DATA_FIELD_NUMBER: _ClassVar[int]
    form_data: bytes
    def __init__(self, form_data: _Optional[bytes] = ...) -> None: ...

class PutUseCaseForModelAccessResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
