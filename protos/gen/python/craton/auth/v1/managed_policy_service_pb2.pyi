import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import resources_pb2 as _resources_pb2
from craton.common.v1 import policy_finding_pb2 as _policy_finding_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PolicyScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POLICY_SCOPE_UNSPECIFIED: _ClassVar[PolicyScope]
    POLICY_SCOPE_AWS: _ClassVar[PolicyScope]
    POLICY_SCOPE_LOCAL: _ClassVar[PolicyScope]

class PolicyUsage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POLICY_USAGE_UNSPECIFIED: _ClassVar[PolicyUsage]
    POLICY_USAGE_PERMISSIONS_POLICY: _ClassVar[PolicyUsage]
    POLICY_USAGE_PERMISSIONS_BOUNDARY: _ClassVar[PolicyUsage]

class EntityKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTITY_KIND_UNSPECIFIED: _ClassVar[EntityKind]
    ENTITY_KIND_USER: _ClassVar[EntityKind]
    ENTITY_KIND_GROUP: _ClassVar[EntityKind]
    ENTITY_KIND_ROLE: _ClassVar[EntityKind]
POLICY_SCOPE_UNSPECIFIED: PolicyScope
POLICY_SCOPE_AWS: PolicyScope
POLICY_SCOPE_LOCAL: PolicyScope
POLICY_USAGE_UNSPECIFIED: PolicyUsage
POLICY_USAGE_PERMISSIONS_POLICY: PolicyUsage
POLICY_USAGE_PERMISSIONS_BOUNDARY: PolicyUsage
ENTITY_KIND_UNSPECIFIED: EntityKind
ENTITY_KIND_USER: EntityKind
ENTITY_KIND_GROUP: EntityKind
ENTITY_KIND_ROLE: EntityKind

class ManagedPolicy(_message.Message):
    __slots__ = ("name", "policy_name", "policy_id", "arn", "description", "default_version_id", "attachment_count", "permissions_boundary_usage_count", "create_time", "update_time", "tags")
    NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_BOUNDARY_USAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    policy_name: str
    policy_id: str
    arn: str
    description: str
    default_version_id: str
    attachment_count: int
    permissions_boundary_usage_count: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    tags: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Tag]
    def __init__(self, name: _Optional[str] = ..., policy_name: _Optional[str] = ..., policy_id: _Optional[str] = ..., arn: _Optional[str] = ..., description: _Optional[str] = ..., default_version_id: _Optional[str] = ..., attachment_count: _Optional[int] = ..., permissions_boundary_usage_count: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tags: _Optional[_Iterable[_Union[_resources_pb2.Tag, _Mapping]]] = ...) -> None: ...

class PolicyVersion(_message.Message):
    __slots__ = ("version_id", "document", "is_default_version", "create_time")
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    version_id: str
    document: str
    is_default_version: bool
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, version_id: _Optional[str] = ..., document: _Optional[str] = ..., is_default_version: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AttachedPolicy(_message.Message):
    __slots__ = ("policy_name", "policy_arn")
    POLICY_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    policy_name: str
    policy_arn: str
    def __init__(self, policy_name: _Optional[str] = ..., policy_arn: _Optional[str] = ...) -> None: ...

class PolicyEntity(_message.Message):
    __slots__ = ("kind", "entity_name", "entity_id")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ENTITY_NAME_FIELD_NUMBER: _ClassVar[int]
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    kind: EntityKind
    entity_name: str
    entity_id: str
    def __init__(self, kind: _Optional[_Union[EntityKind, str]] = ..., entity_name: _Optional[str] = ..., entity_id: _Optional[str] = ...) -> None: ...

class CreatePolicyRequest(_message.Message):
    __slots__ = ("policy_name", "document", "description", "path", "tags")
    POLICY_NAME_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    policy_name: str
    document: str
    description: str
    path: str
    tags: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Tag]
    def __init__(self, policy_name: _Optional[str] = ..., document: _Optional[str] = ..., description: _Optional[str] = ..., path: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[_resources_pb2.Tag, _Mapping]]] = ...) -> None: ...

class CreatePolicyResponse(_message.Message):
    __slots__ = ("policy", "findings")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    policy: ManagedPolicy
    findings: _containers.RepeatedCompositeFieldContainer[_policy_finding_pb2.PolicyFinding]
    def __init__(self, policy: _Optional[_Union[ManagedPolicy, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[_policy_finding_pb2.PolicyFinding, _Mapping]]] = ...) -> None: ...

class GetPolicyRequest(_message.Message):
    __slots__ = ("policy_arn",)
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    policy_arn: str
    def __init__(self, policy_arn: _Optional[str] = ...) -> None: ...

