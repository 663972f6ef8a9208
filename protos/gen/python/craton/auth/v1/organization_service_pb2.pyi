import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import resources_pb2 as _resources_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OrganizationPolicyType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORGANIZATION_POLICY_TYPE_UNSPECIFIED: _ClassVar[OrganizationPolicyType]
    ORGANIZATION_POLICY_TYPE_SERVICE_CONTROL_POLICY: _ClassVar[OrganizationPolicyType]
    ORGANIZATION_POLICY_TYPE_RESOURCE_CONTROL_POLICY: _ClassVar[OrganizationPolicyType]

class OrganizationNodeType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORGANIZATION_NODE_TYPE_UNSPECIFIED: _ClassVar[OrganizationNodeType]
    ORGANIZATION_NODE_TYPE_ROOT: _ClassVar[OrganizationNodeType]
    ORGANIZATION_NODE_TYPE_ORGANIZATIONAL_UNIT: _ClassVar[OrganizationNodeType]
    ORGANIZATION_NODE_TYPE_ACCOUNT: _ClassVar[OrganizationNodeType]
ORGANIZATION_POLICY_TYPE_UNSPECIFIED: OrganizationPolicyType
ORGANIZATION_POLICY_TYPE_SERVICE_CONTROL_POLICY: OrganizationPolicyType
ORGANIZATION_POLICY_TYPE_RESOURCE_CONTROL_POLICY: OrganizationPolicyType
ORGANIZATION_NODE_TYPE_UNSPECIFIED: OrganizationNodeType
ORGANIZATION_NODE_TYPE_ROOT: OrganizationNodeType
ORGANIZATION_NODE_TYPE_ORGANIZATIONAL_UNIT: OrganizationNodeType
ORGANIZATION_NODE_TYPE_ACCOUNT: OrganizationNodeType

class Organization(_message.Message):
    __slots__ = ("organization_id", "arn", "management_account_id")
    ORGANIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    MANAGEMENT_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    organization_id: str
    arn: str
    management_account_id: str
    def __init__(self, organization_id: _Optional[str] = ..., arn: _Optional[str] = ..., management_account_id: _Optional[str] = ...) -> None: ...

class OrganizationRoot(_message.Message):
    __slots__ = ("root_id", "arn", "name", "enabled_policy_types")
    ROOT_ID_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ENABLED_POLICY_TYPES_FIELD_NUMBER: _ClassVar[int]
    root_id: str
    arn: str
    name: str
    enabled_policy_types: _containers.RepeatedScalarFieldContainer[OrganizationPolicyType]
    def __init__(self, root_id: _Optional[str] = ..., arn: _Optional[str] = ..., name: _Optional[str] = ..., enabled_policy_types: _Optional[_Iterable[_Union[OrganizationPolicyType, str]]] = ...) -> None: ...

class OrganizationalUnit(_message.Message):
    __slots__ = ("organizational_unit_id", "arn", "name", "parent_id", "create_time")
    ORGANIZATIONAL_UNIT_ID_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    organizational_unit_id: str
    arn: str
    name: str
    parent_id: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, organizational_unit_id: _Optional[str] = ..., arn: _Optional[str] = ..., name: _Optional[str] = ..., parent_id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OrganizationNode(_message.Message):
    __slots__ = ("id", "type")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    id: str
    type: OrganizationNodeType
    def __init__(self, id: _Optional[str] = ..., type: _Optional[_Union[OrganizationNodeType, str]] = ...) -> None: ...

class DescribeOrganizationRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeOrganizationResponse(_message.Message):
    __slots__ = ("organization",)
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    organization: Organization
    def __init__(self, organization: _Optional[_Union[Organization, _Mapping]] = ...) -> None: ...

class ListRootsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListRootsResponse(_message.Message):
    __slots__ = ("roots",)
    ROOTS_FIELD_NUMBER: _ClassVar[int]
    roots: _containers.RepeatedCompositeFieldContainer[OrganizationRoot]
    def __init__(self, roots: _Optional[_Iterable[_Union[OrganizationRoot, _Mapping]]] = ...) -> None: ...

