import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class KeyState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_STATE_UNSPECIFIED: _ClassVar[KeyState]
    KEY_STATE_ENABLED: _ClassVar[KeyState]
    KEY_STATE_DISABLED: _ClassVar[KeyState]
    KEY_STATE_PENDING_DELETION: _ClassVar[KeyState]
    KEY_STATE_PENDING_IMPORT: _ClassVar[KeyState]

class KeySpec(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_SPEC_UNSPECIFIED: _ClassVar[KeySpec]
    KEY_SPEC_SYMMETRIC_DEFAULT: _ClassVar[KeySpec]
    KEY_SPEC_RSA_2048: _ClassVar[KeySpec]
    KEY_SPEC_RSA_3072: _ClassVar[KeySpec]
    KEY_SPEC_RSA_4096: _ClassVar[KeySpec]
    KEY_SPEC_ECC_NIST_P256: _ClassVar[KeySpec]
    KEY_SPEC_ECC_NIST_P384: _ClassVar[KeySpec]
    KEY_SPEC_ECC_NIST_P521: _ClassVar[KeySpec]
    KEY_SPEC_ECC_SECG_P256K1: _ClassVar[KeySpec]
    KEY_SPEC_ECC_NIST_EDWARDS25519: _ClassVar[KeySpec]
    KEY_SPEC_HMAC_224: _ClassVar[KeySpec]
    KEY_SPEC_HMAC_256: _ClassVar[KeySpec]
    KEY_SPEC_HMAC_384: _ClassVar[KeySpec]
    KEY_SPEC_HMAC_512: _ClassVar[KeySpec]

class KeyUsage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_USAGE_UNSPECIFIED: _ClassVar[KeyUsage]
    KEY_USAGE_ENCRYPT_DECRYPT: _ClassVar[KeyUsage]
    KEY_USAGE_SIGN_VERIFY: _ClassVar[KeyUsage]
    KEY_USAGE_GENERATE_VERIFY_MAC: _ClassVar[KeyUsage]
    KEY_USAGE_KEY_AGREEMENT: _ClassVar[KeyUsage]

class KeyOrigin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_ORIGIN_UNSPECIFIED: _ClassVar[KeyOrigin]
    KEY_ORIGIN_KMS: _ClassVar[KeyOrigin]
    KEY_ORIGIN_EXTERNAL: _ClassVar[KeyOrigin]

class ImportState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IMPORT_STATE_UNSPECIFIED: _ClassVar[ImportState]
    IMPORT_STATE_IMPORTED: _ClassVar[ImportState]
    IMPORT_STATE_PENDING_IMPORT: _ClassVar[ImportState]

class KeyManager(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_MANAGER_UNSPECIFIED: _ClassVar[KeyManager]
    KEY_MANAGER_CUSTOMER: _ClassVar[KeyManager]
    KEY_MANAGER_SERVICE: _ClassVar[KeyManager]
KEY_STATE_UNSPECIFIED: KeyState
KEY_STATE_ENABLED: KeyState
KEY_STATE_DISABLED: KeyState
KEY_STATE_PENDING_DELETION: KeyState
KEY_STATE_PENDING_IMPORT: KeyState
KEY_SPEC_UNSPECIFIED: KeySpec
KEY_SPEC_SYMMETRIC_DEFAULT: KeySpec
KEY_SPEC_RSA_2048: KeySpec
KEY_SPEC_RSA_3072: KeySpec
KEY_SPEC_RSA_4096: KeySpec
KEY_SPEC_ECC_NIST_P256: KeySpec
KEY_SPEC_ECC_NIST_P384: KeySpec
KEY_SPEC_ECC_NIST_P521: KeySpec
KEY_SPEC_ECC_SECG_P256K1: KeySpec
KEY_SPEC_ECC_NIST_EDWARDS25519: KeySpec
KEY_SPEC_HMAC_224: KeySpec
KEY_SPEC_HMAC_256: KeySpec
KEY_SPEC_HMAC_384: KeySpec
KEY_SPEC_HMAC_512: KeySpec
KEY_USAGE_UNSPECIFIED: KeyUsage
KEY_USAGE_ENCRYPT_DECRYPT: KeyUsage
KEY_USAGE_SIGN_VERIFY: KeyUsage
KEY_USAGE_GENERATE_VERIFY_MAC: KeyUsage
KEY_USAGE_KEY_AGREEMENT: KeyUsage
KEY_ORIGIN_UNSPECIFIED: KeyOrigin
KEY_ORIGIN_KMS: KeyOrigin
KEY_ORIGIN_EXTERNAL: KeyOrigin
IMPORT_STATE_UNSPECIFIED: ImportState
IMPORT_STATE_IMPORTED: ImportState
IMPORT_STATE_PENDING_IMPORT: ImportState
KEY_MANAGER_UNSPECIFIED: KeyManager
KEY_MANAGER_CUSTOMER: KeyManager
KEY_MANAGER_SERVICE: KeyManager

class Key(_message.Message):
    __slots__ = ("name", "state", "description", "create_time", "primary_version", "spec", "usage", "origin", "manager", "delete_time", "pending_days", "material_expire_time", "material_id", "encryption_algorithms", "signing_algorithms", "mac_algorithms", "key_agreement_algorithms", "import_state")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_VERSION_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    MANAGER_FIELD_NUMBER: _ClassVar[int]
    DELETE_TIME_FIELD_NUMBER: _ClassVar[int]
    PENDING_DAYS_FIELD_NUMBER: _ClassVar[int]
    MATERIAL_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    MATERIAL_ID_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_ALGORITHMS_FIELD_NUMBER: _ClassVar[int]
    SIGNING_ALGORITHMS_FIELD_NUMBER: _ClassVar[int]
    MAC_ALGORITHMS_FIELD_NUMBER: _ClassVar[int]
    KEY_AGREEMENT_ALGORITHMS_FIELD_NUMBER: _ClassVar[int]
    IMPORT_STATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: KeyState
    description: str
    create_time: _timestamp_pb2.Timestamp
    primary_version: int
    spec: KeySpec
    usage: KeyUsage
    origin: KeyOrigin
    manager: KeyManager
    delete_time: _timestamp_pb2.Timestamp
    pending_days: int
    material_expire_time: _timestamp_pb2.Timestamp
    material_id: str
    encryption_algorithms: _containers.RepeatedScalarFieldContainer[str]
    signing_algorithms: _containers.RepeatedScalarFieldContainer[str]
    mac_algorithms: _containers.RepeatedScalarFieldContainer[str]
    key_agreement_algorithms: _containers.RepeatedScalarFieldContainer[str]
    import_state: ImportState
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[KeyState, str]] = ..., description: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., primary_version: _Optional[int] = ..., spec: _Optional[_Union[KeySpec, str]] = ..., usage: _Optional[_Union[KeyUsage, str]] = ..., origin: _Optional[_Union[KeyOrigin, str]] = ..., manager: _Optional[_Union[KeyManager, str]] = ..., delete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., pending_days: _Optional[int] = ..., material_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., material_id: _Optional[str] = ..., encryption_algorithms: _Optional[_Iterable[str]] = ..., signing_algorithms: _Optional[_Iterable[str]] = ..., mac_algorithms: _Optional[_Iterable[str]] = ..., key_agreement_algorithms: _Optional[_Iterable[str]] = ..., import_state: _Optional[_Union[ImportState, str]] = ...) -> None: ...

