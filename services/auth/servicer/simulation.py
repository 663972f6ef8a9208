"""SimulationService."""

from collections.abc import Iterable
from typing import Any

from craton.auth.v1 import simulation_service_pb2 as pb
from craton.auth.v1 import simulation_service_pb2_grpc

from services.auth.domain.pages import PageRequest
from services.auth.domain.policy_sources import SourceType
from services.auth.domain.simulated_context import ContextKeyType, GivenKey
from services.auth.operations.matched_statements import MatchedStatement
from services.auth.operations.simulated_requests import Asked, Simulated
from services.auth.operations.simulation import Simulation
from services.chassis.context import current_call
from services.chassis.policy.finding_messages import findings_about, position_message
from services.chassis.policy.model import Decision, Verdict

_VERDICTS = {
    Verdict.ALLOW: pb.SIMULATION_VERDICT_ALLOWED,
    Verdict.EXPLICIT_DENY: pb.SIMULATION_VERDICT_EXPLICIT_DENY,
    Verdict.IMPLICIT_DENY: pb.SIMULATION_VERDICT_IMPLICIT_DENY,
}
_SOURCES = {
    SourceType.USER: pb.POLICY_SOURCE_TYPE_USER,
    SourceType.GROUP: pb.POLICY_SOURCE_TYPE_GROUP,
    SourceType.ROLE: pb.POLICY_SOURCE_TYPE_ROLE,
    SourceType.AWS_MANAGED: pb.POLICY_SOURCE_TYPE_AWS_MANAGED,
    SourceType.USER_MANAGED: pb.POLICY_SOURCE_TYPE_USER_MANAGED,
    SourceType.RESOURCE: pb.POLICY_SOURCE_TYPE_RESOURCE,
    SourceType.NONE: pb.POLICY_SOURCE_TYPE_NONE,
}
_TYPES = {pb.ContextKeyType.Value(f"CONTEXT_KEY_TYPE_{each.name}"): each for each in ContextKeyType}


class SimulationServicer(simulation_service_pb2_grpc.SimulationServiceServicer):
    """Says what policies would decide."""

    def __init__(self, simulation: Simulation) -> None:
        """Serve `simulation`."""
        self._simulation = simulation

    async def SimulatePrincipalPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._simulation.principal(
            current_call(),
            request.principal_arn,
            _asked(request),
            request.additional_policies,
            request.resource.caller_arn,
        )
        return pb.SimulatePrincipalPolicyResponse(
            results=[_result(each) for each in page.items],
            findings=_findings(request.additional_policies),
            next_page_token=page.next_token,
        )

    async def SimulateCustomPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._simulation.custom(
            current_call(),
            request.policies,
            _asked(request),
            request.resource.caller_arn,
            [level.service_control_policies for level in request.organization_levels],
        )
        return pb.SimulateCustomPolicyResponse(
            results=[_result(each) for each in page.items],
            findings=_findings(request.policies),
            next_page_token=page.next_token,
        )

    async def GetContextKeysForPrincipalPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        keys = await self._simulation.keys_of_principal(
            current_call(), request.principal_arn, request.additional_policies
        )
        return pb.GetContextKeysForPrincipalPolicyResponse(keys=keys)

    async def GetContextKeysForCustomPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        keys = await self._simulation.keys_of_policies(current_call(), request.policies)
        return pb.GetContextKeysForCustomPolicyResponse(keys=keys)


def _asked(request: Any) -> Asked:
    return Asked(
        actions=request.actions,
        resources=request.resources,
        context=[
            GivenKey(entry.key, tuple(entry.values), _TYPES.get(entry.type)) for entry in request.context
        ],
        boundary=request.boundary_policies[0] if request.boundary_policies else None,
        resource_policy=request.resource.policy,
        owner_account_id=request.resource.owner_account_id,
        page=PageRequest.parse(request.page_size, request.page_token),
    )


def _findings(documents: Iterable[str]) -> list[pb.DocumentFindings]:
    return [pb.DocumentFindings(findings=findings_about(document)) for document in documents]


def _result(result: Simulated) -> pb.SimulationResult:
    return pb.SimulationResult(
        action=result.action,
        resource=result.resource,
        verdict=_VERDICTS[result.decision[0].verdict],
        decided_by=None if result.permission_free else _layer(*result.decision),
        layers=[_layer(*said) for said in result.layers],
        missing_context_keys=result.missing_keys,
        action_known=result.known,
        nearest_action=result.nearest,
        permission_free=result.permission_free,
        matched_statements=[_matched(each) for each in result.matched],
        cross_account=result.cross_account,
    )


def _matched(matched: MatchedStatement) -> pb.MatchedStatement:
    return pb.MatchedStatement(
        policy_id=matched.source.policy_id,
        policy_type=_SOURCES[matched.source.source_type],
        start=position_message(matched.start),
        end=position_message(matched.end),
        behind=position_message(matched.behind),
        statement=matched.text,
    )


def _layer(decision: Decision, statement: str) -> pb.LayerVerdict:
    return pb.LayerVerdict(
        layer=decision.layer.value,
        level=decision.level,
        verdict=_VERDICTS[decision.verdict],
        statement=statement,
    )
