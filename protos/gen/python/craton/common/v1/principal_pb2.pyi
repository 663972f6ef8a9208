from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Principal(_message.Message):
    __slots__ = ("account_id", "account_incarnation", "arn", "principal_id", "access_key_id", "type", "user_name", "identity_provider", "credential_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_INCARNATION_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_ID_FIELD_NUMBER: _ClassVar[int]
    ACCESS_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_PROVIDER_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    account_incarnation: str
    arn: str
    principal_id: str
    access_key_id: str
    type: str
    user_name: str
    identity_provider: str
    credential_id: str
    def __init__(self, account_id: _Optional[str] = ..., account_incarnation: _Optional[str] = ..., arn: _Optional[str] = ..., principal_id: _Optional[str] = ..., access_key_id: _Optional[str] = ..., type: _Optional[str] = ..., user_name: _Optional[str] = ..., identity_provider: _Optional[str] = ..., credential_id: _Optional[str] = ...) -> None: ...

class AuditContext(_message.Message):
    __slots__ = ("source_ip", "user_agent", "tls_version", "tls_cipher", "endpoint", "region", "vpc_endpoint_id", "vpc_endpoint_account_id")
    SOURCE_IP_FIELD_NUMBER: _ClassVar[int]
    USER_AGENT_FIELD_NUMBER: _ClassVar[int]
    TLS_VERSION_FIELD_NUMBER: _ClassVar[int]
    TLS_CIPHER_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    VPC_ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    VPC_ENDPOINT_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    source_ip: str
    user_agent: str
    tls_version: str
    tls_cipher: str
    endpoint: str
    region: str
    vpc_endpoint_id: str
    vpc_endpoint_account_id: str
    def __init__(self, source_ip: _Optional[str] = ..., user_agent: _Optional[str] = ..., tls_version: _Optional[str] = ..., tls_cipher: _Optional[str] = ..., endpoint: _Optional[str] = ..., region: _Optional[str] = ..., vpc_endpoint_id: _Optional[str] = ..., vpc_endpoint_account_id: _Optional[str] = ...) -> None: ...
