from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PolicyFindingType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POLICY_FINDING_TYPE_UNSPECIFIED: _ClassVar[PolicyFindingType]
    POLICY_FINDING_TYPE_ERROR: _ClassVar[PolicyFindingType]
    POLICY_FINDING_TYPE_SECURITY_WARNING: _ClassVar[PolicyFindingType]
    POLICY_FINDING_TYPE_WARNING: _ClassVar[PolicyFindingType]
    POLICY_FINDING_TYPE_SUGGESTION: _ClassVar[PolicyFindingType]
POLICY_FINDING_TYPE_UNSPECIFIED: PolicyFindingType
POLICY_FINDING_TYPE_ERROR: PolicyFindingType
POLICY_FINDING_TYPE_SECURITY_WARNING: PolicyFindingType
POLICY_FINDING_TYPE_WARNING: PolicyFindingType
POLICY_FINDING_TYPE_SUGGESTION: PolicyFindingType

class PolicyFinding(_message.Message):
    __slots__ = ("finding_type", "issue_code", "finding_details", "learn_more_link", "locations")
    FINDING_TYPE_FIELD_NUMBER: _ClassVar[int]
    ISSUE_CODE_FIELD_NUMBER: _ClassVar[int]
    FINDING_DETAILS_FIELD_NUMBER: _ClassVar[int]
    LEARN_MORE_LINK_FIELD_NUMBER: _ClassVar[int]
    LOCATIONS_FIELD_NUMBER: _ClassVar[int]
    finding_type: PolicyFindingType
    issue_code: str
    finding_details: str
    learn_more_link: str
    locations: _containers.RepeatedCompositeFieldContainer[PolicyLocation]
    def __init__(self, finding_type: _Optional[_Union[PolicyFindingType, str]] = ..., issue_code: _Optional[str] = ..., finding_details: _Optional[str] = ..., learn_more_link: _Optional[str] = ..., locations: _Optional[_Iterable[_Union[PolicyLocation, _Mapping]]] = ...) -> None: ...

class PolicyLocation(_message.Message):
    __slots__ = ("path", "start", "end")
    PATH_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    path: _containers.RepeatedCompositeFieldContainer[PolicyPathElement]
    start: PolicyPosition
    end: PolicyPosition
    def __init__(self, path: _Optional[_Iterable[_Union[PolicyPathElement, _Mapping]]] = ..., start: _Optional[_Union[PolicyPosition, _Mapping]] = ..., end: _Optional[_Union[PolicyPosition, _Mapping]] = ...) -> None: ...

class PolicyPathElement(_message.Message):
    __slots__ = ("index", "key", "value")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    index: int
    key: str
    value: str
    def __init__(self, index: _Optional[int] = ..., key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class PolicyPosition(_message.Message):
    __slots__ = ("line", "column", "offset")
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    line: int
    column: int
    offset: int
    def __init__(self, line: _Optional[int] = ..., column: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...