class GetPolicyResponse(_message.Message):
    __slots__ = ("policy",)
    POLICY_FIELD_NUMBER: _ClassVar[int]
    policy: ManagedPolicy
    def __init__(self, policy: _Optional[_Union[ManagedPolicy, _Mapping]] = ...) -> None: ...

class ListPoliciesRequest(_message.Message):
    __slots__ = ("scope", "only_attached", "page_size", "page_token", "path_prefix", "usage")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ONLY_ATTACHED_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PATH_PREFIX_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    scope: PolicyScope
    only_attached: bool
    page_size: int
    page_token: str
    path_prefix: str
    usage: PolicyUsage
    def __init__(self, scope: _Optional[_Union[PolicyScope, str]] = ..., only_attached: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., path_prefix: _Optional[str] = ..., usage: _Optional[_Union[PolicyUsage, str]] = ...) -> None: ...

class ListPoliciesResponse(_message.Message):
    __slots__ = ("policies", "next_page_token")
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    policies: _containers.RepeatedCompositeFieldContainer[ManagedPolicy]
    next_page_token: str
    def __init__(self, policies: _Optional[_Iterable[_Union[ManagedPolicy, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeletePolicyRequest(_message.Message):
    __slots__ = ("policy_arn",)
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    policy_arn: str
    def __init__(self, policy_arn: _Optional[str] = ...) -> None: ...

class DeletePolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CreatePolicyVersionRequest(_message.Message):
    __slots__ = ("policy_arn", "document", "set_as_default")
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    SET_AS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    policy_arn: str
    document: str
    set_as_default: bool
    def __init__(self, policy_arn: _Optional[str] = ..., document: _Optional[str] = ..., set_as_default: _Optional[bool] = ...) -> None: ...

class CreatePolicyVersionResponse(_message.Message):
    __slots__ = ("version", "findings")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    version: PolicyVersion
    findings: _containers.RepeatedCompositeFieldContainer[_policy_finding_pb2.PolicyFinding]
    def __init__(self, version: _Optional[_Union[PolicyVersion, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[_policy_finding_pb2.PolicyFinding, _Mapping]]] = ...) -> None: ...

class GetPolicyVersionRequest(_message.Message):
    __slots__ = ("policy_arn", "version_id")
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    policy_arn: str
    version_id: str
    def __init__(self, policy_arn: _Optional[str] = ..., version_id: _Optional[str] = ...) -> None: ...

class GetPolicyVersionResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: PolicyVersion
    def __init__(self, version: _Optional[_Union[PolicyVersion, _Mapping]] = ...) -> None: ...

class ListPolicyVersionsRequest(_message.Message):
    __slots__ = ("policy_arn", "page_size", "page_token")
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    policy_arn: str
    page_size: int
    page_token: str
    def __init__(self, policy_arn: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPolicyVersionsResponse(_message.Message):
    __slots__ = ("versions", "next_page_token")
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[PolicyVersion]
    next_page_token: str
    def __init__(self, versions: _Optional[_Iterable[_Union[PolicyVersion, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SetDefaultPolicyVersionRequest(_message.Message):
    __slots__ = ("policy_arn", "version_id")
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    policy_arn: str
    version_id: str
    def __init__(self, policy_arn: _Optional[str] = ..., version_id: _Optional[str] = ...) -> None: ...

class SetDefaultPolicyVersionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DeletePolicyVersionRequest(_message.Message):
    __slots__ = ("policy_arn", "version_id")
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    policy_arn: str
    version_id: str
    def __init__(self, policy_arn: _Optional[str] = ..., version_id: _Optional[str] = ...) -> None: ...

class DeletePolicyVersionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListEntitiesForPolicyRequest(_message.Message):
    __slots__ = ("policy_arn", "usage", "kind", "page_size", "page_token", "path_prefix")
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PATH_PREFIX_FIELD_NUMBER: _ClassVar[int]
    policy_arn: str
    usage: PolicyUsage
    kind: EntityKind
    page_size: int
    page_token: str
    path_prefix: str
    def __init__(self, policy_arn: _Optional[str] = ..., usage: _Optional[_Union[PolicyUsage, str]] = ..., kind: _Optional[_Union[EntityKind, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., path_prefix: _Optional[str] = ...) -> None: ...

class ListEntitiesForPolicyResponse(_message.Message):
    __slots__ = ("entities", "next_page_token")
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entities: _containers.RepeatedCompositeFieldContainer[PolicyEntity]
    next_page_token: str
    def __init__(self, entities: _Optional[_Iterable[_Union[PolicyEntity, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AttachUserPolicyRequest(_message.Message):
    __slots__ = ("user_name", "policy_arn")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    policy_arn: str
    def __init__(self, user_name: _Optional[str] = ..., policy_arn: _Optional[str] = ...) -> None: ...

class AttachUserPolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DetachUserPolicyRequest(_message.Message):
    __slots__ = ("user_name", "policy_arn")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    policy_arn: str
    def __init__(self, user_name: _Optional[str] = ..., policy_arn: _Optional[str] = ...) -> None: ...

class DetachUserPolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAttachedUserPoliciesRequest(_message.Message):
    __slots__ = ("user_name", "page_size", "page_token", "path_prefix")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PATH_PREFIX_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    page_size: int
    page_token: str
    path_prefix: str
    def __init__(self, user_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., path_prefix: _Optional[str] = ...) -> None: ...

class ListAttachedUserPoliciesResponse(_message.Message):
    __slots__ = ("attached_policies", "next_page_token")
    ATTACHED_POLICIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    attached_policies: _containers.RepeatedCompositeFieldContainer[AttachedPolicy]
    next_page_token: str
    def __init__(self, attached_policies: _Optional[_Iterable[_Union[AttachedPolicy, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AttachGroupPolicyRequest(_message.Message):
    __slots__ = ("group_name", "policy_arn")
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    group_name: str
    policy_arn: str
    def __init__(self, group_name: _Optional[str] = ..., policy_arn: _Optional[str] = ...) -> None: ...

class AttachGroupPolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DetachGroupPolicyRequest(_message.Message):
    __slots__ = ("group_name", "policy_arn")
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    group_name: str
    policy_arn: str
    def __init__(self, group_name: _Optional[str] = ..., policy_arn: _Optional[str] = ...) -> None: ...

class DetachGroupPolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAttachedGroupPoliciesRequest(_message.Message):
    __slots__ = ("group_name", "page_size", "page_token", "path_prefix")
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PATH_PREFIX_FIELD_NUMBER: _ClassVar[int]
    group_name: str
    page_size: int
    page_token: str
    path_prefix: str
    def __init__(self, group_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., path_prefix: _Optional[str] = ...) -> None: ...

class ListAttachedGroupPoliciesResponse(_message.Message):
    __slots__ = ("attached_policies", "next_page_token")
    ATTACHED_POLICIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    attached_policies: _containers.RepeatedCompositeFieldContainer[AttachedPolicy]
    next_page_token: str
    def __init__(self, attached_policies: _Optional[_Iterable[_Union[AttachedPolicy, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AttachRolePolicyRequest(_message.Message):
    __slots__ = ("role_name", "policy_arn")
    ROLE_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    role_name: str
    policy_arn: str
    def __init__(self, role_name: _Optional[str] = ..., policy_arn: _Optional[str] = ...) -> None: ...

class AttachRolePolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DetachRolePolicyRequest(_message.Message):
    __slots__ = ("role_name", "policy_arn")
    ROLE_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    role_name: str
    policy_arn: str
    def __init__(self, role_name: _Optional[str] = ..., policy_arn: _Optional[str] = ...) -> None: ...

class DetachRolePolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAttachedRolePoliciesRequest(_message.Message):
    __slots__ = ("role_name", "page_size", "page_token", "path_prefix")
    ROLE_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PATH_PREFIX_FIELD_NUMBER: _ClassVar[int]
    role_name: str
    page_size: int
    page_token: str
    path_prefix: str
    def __init__(self, role_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., path_prefix: _Optional[str] = ...) -> None: ...

class ListAttachedRolePoliciesResponse(_message.Message):
    __slots__ = ("attached_policies", "next_page_token")
    ATTACHED_POLICIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    attached_policies: _containers.RepeatedCompositeFieldContainer[AttachedPolicy]
    next_page_token: str
    def __init__(self, attached_policies: _Optional[_Iterable[_Union[AttachedPolicy, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class TagPolicyRequest(_message.Message):
    __slots__ = ("policy_arn", "tags")
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    policy_arn: str
    tags: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Tag]
    def __init__(self, policy_arn: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[_resources_pb2.Tag, _Mapping]]] = ...) -> None: ...

class TagPolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UntagPolicyRequest(_message.Message):
    __slots__ = ("policy_arn", "tag_keys")
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    TAG_KEYS_FIELD_NUMBER: _ClassVar[int]
    policy_arn: str
    tag_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, policy_arn: _Optional[str] = ..., tag_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class UntagPolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPolicyTagsRequest(_message.Message):
    __slots__ = ("policy_arn", "page_size", "page_token")
    POLICY_ARN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    policy_arn: str
    page_size: int
    page_token: str
    def __init__(self, policy_arn: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPolicyTagsResponse(_message.Message):
    __slots__ = ("tags", "next_page_token")
    TAGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tags: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Tag]
    next_page_token: str
    def __init__(self, tags: _Optional[_Iterable[_Union[_resources_pb2.Tag, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
