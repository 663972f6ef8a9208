import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.auth.v1 import organization_service_pb2 as _organization_service_pb2
from craton.common.v1 import policy_finding_pb2 as _policy_finding_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OrganizationPolicy(_message.Message):
    __slots__ = ("policy_id", "arn", "type", "name", "description", "aws_managed", "content", "update_time")
    POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    AWS_MANAGED_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    policy_id: str
    arn: str
    type: _organization_service_pb2.OrganizationPolicyType
    name: str
    description: str
    aws_managed: bool
    content: str
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, policy_id: _Optional[str] = ..., arn: _Optional[str] = ..., type: _Optional[_Union[_organization_service_pb2.OrganizationPolicyType, str]] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., aws_managed: _Optional[bool] = ..., content: _Optional[str] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OrganizationPolicyTarget(_message.Message):
    __slots__ = ("target_id", "arn", "name", "type")
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    target_id: str
    arn: str
    name: str
    type: _organization_service_pb2.OrganizationNodeType
    def __init__(self, target_id: _Optional[str] = ..., arn: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[_Union[_organization_service_pb2.OrganizationNodeType, str]] = ...) -> None: ...

class EnablePolicyTypeRequest(_message.Message):
    __slots__ = ("root_id", "policy_type")
    ROOT_ID_FIELD_NUMBER: _ClassVar[int]
    POLICY_TYPE_FIELD_NUMBER: _ClassVar[int]
    root_id: str
    policy_type: _organization_service_pb2.OrganizationPolicyType
    def __init__(self, root_id: _Optional[str] = ..., policy_type: _Optional[_Union[_organization_service_pb2.OrganizationPolicyType, str]] = ...) -> None: ...

class EnablePolicyTypeResponse(_message.Message):
    __slots__ = ("root",)
    ROOT_FIELD_NUMBER: _ClassVar[int]
    root: _organization_service_pb2.OrganizationRoot
    def __init__(self, root: _Optional[_Union[_organization_service_pb2.OrganizationRoot, _Mapping]] = ...) -> None: ...

class DisablePolicyTypeRequest(_message.Message):
    __slots__ = ("root_id", "policy_type")
    ROOT_ID_FIELD_NUMBER: _ClassVar[int]
    POLICY_TYPE_FIELD_NUMBER: _ClassVar[int]
    root_id: str
    policy_type: _organization_service_pb2.OrganizationPolicyType
    def __init__(self, root_id: _Optional[str] = ..., policy_type: _Optional[_Union[_organization_service_pb2.OrganizationPolicyType, str]] = ...) -> None: ...

class DisablePolicyTypeResponse(_message.Message):
    __slots__ = ("root",)
    ROOT_FIELD_NUMBER: _ClassVar[int]
    root: _organization_service_pb2.OrganizationRoot
    def __init__(self, root: _Optional[_Union[_organization_service_pb2.OrganizationRoot, _Mapping]] = ...) -> None: ...

class CreateOrganizationPolicyRequest(_message.Message):
    __slots__ = ("policy_type", "name", "description", "content")
    POLICY_TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    policy_type: _organization_service_pb2.OrganizationPolicyType
    name: str
    description: str
    content: str
    def __init__(self, policy_type: _Optional[_Union[_organization_service_pb2.OrganizationPolicyType, str]] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., content: _Optional[str] = ...) -> None: ...

class CreateOrganizationPolicyResponse(_message.Message):
    __slots__ = ("policy", "findings")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    policy: OrganizationPolicy
    findings: _containers.RepeatedCompositeFieldContainer[_policy_finding_pb2.PolicyFinding]
    def __init__(self, policy: _Optional[_Union[OrganizationPolicy, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[_policy_finding_pb2.PolicyFinding, _Mapping]]] = ...) -> None: ...

class DescribeOrganizationPolicyRequest(_message.Message):
    __slots__ = ("policy_id",)
    POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    policy_id: str
    def __init__(self, policy_id: _Optional[str] = ...) -> None: ...

