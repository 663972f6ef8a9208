import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import resources_pb2 as _resources_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OpenIDConnectProvider(_message.Message):
    __slots__ = ("name", "arn", "url", "client_ids", "thumbprints", "create_time", "tags")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    CLIENT_IDS_FIELD_NUMBER: _ClassVar[int]
    THUMBPRINTS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    arn: str
    url: str
    client_ids: _containers.RepeatedScalarFieldContainer[str]
    thumbprints: _containers.RepeatedScalarFieldContainer[str]
    create_time: _timestamp_pb2.Timestamp
    tags: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Tag]
    def __init__(self, name: _Optional[str] = ..., arn: _Optional[str] = ..., url: _Optional[str] = ..., client_ids: _Optional[_Iterable[str]] = ..., thumbprints: _Optional[_Iterable[str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tags: _Optional[_Iterable[_Union[_resources_pb2.Tag, _Mapping]]] = ...) -> None: ...

class CreateOpenIDConnectProviderRequest(_message.Message):
    __slots__ = ("url", "client_ids", "thumbprints", "tags")
    URL_FIELD_NUMBER: _ClassVar[int]
    CLIENT_IDS_FIELD_NUMBER: _ClassVar[int]
    THUMBPRINTS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    url: str
    client_ids: _containers.RepeatedScalarFieldContainer[str]
    thumbprints: _containers.RepeatedScalarFieldContainer[str]
    tags: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Tag]
    def __init__(self, url: _Optional[str] = ..., client_ids: _Optional[_Iterable[str]] = ..., thumbprints: _Optional[_Iterable[str]] = ..., tags: _Optional[_Iterable[_Union[_resources_pb2.Tag, _Mapping]]] = ...) -> None: ...

class CreateOpenIDConnectProviderResponse(_message.Message):
    __slots__ = ("provider",)
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    provider: OpenIDConnectProvider
    def __init__(self, provider: _Optional[_Union[OpenIDConnectProvider, _Mapping]] = ...) -> None: ...

class GetOpenIDConnectProviderRequest(_message.Message):
    __slots__ = ("provider_arn",)
    PROVIDER_ARN_FIELD_NUMBER: _ClassVar[int]
    provider_arn: str
    def __init__(self, provider_arn: _Optional[str] = ...) -> None: ...

class GetOpenIDConnectProviderResponse(_message.Message):
    __slots__ = ("provider",)
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    provider: OpenIDConnectProvider
    def __init__(self, provider: _Optional[_Union[OpenIDConnectProvider, _Mapping]] = ...) -> None: ...

class ListOpenIDConnectProvidersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOpenIDConnectProvidersResponse(_message.Message):
    __slots__ = ("providers", "next_page_token")
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    providers: _containers.RepeatedCompositeFieldContainer[OpenIDConnectProvider]
    next_page_token: str
    def __init__(self, providers: _Optional[_Iterable[_Union[OpenIDConnectProvider, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteOpenIDConnectProviderRequest(_message.Message):
    __slots__ = ("provider_arn",)
    PROVIDER_ARN_FIELD_NUMBER: _ClassVar[int]
    provider_arn: str
    def __init__(self, provider_arn: _Optional[str] = ...) -> None: ...

class DeleteOpenIDConnectProviderResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AddClientIDToOpenIDConnectProviderRequest(_message.Message):
    __slots__ = ("provider_arn", "client_id")
    PROVIDER_ARN_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    provider_arn: str
    client_id: str
    def __init__(self, provider_arn: _Optional[str] = ..., client_id: _Optional[str] = ...) -> None: ...

class AddClientIDToOpenIDConnectProviderResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RemoveClientIDFromOpenIDConnectProviderRequest(_message.Message):
    __slots__ = ("provider_arn", "client_id")
    PROVIDER_ARN_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    provider_arn: str
    client_id: str
    def __init__(self, provider_arn: _Optional[str] = ..., client_id: _Optional[str] = ...) -> None: ...

class RemoveClientIDFromOpenIDConnectProviderResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UpdateOpenIDConnectProviderThumbprintRequest(_message.Message):
    __slots__ = ("provider_arn", "thumbprints")
    PROVIDER_ARN_FIELD_NUMBER: _ClassVar[int]
    THUMBPRINTS_FIELD_NUMBER: _ClassVar[int]
    provider_arn: str
    thumbprints: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, provider_arn: _Optional[str] = ..., thumbprints: _Optional[_Iterable[str]] = ...) -> None: ...

class UpdateOpenIDConnectProviderThumbprintResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TagOpenIDConnectProviderRequest(_message.Message):
    __slots__ = ("provider_arn", "tags")
    PROVIDER_ARN_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    provider_arn: str
    tags: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Tag]
    def __init__(self, provider_arn: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[_resources_pb2.Tag, _Mapping]]] = ...) -> None: ...

class TagOpenIDConnectProviderResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UntagOpenIDConnectProviderRequest(_message.Message):
    __slots__ = ("provider_arn", "tag_keys")
    PROVIDER_ARN_FIELD_NUMBER: _ClassVar[int]
    TAG_KEYS_FIELD_NUMBER: _ClassVar[int]
    provider_arn: str
    tag_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, provider_arn: _Optional[str] = ..., tag_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class UntagOpenIDConnectProviderResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListOpenIDConnectProviderTagsRequest(_message.Message):
    __slots__ = ("provider_arn", "page_size", "page_token")
    PROVIDER_ARN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    provider_arn: str
    page_size: int
    page_token: str
    def __init__(self, provider_arn: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOpenIDConnectProviderTagsResponse(_message.Message):
    __slots__ = ("tags", "next_page_token")
    TAGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tags: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Tag]
    next_page_token: str
    def __init__(self, tags: _Optional[_Iterable[_Union[_resources_pb2.Tag, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
