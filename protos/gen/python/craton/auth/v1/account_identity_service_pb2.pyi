from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import group_service_pb2 as _group_service_pb2
from craton.auth.v1 import managed_policy_service_pb2 as _managed_policy_service_pb2
from craton.auth.v1 import resources_pb2 as _resources_pb2
from craton.auth.v1 import role_service_pb2 as _role_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DetailKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DETAIL_KIND_UNSPECIFIED: _ClassVar[DetailKind]
    DETAIL_KIND_USER: _ClassVar[DetailKind]
    DETAIL_KIND_GROUP: _ClassVar[DetailKind]
    DETAIL_KIND_ROLE: _ClassVar[DetailKind]
    DETAIL_KIND_LOCAL_MANAGED_POLICY: _ClassVar[DetailKind]
    DETAIL_KIND_AWS_MANAGED_POLICY: _ClassVar[DetailKind]
DETAIL_KIND_UNSPECIFIED: DetailKind
DETAIL_KIND_USER: DetailKind
DETAIL_KIND_GROUP: DetailKind
DETAIL_KIND_ROLE: DetailKind
DETAIL_KIND_LOCAL_MANAGED_POLICY: DetailKind
DETAIL_KIND_AWS_MANAGED_POLICY: DetailKind

class UserDetail(_message.Message):
    __slots__ = ("user", "policies", "group_names", "attached_policies")
    USER_FIELD_NUMBER: _ClassVar[int]
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    GROUP_NAMES_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_POLICIES_FIELD_NUMBER: _ClassVar[int]
    user: _resources_pb2.User
    policies: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Policy]
    group_names: _containers.RepeatedScalarFieldContainer[str]
    attached_policies: _containers.RepeatedCompositeFieldContainer[_managed_policy_service_pb2.AttachedPolicy]
    def __init__(self, user: _Optional[_Union[_resources_pb2.User, _Mapping]] = ..., policies: _Optional[_Iterable[_Union[_resources_pb2.Policy, _Mapping]]] = ..., group_names: _Optional[_Iterable[str]] = ..., attached_policies: _Optional[_Iterable[_Union[_managed_policy_service_pb2.AttachedPolicy, _Mapping]]] = ...) -> None: ...

class GroupDetail(_message.Message):
    __slots__ = ("group", "policies", "attached_policies")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_POLICIES_FIELD_NUMBER: _ClassVar[int]
    group: _group_service_pb2.Group
    policies: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Policy]
    attached_policies: _containers.RepeatedCompositeFieldContainer[_managed_policy_service_pb2.AttachedPolicy]
    def __init__(self, group: _Optional[_Union[_group_service_pb2.Group, _Mapping]] = ..., policies: _Optional[_Iterable[_Union[_resources_pb2.Policy, _Mapping]]] = ..., attached_policies: _Optional[_Iterable[_Union[_managed_policy_service_pb2.AttachedPolicy, _Mapping]]] = ...) -> None: ...

class RoleDetail(_message.Message):
    __slots__ = ("role", "policies", "attached_policies")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_POLICIES_FIELD_NUMBER: _ClassVar[int]
    role: _role_service_pb2.Role
    policies: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Policy]
    attached_policies: _containers.RepeatedCompositeFieldContainer[_managed_policy_service_pb2.AttachedPolicy]
    def __init__(self, role: _Optional[_Union[_role_service_pb2.Role, _Mapping]] = ..., policies: _Optional[_Iterable[_Union[_resources_pb2.Policy, _Mapping]]] = ..., attached_policies: _Optional[_Iterable[_Union[_managed_policy_service_pb2.AttachedPolicy, _Mapping]]] = ...) -> None: ...

class PolicyDetail(_message.Message):
    __slots__ = ("policy", "versions")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    policy: _managed_policy_service_pb2.ManagedPolicy
    versions: _containers.RepeatedCompositeFieldContainer[_managed_policy_service_pb2.PolicyVersion]
    def __init__(self, policy: _Optional[_Union[_managed_policy_service_pb2.ManagedPolicy, _Mapping]] = ..., versions: _Optional[_Iterable[_Union[_managed_policy_service_pb2.PolicyVersion, _Mapping]]] = ...) -> None: ...

class GetAccountSummaryRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetAccountSummaryResponse(_message.Message):
    __slots__ = ("summary",)
    class SummaryEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    summary: _containers.ScalarMap[str, int]
    def __init__(self, summary: _Optional[_Mapping[str, int]] = ...) -> None: ...

class GetAccountAuthorizationDetailsRequest(_message.Message):
    __slots__ = ("kinds", "page_size", "page_token")
    KINDS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedScalarFieldContainer[DetailKind]
    page_size: int
    page_token: str
    def __init__(self, kinds: _Optional[_Iterable[_Union[DetailKind, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetAccountAuthorizationDetailsResponse(_message.Message):
    __slots__ = ("users", "groups", "roles", "policies", "next_page_token")
    USERS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[UserDetail]
    groups: _containers.RepeatedCompositeFieldContainer[GroupDetail]
    roles: _containers.RepeatedCompositeFieldContainer[RoleDetail]
    policies: _containers.RepeatedCompositeFieldContainer[PolicyDetail]
    next_page_token: str
    def __init__(self, users: _Optional[_Iterable[_Union[UserDetail, _Mapping]]] = ..., groups: _Optional[_Iterable[_Union[GroupDetail, _Mapping]]] = ..., roles: _Optional[_Iterable[_Union[RoleDetail, _Mapping]]] = ..., policies: _Optional[_Iterable[_Union[PolicyDetail, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateAccountAliasRequest(_message.Message):
    __slots__ = ("account_alias",)
    ACCOUNT_ALIAS_FIELD_NUMBER: _ClassVar[int]
    account_alias: str
    def __init__(self, account_alias: _Optional[str] = ...) -> None: ...

class CreateAccountAliasResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAccountAliasesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAccountAliasesResponse(_message.Message):
    __slots__ = ("account_aliases", "next_page_token")
    ACCOUNT_ALIASES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_aliases: _containers.RepeatedScalarFieldContainer[str]
    next_page_token: str
    def __init__(self, account_aliases: _Optional[_Iterable[str]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteAccountAliasRequest(_message.Message):
    __slots__ = ("account_alias",)
    ACCOUNT_ALIAS_FIELD_NUMBER: _ClassVar[int]
    account_alias: str
    def __init__(self, account_alias: _Optional[str] = ...) -> None: ...

class DeleteAccountAliasResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