class DescribeOrganizationPolicyResponse(_message.Message):
    __slots__ = ("policy",)
    POLICY_FIELD_NUMBER: _ClassVar[int]
    policy: OrganizationPolicy
    def __init__(self, policy: _Optional[_Union[OrganizationPolicy, _Mapping]] = ...) -> None: ...

class UpdateOrganizationPolicyRequest(_message.Message):
    __slots__ = ("policy_id", "name", "description", "content")
    POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    policy_id: str
    name: str
    description: str
    content: str
    def __init__(self, policy_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., content: _Optional[str] = ...) -> None: ...

class UpdateOrganizationPolicyResponse(_message.Message):
    __slots__ = ("policy", "findings")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    policy: OrganizationPolicy
    findings: _containers.RepeatedCompositeFieldContainer[_policy_finding_pb2.PolicyFinding]
    def __init__(self, policy: _Optional[_Union[OrganizationPolicy, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[_policy_finding_pb2.PolicyFinding, _Mapping]]] = ...) -> None: ...

class DeleteOrganizationPolicyRequest(_message.Message):
    __slots__ = ("policy_id",)
    POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    policy_id: str
    def __init__(self, policy_id: _Optional[str] = ...) -> None: ...

class DeleteOrganizationPolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListOrganizationPoliciesRequest(_message.Message):
    __slots__ = ("policy_type", "page_size", "page_token")
    POLICY_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    policy_type: _organization_service_pb2.OrganizationPolicyType
    page_size: int
    page_token: str
    def __init__(self, policy_type: _Optional[_Union[_organization_service_pb2.OrganizationPolicyType, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOrganizationPoliciesResponse(_message.Message):
    __slots__ = ("policies", "next_page_token")
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    policies: _containers.RepeatedCompositeFieldContainer[OrganizationPolicy]
    next_page_token: str
    def __init__(self, policies: _Optional[_Iterable[_Union[OrganizationPolicy, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AttachOrganizationPolicyRequest(_message.Message):
    __slots__ = ("policy_id", "target_id")
    POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    policy_id: str
    target_id: str
    def __init__(self, policy_id: _Optional[str] = ..., target_id: _Optional[str] = ...) -> None: ...

class AttachOrganizationPolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DetachOrganizationPolicyRequest(_message.Message):
    __slots__ = ("policy_id", "target_id")
    POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    policy_id: str
    target_id: str
    def __init__(self, policy_id: _Optional[str] = ..., target_id: _Optional[str] = ...) -> None: ...

class DetachOrganizationPolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPoliciesForTargetRequest(_message.Message):
    __slots__ = ("target_id", "policy_type", "page_size", "page_token")
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    POLICY_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    target_id: str
    policy_type: _organization_service_pb2.OrganizationPolicyType
    page_size: int
    page_token: str
    def __init__(self, target_id: _Optional[str] = ..., policy_type: _Optional[_Union[_organization_service_pb2.OrganizationPolicyType, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPoliciesForTargetResponse(_message.Message):
    __slots__ = ("policies", "next_page_token")
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    policies: _containers.RepeatedCompositeFieldContainer[OrganizationPolicy]
    next_page_token: str
    def __init__(self, policies: _Optional[_Iterable[_Union[OrganizationPolicy, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListTargetsForPolicyRequest(_message.Message):
    __slots__ = ("policy_id", "page_size", "page_token")
    POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    policy_id: str
    page_size: int
    page_token: str
    def __init__(self, policy_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTargetsForPolicyResponse(_message.Message):
    __slots__ = ("targets", "next_page_token")
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    targets: _containers.RepeatedCompositeFieldContainer[OrganizationPolicyTarget]
    next_page_token: str
    def __init__(self, targets: _Optional[_Iterable[_Union[OrganizationPolicyTarget, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
