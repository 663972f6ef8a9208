import datetime

from buf.validate import validate_pb2 as _validate_pb2
from craton.common.v1 import policy_finding_pb2 as _policy_finding_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VpcEndpoint(_message.Message):
    __slots__ = ("name", "vpc_endpoint_id", "arn", "account_id", "vpc_id", "private_listener", "services", "allowed_accounts", "policy_document", "create_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VPC_ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    VPC_ID_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_LISTENER_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    POLICY_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    vpc_endpoint_id: str
    arn: str
    account_id: str
    vpc_id: str
    private_listener: str
    services: _containers.RepeatedScalarFieldContainer[str]
    allowed_accounts: _containers.RepeatedScalarFieldContainer[str]
    policy_document: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., vpc_endpoint_id: _Optional[str] = ..., arn: _Optional[str] = ..., account_id: _Optional[str] = ..., vpc_id: _Optional[str] = ..., private_listener: _Optional[str] = ..., services: _Optional[_Iterable[str]] = ..., allowed_accounts: _Optional[_Iterable[str]] = ..., policy_document: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateVpcEndpointRequest(_message.Message):
    __slots__ = ("private_listener", "services", "allowed_accounts", "policy_document", "request_id")
    PRIVATE_LISTENER_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    POLICY_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    private_listener: str
    services: _containers.RepeatedScalarFieldContainer[str]
    allowed_accounts: _containers.RepeatedScalarFieldContainer[str]
    policy_document: str
    request_id: str
    def __init__(self, private_listener: _Optional[str] = ..., services: _Optional[_Iterable[str]] = ..., allowed_accounts: _Optional[_Iterable[str]] = ..., policy_document: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateVpcEndpointResponse(_message.Message):
    __slots__ = ("vpc_endpoint", "findings")
    VPC_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    vpc_endpoint: VpcEndpoint
    findings: _containers.RepeatedCompositeFieldContainer[_policy_finding_pb2.PolicyFinding]
    def __init__(self, vpc_endpoint: _Optional[_Union[VpcEndpoint, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[_policy_finding_pb2.PolicyFinding, _Mapping]]] = ...) -> None: ...

class DescribeVpcEndpointsRequest(_message.Message):
    __slots__ = ("vpc_endpoint_ids", "page_size", "page_token")
    VPC_ENDPOINT_IDS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    vpc_endpoint_ids: _containers.RepeatedScalarFieldContainer[str]
    page_size: int
    page_token: str
    def __init__(self, vpc_endpoint_ids: _Optional[_Iterable[str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class DescribeVpcEndpointsResponse(_message.Message):
    __slots__ = ("vpc_endpoints", "next_page_token")
    VPC_ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    vpc_endpoints: _containers.RepeatedCompositeFieldContainer[VpcEndpoint]
    next_page_token: str
    def __init__(self, vpc_endpoints: _Optional[_Iterable[_Union[VpcEndpoint, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ModifyVpcEndpointRequest(_message.Message):
    __slots__ = ("vpc_endpoint_id", "policy_document", "reset_policy", "add_services", "remove_services", "add_allowed_accounts", "remove_allowed_accounts")
    VPC_ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    POLICY_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    RESET_POLICY_FIELD_NUMBER: _ClassVar[int]
    ADD_SERVICES_FIELD_NUMBER: _ClassVar[int]
    REMOVE_SERVICES_FIELD_NUMBER: _ClassVar[int]
    ADD_ALLOWED_ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_ALLOWED_ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    vpc_endpoint_id: str
    policy_document: str
    reset_policy: bool
    add_services: _containers.RepeatedScalarFieldContainer[str]
    remove_services: _containers.RepeatedScalarFieldContainer[str]
    add_allowed_accounts: _containers.RepeatedScalarFieldContainer[str]
    remove_allowed_accounts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, vpc_endpoint_id: _Optional[str] = ..., policy_document: _Optional[str] = ..., reset_policy: _Optional[bool] = ..., add_services: _Optional[_Iterable[str]] = ..., remove_services: _Optional[_Iterable[str]] = ..., add_allowed_accounts: _Optional[_Iterable[str]] = ..., remove_allowed_accounts: _Optional[_Iterable[str]] = ...) -> None: ...

class ModifyVpcEndpointResponse(_message.Message):
    __slots__ = ("vpc_endpoint", "findings")
    VPC_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    vpc_endpoint: VpcEndpoint
    findings: _containers.RepeatedCompositeFieldContainer[_policy_finding_pb2.PolicyFinding]
    def __init__(self, vpc_endpoint: _Optional[_Union[VpcEndpoint, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[_policy_finding_pb2.PolicyFinding, _Mapping]]] = ...) -> None: ...

class DeleteVpcEndpointRequest(_message.Message):
    __slots__ = ("vpc_endpoint_id",)
    VPC_ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    vpc_endpoint_id: str
    def __init__(self, vpc_endpoint_id: _Optional[str] = ...) -> None: ...

class DeleteVpcEndpointResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
