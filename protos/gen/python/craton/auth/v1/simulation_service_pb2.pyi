from buf.validate import validate_pb2 as _validate_pb2
from craton.common.v1 import policy_finding_pb2 as _policy_finding_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ContextKeyType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTEXT_KEY_TYPE_UNSPECIFIED: _ClassVar[ContextKeyType]
    CONTEXT_KEY_TYPE_STRING: _ClassVar[ContextKeyType]
    CONTEXT_KEY_TYPE_STRING_LIST: _ClassVar[ContextKeyType]
    CONTEXT_KEY_TYPE_NUMERIC: _ClassVar[ContextKeyType]
    CONTEXT_KEY_TYPE_NUMERIC_LIST: _ClassVar[ContextKeyType]
    CONTEXT_KEY_TYPE_BOOLEAN: _ClassVar[ContextKeyType]
    CONTEXT_KEY_TYPE_BOOLEAN_LIST: _ClassVar[ContextKeyType]
    CONTEXT_KEY_TYPE_IP: _ClassVar[ContextKeyType]
    CONTEXT_KEY_TYPE_IP_LIST: _ClassVar[ContextKeyType]
    CONTEXT_KEY_TYPE_BINARY: _ClassVar[ContextKeyType]
    CONTEXT_KEY_TYPE_BINARY_LIST: _ClassVar[ContextKeyType]
    CONTEXT_KEY_TYPE_DATE: _ClassVar[ContextKeyType]
    CONTEXT_KEY_TYPE_DATE_LIST: _ClassVar[ContextKeyType]

class SimulationVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIMULATION_VERDICT_UNSPECIFIED: _ClassVar[SimulationVerdict]
    SIMULATION_VERDICT_ALLOWED: _ClassVar[SimulationVerdict]
    SIMULATION_VERDICT_EXPLICIT_DENY: _ClassVar[SimulationVerdict]
    SIMULATION_VERDICT_IMPLICIT_DENY: _ClassVar[SimulationVerdict]

class PolicySourceType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POLICY_SOURCE_TYPE_UNSPECIFIED: _ClassVar[PolicySourceType]
    POLICY_SOURCE_TYPE_USER: _ClassVar[PolicySourceType]
    POLICY_SOURCE_TYPE_GROUP: _ClassVar[PolicySourceType]
    POLICY_SOURCE_TYPE_ROLE: _ClassVar[PolicySourceType]
    POLICY_SOURCE_TYPE_AWS_MANAGED: _ClassVar[PolicySourceType]
    POLICY_SOURCE_TYPE_USER_MANAGED: _ClassVar[PolicySourceType]
    POLICY_SOURCE_TYPE_RESOURCE: _ClassVar[PolicySourceType]
    POLICY_SOURCE_TYPE_NONE: _ClassVar[PolicySourceType]
CONTEXT_KEY_TYPE_UNSPECIFIED: ContextKeyType
CONTEXT_KEY_TYPE_STRING: ContextKeyType
CONTEXT_KEY_TYPE_STRING_LIST: ContextKeyType
CONTEXT_KEY_TYPE_NUMERIC: ContextKeyType
CONTEXT_KEY_TYPE_NUMERIC_LIST: ContextKeyType
CONTEXT_KEY_TYPE_BOOLEAN: ContextKeyType
CONTEXT_KEY_TYPE_BOOLEAN_LIST: ContextKeyType
CONTEXT_KEY_TYPE_IP: ContextKeyType
CONTEXT_KEY_TYPE_IP_LIST: ContextKeyType
CONTEXT_KEY_TYPE_BINARY: ContextKeyType
CONTEXT_KEY_TYPE_BINARY_LIST: ContextKeyType
CONTEXT_KEY_TYPE_DATE: ContextKeyType
CONTEXT_KEY_TYPE_DATE_LIST: ContextKeyType
SIMULATION_VERDICT_UNSPECIFIED: SimulationVerdict
SIMULATION_VERDICT_ALLOWED: SimulationVerdict
SIMULATION_VERDICT_EXPLICIT_DENY: SimulationVerdict
SIMULATION_VERDICT_IMPLICIT_DENY: SimulationVerdict
POLICY_SOURCE_TYPE_UNSPECIFIED: PolicySourceType
POLICY_SOURCE_TYPE_USER: PolicySourceType
POLICY_SOURCE_TYPE_GROUP: PolicySourceType
POLICY_SOURCE_TYPE_ROLE: PolicySourceType
POLICY_SOURCE_TYPE_AWS_MANAGED: PolicySourceType
POLICY_SOURCE_TYPE_USER_MANAGED: PolicySourceType
POLICY_SOURCE_TYPE_RESOURCE: PolicySourceType
POLICY_SOURCE_TYPE_NONE: PolicySourceType

