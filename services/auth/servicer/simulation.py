"""SimulationService."""

from typing import Any

from craton.auth.v1 import simulation_service_pb2 as pb
from craton.auth.v1 import simulation_service_pb2_grpc

from services.auth.operations.simulation import Simulation
from services.chassis.context import current_call
from services.chassis.policy.model import Decision, Verdict

_VERDICTS = {
    Verdict.ALLOW: pb.SIMULATION_VERDICT_ALLOWED,
    Verdict.EXPLICIT_DENY: pb.SIMULATION_VERDICT_EXPLICIT_DENY,
    Verdict.IMPLICIT_DENY: pb.SIMULATION_VERDICT_IMPLICIT_DENY,
}


class SimulationServicer(simulation_service_pb2_grpc.SimulationServiceServicer):
    """Says what policies would decide."""

    def __init__(self, simulation: Simulation) -> None:
        """Serve `simulation`."""
        self._simulation = simulation

    async def SimulatePrincipalPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        results = await self._simulation.principal(
            current_call(),
            request.principal_arn,
            request.actions,
            request.resources,
            {entry.key: tuple(entry.values) for entry in request.context},
            request.additional_policies,
        )
        return pb.SimulatePrincipalPolicyResponse(
            results=[
                pb.SimulationResult(
                    action=each.action,
                    resource=each.resource,
                    verdict=_VERDICTS[each.decision[0].verdict],
                    decided_by=_layer(*each.decision),
                    layers=[_layer(*said) for said in each.layers],
                )
                for each in results
            ]
        )


def _layer(decision: Decision, statement: str) -> pb.LayerVerdict:
    return pb.LayerVerdict(
        layer=decision.layer.value,
        level=decision.level,
        verdict=_VERDICTS[decision.verdict],
        statement=statement,
    )
