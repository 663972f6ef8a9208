"""IAM's policy simulator, answered by auth."""

import re
from collections.abc import Mapping
from typing import Any

from craton.auth.v1 import simulation_service_pb2 as pb
from craton.auth.v1 import simulation_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.iam_values import invalid
from services.edge.adapters.upstream import ask
from services.edge.ports import Caller

_UNSUPPORTED = ("ResourceHandlingOption", "Marker")
"""Ignoring one of these would answer another question than the one that was asked."""
_OWNER = re.compile(r"(?:arn:[a-z-]+:iam::)?([0-9]{12})(?::root)?")
_DECISIONS = {
    pb.SIMULATION_VERDICT_ALLOWED: "allowed",
    pb.SIMULATION_VERDICT_EXPLICIT_DENY: "explicitDeny",
    pb.SIMULATION_VERDICT_IMPLICIT_DENY: "implicitDeny",
}
_BOUNDARY = "permissions boundary"
_ORGANIZATION = "service control policy"


class Simulation:
    """The policy simulator, and the condition keys that policies ask for."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to auth."""
        self._stub = rpc.SimulationServiceStub(channel)

    async def simulate_principal_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Say what a user's or a role's policies would decide; all results come in one page."""
        request = pb.SimulatePrincipalPolicyRequest(
            principal_arn=values["PolicySourceArn"],
            additional_policies=values.get("PolicyInputList", ()),
            **_asked(values),
        )
        answer = await ask(self._stub.SimulatePrincipalPolicy(request, metadata=caller.metadata))
        return {"EvaluationResults": [_result(each) for each in answer.results], "IsTruncated": False}

    async def simulate_custom_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Say what policies would decide; all results come in one page."""
        request = pb.SimulateCustomPolicyRequest(policies=values["PolicyInputList"], **_asked(values))
        answer = await ask(self._stub.SimulateCustomPolicy(request, metadata=caller.metadata))
        return {"EvaluationResults": [_result(each) for each in answer.results], "IsTruncated": False}

    async def get_context_keys_for_principal_policy(
        self, values: Mapping[str, Any], caller: Caller
    ) -> Mapping[str, Any]:
        """List the keys that a principal's policies ask for."""
        request = pb.GetContextKeysForPrincipalPolicyRequest(
            principal_arn=values["PolicySourceArn"], additional_policies=values.get("PolicyInputList", ())
        )
        answer = await ask(self._stub.GetContextKeysForPrincipalPolicy(request, metadata=caller.metadata))
        return {"ContextKeyNames": list(answer.keys)}

    async def get_context_keys_for_custom_policy(
        self, values: Mapping[str, Any], caller: Caller
    ) -> Mapping[str, Any]:
        """List the keys that policies ask for."""
        request = pb.GetContextKeysForCustomPolicyRequest(policies=values["PolicyInputList"])
        answer = await ask(self._stub.GetContextKeysForCustomPolicy(request, metadata=caller.metadata))
        return {"ContextKeyNames": list(answer.keys)}


def _asked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what both simulations ask for."""
    for name in _UNSUPPORTED:
        if values.get(name):
            raise invalid(f"This installation does not support {name}.")
    boundaries = values.get("PermissionsBoundaryPolicyInputList", ())
    if len(boundaries) > 1:
        raise invalid("PermissionsBoundaryPolicyInputList can have one policy.")
    owner = _OWNER.fullmatch(values.get("ResourceOwner", "") or "000000000000")
    if owner is None:
        raise invalid("ResourceOwner must be an account, or the ARN of its root.")
    return {
        "actions": values["ActionNames"],
        "resources": [each for each in values.get("ResourceArns", ()) if each != "*"],
        "context": [
            pb.ContextEntry(key=each.get("ContextKeyName", ""), values=each.get("ContextKeyValues", ()))
            for each in values.get("ContextEntries", ())
        ],
        "boundary_policies": boundaries,
        "resource": pb.SimulatedResource(
            policy=values.get("ResourcePolicy", ""),
            owner_account_id=owner[1] if values.get("ResourceOwner") else "",
            caller_arn=values.get("CallerArn", ""),
        ),
    }


def _result(result: pb.SimulationResult) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "EvalActionName": result.action,
        "EvalResourceName": result.resource,
        "EvalDecision": _DECISIONS[result.verdict],
        "MatchedStatements": [
            {"SourcePolicyId": said.layer, "SourcePolicyType": "none"}
            for said in result.layers
            if said.statement
        ],
        "MissingContextValues": list(result.missing_context_keys),
    }
    boundary = [said.verdict for said in result.layers if said.layer == _BOUNDARY]
    if boundary:
        found["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": _all_allow(boundary)}
    levels = [said.verdict for said in result.layers if said.layer == _ORGANIZATION]
    if levels:
        found["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": _all_allow(levels)}
    return found


def _all_allow(verdicts: list[Any]) -> bool:
    return all(verdict == pb.SIMULATION_VERDICT_ALLOWED for verdict in verdicts)