class SimulatePrincipalPolicyRequest(_message.Message):
    __slots__ = ("principal_arn", "actions", "resources", "context", "additional_policies", "boundary_policies", "resource", "page_size", "page_token")
    PRINCIPAL_ARN_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_POLICIES_FIELD_NUMBER: _ClassVar[int]
    BOUNDARY_POLICIES_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    principal_arn: str
    actions: _containers.RepeatedScalarFieldContainer[str]
    resources: _containers.RepeatedScalarFieldContainer[str]
    context: _containers.RepeatedCompositeFieldContainer[ContextEntry]
    additional_policies: _containers.RepeatedScalarFieldContainer[str]
    boundary_policies: _containers.RepeatedScalarFieldContainer[str]
    resource: SimulatedResource
    page_size: int
    page_token: str
    def __init__(self, principal_arn: _Optional[str] = ..., actions: _Optional[_Iterable[str]] = ..., resources: _Optional[_Iterable[str]] = ..., context: _Optional[_Iterable[_Union[ContextEntry, _Mapping]]] = ..., additional_policies: _Optional[_Iterable[str]] = ..., boundary_policies: _Optional[_Iterable[str]] = ..., resource: _Optional[_Union[SimulatedResource, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class SimulatedResource(_message.Message):
    __slots__ = ("policy", "owner_account_id", "caller_arn")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    OWNER_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CALLER_ARN_FIELD_NUMBER: _ClassVar[int]
    policy: str
    owner_account_id: str
    caller_arn: str
    def __init__(self, policy: _Optional[str] = ..., owner_account_id: _Optional[str] = ..., caller_arn: _Optional[str] = ...) -> None: ...

class SimulateCustomPolicyRequest(_message.Message):
    __slots__ = ("policies", "actions", "resources", "context", "boundary_policies", "resource", "page_size", "page_token", "organization_levels")
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    BOUNDARY_POLICIES_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_LEVELS_FIELD_NUMBER: _ClassVar[int]
    policies: _containers.RepeatedScalarFieldContainer[str]
    actions: _containers.RepeatedScalarFieldContainer[str]
    resources: _containers.RepeatedScalarFieldContainer[str]
    context: _containers.RepeatedCompositeFieldContainer[ContextEntry]
    boundary_policies: _containers.RepeatedScalarFieldContainer[str]
    resource: SimulatedResource
    page_size: int
    page_token: str
    organization_levels: _containers.RepeatedCompositeFieldContainer[SimulatedLevel]
    def __init__(self, policies: _Optional[_Iterable[str]] = ..., actions: _Optional[_Iterable[str]] = ..., resources: _Optional[_Iterable[str]] = ..., context: _Optional[_Iterable[_Union[ContextEntry, _Mapping]]] = ..., boundary_policies: _Optional[_Iterable[str]] = ..., resource: _Optional[_Union[SimulatedResource, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., organization_levels: _Optional[_Iterable[_Union[SimulatedLevel, _Mapping]]] = ...) -> None: ...

class SimulatedLevel(_message.Message):
    __slots__ = ("service_control_policies",)
    SERVICE_CONTROL_POLICIES_FIELD_NUMBER: _ClassVar[int]
    service_control_policies: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, service_control_policies: _Optional[_Iterable[str]] = ...) -> None: ...

class SimulateCustomPolicyResponse(_message.Message):
    __slots__ = ("results", "findings", "next_page_token")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[SimulationResult]
    findings: _containers.RepeatedCompositeFieldContainer[DocumentFindings]
    next_page_token: str
    def __init__(self, results: _Optional[_Iterable[_Union[SimulationResult, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[DocumentFindings, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DocumentFindings(_message.Message):
    __slots__ = ("findings",)
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    findings: _containers.RepeatedCompositeFieldContainer[_policy_finding_pb2.PolicyFinding]
    def __init__(self, findings: _Optional[_Iterable[_Union[_policy_finding_pb2.PolicyFinding, _Mapping]]] = ...) -> None: ...

class GetContextKeysForPrincipalPolicyRequest(_message.Message):
    __slots__ = ("principal_arn", "additional_policies")
    PRINCIPAL_ARN_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_POLICIES_FIELD_NUMBER: _ClassVar[int]
    principal_arn: str
    additional_policies: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, principal_arn: _Optional[str] = ..., additional_policies: _Optional[_Iterable[str]] = ...) -> None: ...

class GetContextKeysForPrincipalPolicyResponse(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, keys: _Optional[_Iterable[str]] = ...) -> None: ...

class GetContextKeysForCustomPolicyRequest(_message.Message):
    __slots__ = ("policies",)
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    policies: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, policies: _Optional[_Iterable[str]] = ...) -> None: ...

class GetContextKeysForCustomPolicyResponse(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, keys: _Optional[_Iterable[str]] = ...) -> None: ...

class ContextEntry(_message.Message):
    __slots__ = ("key", "values", "type")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    key: str
    values: _containers.RepeatedScalarFieldContainer[str]
    type: ContextKeyType
    def __init__(self, key: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ..., type: _Optional[_Union[ContextKeyType, str]] = ...) -> None: ...

class SimulatePrincipalPolicyResponse(_message.Message):
    __slots__ = ("results", "findings", "next_page_token")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[SimulationResult]
    findings: _containers.RepeatedCompositeFieldContainer[DocumentFindings]
    next_page_token: str
    def __init__(self, results: _Optional[_Iterable[_Union[SimulationResult, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[DocumentFindings, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SimulationResult(_message.Message):
    __slots__ = ("action", "resource", "verdict", "decided_by", "layers", "missing_context_keys", "action_known", "nearest_action", "permission_free", "matched_statements", "cross_account")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    MISSING_CONTEXT_KEYS_FIELD_NUMBER: _ClassVar[int]
    ACTION_KNOWN_FIELD_NUMBER: _ClassVar[int]
    NEAREST_ACTION_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_FREE_FIELD_NUMBER: _ClassVar[int]
    MATCHED_STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    CROSS_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    action: str
    resource: str
    verdict: SimulationVerdict
    decided_by: LayerVerdict
    layers: _containers.RepeatedCompositeFieldContainer[LayerVerdict]
    missing_context_keys: _containers.RepeatedScalarFieldContainer[str]
    action_known: bool
    nearest_action: str
    permission_free: bool
    matched_statements: _containers.RepeatedCompositeFieldContainer[MatchedStatement]
    cross_account: bool
    def __init__(self, action: _Optional[str] = ..., resource: _Optional[str] = ..., verdict: _Optional[_Union[SimulationVerdict, str]] = ..., decided_by: _Optional[_Union[LayerVerdict, _Mapping]] = ..., layers: _Optional[_Iterable[_Union[LayerVerdict, _Mapping]]] = ..., missing_context_keys: _Optional[_Iterable[str]] = ..., action_known: _Optional[bool] = ..., nearest_action: _Optional[str] = ..., permission_free: _Optional[bool] = ..., matched_statements: _Optional[_Iterable[_Union[MatchedStatement, _Mapping]]] = ..., cross_account: _Optional[bool] = ...) -> None: ...

class MatchedStatement(_message.Message):
    __slots__ = ("policy_id", "policy_type", "start", "end", "behind", "statement")
    POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    POLICY_TYPE_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    BEHIND_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    policy_id: str
    policy_type: PolicySourceType
    start: _policy_finding_pb2.PolicyPosition
    end: _policy_finding_pb2.PolicyPosition
    behind: _policy_finding_pb2.PolicyPosition
    statement: str
    def __init__(self, policy_id: _Optional[str] = ..., policy_type: _Optional[_Union[PolicySourceType, str]] = ..., start: _Optional[_Union[_policy_finding_pb2.PolicyPosition, _Mapping]] = ..., end: _Optional[_Union[_policy_finding_pb2.PolicyPosition, _Mapping]] = ..., behind: _Optional[_Union[_policy_finding_pb2.PolicyPosition, _Mapping]] = ..., statement: _Optional[str] = ...) -> None: ...

class LayerVerdict(_message.Message):
    __slots__ = ("layer", "level", "verdict", "statement")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    layer: str
    level: int
    verdict: SimulationVerdict
    statement: str
    def __init__(self, layer: _Optional[str] = ..., level: _Optional[int] = ..., verdict: _Optional[_Union[SimulationVerdict, str]] = ..., statement: _Optional[str] = ...) -> None: ...