class CreateOrganizationalUnitRequest(_message.Message):
    __slots__ = ("parent_id", "name")
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    parent_id: str
    name: str
    def __init__(self, parent_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class CreateOrganizationalUnitResponse(_message.Message):
    __slots__ = ("organizational_unit",)
    ORGANIZATIONAL_UNIT_FIELD_NUMBER: _ClassVar[int]
    organizational_unit: OrganizationalUnit
    def __init__(self, organizational_unit: _Optional[_Union[OrganizationalUnit, _Mapping]] = ...) -> None: ...

class DescribeOrganizationalUnitRequest(_message.Message):
    __slots__ = ("organizational_unit_id",)
    ORGANIZATIONAL_UNIT_ID_FIELD_NUMBER: _ClassVar[int]
    organizational_unit_id: str
    def __init__(self, organizational_unit_id: _Optional[str] = ...) -> None: ...

class DescribeOrganizationalUnitResponse(_message.Message):
    __slots__ = ("organizational_unit",)
    ORGANIZATIONAL_UNIT_FIELD_NUMBER: _ClassVar[int]
    organizational_unit: OrganizationalUnit
    def __init__(self, organizational_unit: _Optional[_Union[OrganizationalUnit, _Mapping]] = ...) -> None: ...

class UpdateOrganizationalUnitRequest(_message.Message):
    __slots__ = ("organizational_unit_id", "name")
    ORGANIZATIONAL_UNIT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    organizational_unit_id: str
    name: str
    def __init__(self, organizational_unit_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class UpdateOrganizationalUnitResponse(_message.Message):
    __slots__ = ("organizational_unit",)
    ORGANIZATIONAL_UNIT_FIELD_NUMBER: _ClassVar[int]
    organizational_unit: OrganizationalUnit
    def __init__(self, organizational_unit: _Optional[_Union[OrganizationalUnit, _Mapping]] = ...) -> None: ...

class DeleteOrganizationalUnitRequest(_message.Message):
    __slots__ = ("organizational_unit_id",)
    ORGANIZATIONAL_UNIT_ID_FIELD_NUMBER: _ClassVar[int]
    organizational_unit_id: str
    def __init__(self, organizational_unit_id: _Optional[str] = ...) -> None: ...

class DeleteOrganizationalUnitResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListOrganizationalUnitsForParentRequest(_message.Message):
    __slots__ = ("parent_id", "page_size", "page_token")
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent_id: str
    page_size: int
    page_token: str
    def __init__(self, parent_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOrganizationalUnitsForParentResponse(_message.Message):
    __slots__ = ("organizational_units", "next_page_token")
    ORGANIZATIONAL_UNITS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    organizational_units: _containers.RepeatedCompositeFieldContainer[OrganizationalUnit]
    next_page_token: str
    def __init__(self, organizational_units: _Optional[_Iterable[_Union[OrganizationalUnit, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListAccountsForParentRequest(_message.Message):
    __slots__ = ("parent_id", "page_size", "page_token")
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent_id: str
    page_size: int
    page_token: str
    def __init__(self, parent_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAccountsForParentResponse(_message.Message):
    __slots__ = ("accounts", "next_page_token")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Account]
    next_page_token: str
    def __init__(self, accounts: _Optional[_Iterable[_Union[_resources_pb2.Account, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListParentsRequest(_message.Message):
    __slots__ = ("child_id",)
    CHILD_ID_FIELD_NUMBER: _ClassVar[int]
    child_id: str
    def __init__(self, child_id: _Optional[str] = ...) -> None: ...

class ListParentsResponse(_message.Message):
    __slots__ = ("parents",)
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    parents: _containers.RepeatedCompositeFieldContainer[OrganizationNode]
    def __init__(self, parents: _Optional[_Iterable[_Union[OrganizationNode, _Mapping]]] = ...) -> None: ...

class ListChildrenRequest(_message.Message):
    __slots__ = ("parent_id", "child_type", "page_size", "page_token")
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHILD_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent_id: str
    child_type: OrganizationNodeType
    page_size: int
    page_token: str
    def __init__(self, parent_id: _Optional[str] = ..., child_type: _Optional[_Union[OrganizationNodeType, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListChildrenResponse(_message.Message):
    __slots__ = ("children", "next_page_token")
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    children: _containers.RepeatedCompositeFieldContainer[OrganizationNode]
    next_page_token: str
    def __init__(self, children: _Optional[_Iterable[_Union[OrganizationNode, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class MoveAccountRequest(_message.Message):
    __slots__ = ("account_id", "source_parent_id", "destination_parent_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    source_parent_id: str
    destination_parent_id: str
    def __init__(self, account_id: _Optional[str] = ..., source_parent_id: _Optional[str] = ..., destination_parent_id: _Optional[str] = ...) -> None: ...

class MoveAccountResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
