import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import resources_pb2 as _resources_pb2
from craton.common.v1 import policy_finding_pb2 as _policy_finding_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Group(_message.Message):
    __slots__ = ("name", "group_name", "group_id", "arn", "create_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    group_name: str
    group_id: str
    arn: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., group_name: _Optional[str] = ..., group_id: _Optional[str] = ..., arn: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateGroupRequest(_message.Message):
    __slots__ = ("group_name", "path")
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    group_name: str
    path: str
    def __init__(self, group_name: _Optional[str] = ..., path: _Optional[str] = ...) -> None: ...

class CreateGroupResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: Group
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ...) -> None: ...

class GetGroupRequest(_message.Message):
    __slots__ = ("group_name", "page_size", "page_token")
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    group_name: str
    page_size: int
    page_token: str
    def __init__(self, group_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetGroupResponse(_message.Message):
    __slots__ = ("group", "users", "next_page_token")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    group: Group
    users: _containers.RepeatedCompositeFieldContainer[_resources_pb2.User]
    next_page_token: str
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ..., users: _Optional[_Iterable[_Union[_resources_pb2.User, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListGroupsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "path_prefix")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PATH_PREFIX_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    path_prefix: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., path_prefix: _Optional[str] = ...) -> None: ...

class ListGroupsResponse(_message.Message):
    __slots__ = ("groups", "next_page_token")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[Group]
    next_page_token: str
    def __init__(self, groups: _Optional[_Iterable[_Union[Group, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateGroupRequest(_message.Message):
    __slots__ = ("group_name", "new_group_name", "new_path")
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    NEW_GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    NEW_PATH_FIELD_NUMBER: _ClassVar[int]
    group_name: str
    new_group_name: str
    new_path: str
    def __init__(self, group_name: _Optional[str] = ..., new_group_name: _Optional[str] = ..., new_path: _Optional[str] = ...) -> None: ...

class UpdateGroupResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: Group
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ...) -> None: ...

class DeleteGroupRequest(_message.Message):
    __slots__ = ("group_name",)
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    group_name: str
    def __init__(self, group_name: _Optional[str] = ...) -> None: ...

class DeleteGroupResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AddUserToGroupRequest(_message.Message):
    __slots__ = ("group_name", "user_name")
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    group_name: str
    user_name: str
    def __init__(self, group_name: _Optional[str] = ..., user_name: _Optional[str] = ...) -> None: ...

class AddUserToGroupResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RemoveUserFromGroupRequest(_message.Message):
    __slots__ = ("group_name", "user_name")
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    group_name: str
    user_name: str
    def __init__(self, group_name: _Optional[str] = ..., user_name: _Optional[str] = ...) -> None: ...

class RemoveUserFromGroupResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListGroupsForUserRequest(_message.Message):
    __slots__ = ("user_name", "page_size", "page_token")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    page_size: int
    page_token: str
    def __init__(self, user_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListGroupsForUserResponse(_message.Message):
    __slots__ = ("groups", "next_page_token")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[Group]
    next_page_token: str
    def __init__(self, groups: _Optional[_Iterable[_Union[Group, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PutGroupPolicyRequest(_message.Message):
    __slots__ = ("group_name", "policy_name", "document")
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_NAME_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    group_name: str
    policy_name: str
    document: str
    def __init__(self, group_name: _Optional[str] = ..., policy_name: _Optional[str] = ..., document: _Optional[str] = ...) -> None: ...

class PutGroupPolicyResponse(_message.Message):
    __slots__ = ("policy", "findings")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    policy: _resources_pb2.Policy
    findings: _containers.RepeatedCompositeFieldContainer[_policy_finding_pb2.PolicyFinding]
    def __init__(self, policy: _Optional[_Union[_resources_pb2.Policy, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[_policy_finding_pb2.PolicyFinding, _Mapping]]] = ...) -> None: ...

class GetGroupPolicyRequest(_message.Message):
    __slots__ = ("group_name", "policy_name")
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_NAME_FIELD_NUMBER: _ClassVar[int]
    group_name: str
    policy_name: str
    def __init__(self, group_name: _Optional[str] = ..., policy_name: _Optional[str] = ...) -> None: ...

class GetGroupPolicyResponse(_message.Message):
    __slots__ = ("policy",)
    POLICY_FIELD_NUMBER: _ClassVar[int]
    policy: _resources_pb2.Policy
    def __init__(self, policy: _Optional[_Union[_resources_pb2.Policy, _Mapping]] = ...) -> None: ...

class ListGroupPoliciesRequest(_message.Message):
    __slots__ = ("group_name", "page_size", "page_token")
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    group_name: str
    page_size: int
    page_token: str
    def __init__(self, group_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListGroupPoliciesResponse(_message.Message):
    __slots__ = ("policies", "next_page_token")
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    policies: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Policy]
    next_page_token: str
    def __init__(self, policies: _Optional[_Iterable[_Union[_resources_pb2.Policy, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteGroupPolicyRequest(_message.Message):
    __slots__ = ("group_name", "policy_name")
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_NAME_FIELD_NUMBER: _ClassVar[int]
    group_name: str
    policy_name: str
    def __init__(self, group_name: _Optional[str] = ..., policy_name: _Optional[str] = ...) -> None: ...

class DeleteGroupPolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