class Alias(_message.Message):
    __slots__ = ("name", "key_name", "create_time", "update_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    key_name: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., key_name: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Tag(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class Grant(_message.Message):
    __slots__ = ("name", "grantee_principal", "retiring_principal", "operations", "constraints", "friendly_name", "issuing_account", "create_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GRANTEE_PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    RETIRING_PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    FRIENDLY_NAME_FIELD_NUMBER: _ClassVar[int]
    ISSUING_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    grantee_principal: str
    retiring_principal: str
    operations: _containers.RepeatedScalarFieldContainer[str]
    constraints: GrantConstraints
    friendly_name: str
    issuing_account: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., grantee_principal: _Optional[str] = ..., retiring_principal: _Optional[str] = ..., operations: _Optional[_Iterable[str]] = ..., constraints: _Optional[_Union[GrantConstraints, _Mapping]] = ..., friendly_name: _Optional[str] = ..., issuing_account: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GrantConstraints(_message.Message):
    __slots__ = ("encryption_context_subset", "encryption_context_equals")
    class EncryptionContextSubsetEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class EncryptionContextEqualsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ENCRYPTION_CONTEXT_SUBSET_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_CONTEXT_EQUALS_FIELD_NUMBER: _ClassVar[int]
    encryption_context_subset: _containers.ScalarMap[str, str]
    encryption_context_equals: _containers.ScalarMap[str, str]
    def __init__(self, encryption_context_subset: _Optional[_Mapping[str, str]] = ..., encryption_context_equals: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Rotation(_message.Message):
    __slots__ = ("rotate_time", "on_demand", "version", "material_id", "current", "material_expire_time", "import_state")
    ROTATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MATERIAL_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    MATERIAL_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    IMPORT_STATE_FIELD_NUMBER: _ClassVar[int]
    rotate_time: _timestamp_pb2.Timestamp
    on_demand: bool
    version: int
    material_id: str
    current: bool
    material_expire_time: _timestamp_pb2.Timestamp
    import_state: ImportState
    def __init__(self, rotate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., on_demand: _Optional[bool] = ..., version: _Optional[int] = ..., material_id: _Optional[str] = ..., current: _Optional[bool] = ..., material_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., import_state: _Optional[_Union[ImportState, str]] = ...) -> None: ...
