from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import resources_pb2 as _resources_pb2
from craton.common.v1 import policy_finding_pb2 as _policy_finding_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PutUserPolicyRequest(_message.Message):
    __slots__ = ("user_name", "policy_name", "document")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_NAME_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    policy_name: str
    document: str
    def __init__(self, user_name: _Optional[str] = ..., policy_name: _Optional[str] = ..., document: _Optional[str] = ...) -> None: ...

class PutUserPolicyResponse(_message.Message):
    __slots__ = ("policy", "findings")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    policy: _resources_pb2.Policy
    findings: _containers.RepeatedCompositeFieldContainer[_policy_finding_pb2.PolicyFinding]
    def __init__(self, policy: _Optional[_Union[_resources_pb2.Policy, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[_policy_finding_pb2.PolicyFinding, _Mapping]]] = ...) -> None: ...

class GetUserPolicyRequest(_message.Message):
    __slots__ = ("user_name", "policy_name")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_NAME_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    policy_name: str
    def __init__(self, user_name: _Optional[str] = ..., policy_name: _Optional[str] = ...) -> None: ...

class GetUserPolicyResponse(_message.Message):
    __slots__ = ("policy",)
    POLICY_FIELD_NUMBER: _ClassVar[int]
    policy: _resources_pb2.Policy
    def __init__(self, policy: _Optional[_Union[_resources_pb2.Policy, _Mapping]] = ...) -> None: ...

class ListUserPoliciesRequest(_message.Message):
    __slots__ = ("user_name", "page_size", "page_token")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    page_size: int
    page_token: str
    def __init__(self, user_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListUserPoliciesResponse(_message.Message):
    __slots__ = ("policies", "next_page_token")
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    policies: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Policy]
    next_page_token: str
    def __init__(self, policies: _Optional[_Iterable[_Union[_resources_pb2.Policy, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteUserPolicyRequest(_message.Message):
    __slots__ = ("user_name", "policy_name")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_NAME_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    policy_name: str
    def __init__(self, user_name: _Optional[str] = ..., policy_name: _Optional[str] = ...) -> None: ...

class DeleteUserPolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
