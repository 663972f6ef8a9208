from buf.validate import validate_pb2 as _validate_pb2
from craton.common.v1 import policy_finding_pb2 as _policy_finding_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SimulationVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIMULATION_VERDICT_UNSPECIFIED: _ClassVar[SimulationVerdict]
    SIMULATION_VERDICT_ALLOWED: _ClassVar[SimulationVerdict]
    SIMULATION_VERDICT_EXPLICIT_DENY: _ClassVar[SimulationVerdict]
    SIMULATION_VERDICT_IMPLICIT_DENY: _ClassVar[SimulationVerdict]
SIMULATION_VERDICT_UNSPECIFIED: SimulationVerdict
SIMULATION_VERDICT_ALLOWED: SimulationVerdict
SIMULATION_VERDICT_EXPLICIT_DENY: SimulationVerdict
SIMULATION_VERDICT_IMPLICIT_DENY: SimulationVerdict

class SimulatePrincipalPolicyRequest(_message.Message):
    __slots__ = ("principal_arn", "actions", "resources", "context", "additional_policies", "boundary_policies", "resource")
    PRINCIPAL_ARN_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_POLICIES_FIELD_NUMBER: _ClassVar[int]
    BOUNDARY_POLICIES_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    principal_arn: str
    actions: _containers.RepeatedScalarFieldContainer[str]
    resources: _containers.RepeatedScalarFieldContainer[str]
    context: _containers.RepeatedCompositeFieldContainer[ContextEntry]
    additional_policies: _containers.RepeatedScalarFieldContainer[str]
    boundary_policies: _containers.RepeatedScalarFieldContainer[str]
    resource: SimulatedResource
    def __init__(self, principal_arn: _Optional[str] = ..., actions: _Optional[_Iterable[str]] = ..., resources: _Optional[_Iterable[str]] = ..., context: _Optional[_Iterable[_Union[ContextEntry, _Mapping]]] = ..., additional_policies: _Optional[_Iterable[str]] = ..., boundary_policies: _Optional[_Iterable[str]] = ..., resource: _Optional[_Union[SimulatedResource, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("policies", "actions", "resources", "context", "boundary_policies", "resource")
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    BOUNDARY_POLICIES_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    policies: _containers.RepeatedScalarFieldContainer[str]
    actions: _containers.RepeatedScalarFieldContainer[str]
    resources: _containers.RepeatedScalarFieldContainer[str]
    context: _containers.RepeatedCompositeFieldContainer[ContextEntry]
    boundary_policies: _containers.RepeatedScalarFieldContainer[str]
    resource: SimulatedResource
    def __init__(self, policies: _Optional[_Iterable[str]] = ..., actions: _Optional[_Iterable[str]] = ..., resources: _Optional[_Iterable[str]] = ..., context: _Optional[_Iterable[_Union[ContextEntry, _Mapping]]] = ..., boundary_policies: _Optional[_Iterable[str]] = ..., resource: _Optional[_Union[SimulatedResource, _Mapping]] = ...) -> None: ...

class SimulateCustomPolicyResponse(_message.Message):
    __slots__ = ("results", "findings")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[SimulationResult]
    findings: _containers.RepeatedCompositeFieldContainer[DocumentFindings]
    def __init__(self, results: _Optional[_Iterable[_Union[SimulationResult, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[DocumentFindings, _Mapping]]] = ...) -> None: ...

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
    __slots__ = ("key", "values")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    key: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, key: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class SimulatePrincipalPolicyResponse(_message.Message):
    __slots__ = ("results", "findings")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[SimulationResult]
    findings: _containers.RepeatedCompositeFieldContainer[DocumentFindings]
    def __init__(self, results: _Optional[_Iterable[_Union[SimulationResult, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[DocumentFindings, _Mapping]]] = ...) -> None: ...

class SimulationResult(_message.Message):
    __slots__ = ("action", "resource", "verdict", "decided_by", "layers", "missing_context_keys", "action_known", "nearest_action", "permission_free")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    MISSING_CONTEXT_KEYS_FIELD_NUMBER: _ClassVar[int]
    ACTION_KNOWN_FIELD_NUMBER: _ClassVar[int]
    NEAREST_ACTION_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_FREE_FIELD_NUMBER: _ClassVar[int]
    action: str
    resource: str
    verdict: SimulationVerdict
    decided_by: LayerVerdict
    layers: _containers.RepeatedCompositeFieldContainer[LayerVerdict]
    missing_context_keys: _containers.RepeatedScalarFieldContainer[str]
    action_known: bool
    nearest_action: str
    permission_free: bool
    def __init__(self, action: _Optional[str] = ..., resource: _Optional[str] = ..., verdict: _Optional[_Union[SimulationVerdict, str]] = ..., decided_by: _Optional[_Union[LayerVerdict, _Mapping]] = ..., layers: _Optional[_Iterable[_Union[LayerVerdict, _Mapping]]] = ..., missing_context_keys: _Optional[_Iterable[str]] = ..., action_known: _Optional[bool] = ..., nearest_action: _Optional[str] = ..., permission_free: _Optional[bool] = ...) -> None: ...

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
