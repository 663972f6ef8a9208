from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PrivateListener(_message.Message):
    __slots__ = ("private_listener", "vpc_id", "account_id", "vpc_endpoint_id")
    PRIVATE_LISTENER_FIELD_NUMBER: _ClassVar[int]
    VPC_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    VPC_ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    private_listener: str
    vpc_id: str
    account_id: str
    vpc_endpoint_id: str
    def __init__(self, private_listener: _Optional[str] = ..., vpc_id: _Optional[str] = ..., account_id: _Optional[str] = ..., vpc_endpoint_id: _Optional[str] = ...) -> None: ...

class AssignPrivateListenerRequest(_message.Message):
    __slots__ = ("private_listener", "account_id")
    PRIVATE_LISTENER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    private_listener: str
    account_id: str
    def __init__(self, private_listener: _Optional[str] = ..., account_id: _Optional[str] = ...) -> None: ...

class AssignPrivateListenerResponse(_message.Message):
    __slots__ = ("listener",)
    LISTENER_FIELD_NUMBER: _ClassVar[int]
    listener: PrivateListener
    def __init__(self, listener: _Optional[_Union[PrivateListener, _Mapping]] = ...) -> None: ...

class ReleasePrivateListenerRequest(_message.Message):
    __slots__ = ("private_listener",)
    PRIVATE_LISTENER_FIELD_NUMBER: _ClassVar[int]
    private_listener: str
    def __init__(self, private_listener: _Optional[str] = ...) -> None: ...

class ReleasePrivateListenerResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPrivateListenersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPrivateListenersResponse(_message.Message):
    __slots__ = ("listeners",)
    LISTENERS_FIELD_NUMBER: _ClassVar[int]
    listeners: _containers.RepeatedCompositeFieldContainer[PrivateListener]
    def __init__(self, listeners: _Optional[_Iterable[_Union[PrivateListener, _Mapping]]] = ...) -> None: ...
