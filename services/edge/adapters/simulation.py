"""IAM's policy simulator, answered by auth."""

import re
from collections.abc import Mapping
from typing import Any

from craton.auth.v1 import simulation_service_pb2 as pb
from craton.auth.v1 import simulation_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.iam_values import invalid, page, rest
from services.edge.adapters.upstream import ask
from services.edge.ports import Caller

_ASKED = frozenset(
    {
        "ActionNames",
        "CallerArn",
        "ContextEntries",
        "Marker",
        "MaxItems",
        "PermissionsBoundaryPolicyInputList",
        "PolicyInputList",
        "ResourceArns",
        "ResourceOwner",
        "ResourcePolicy",
    }
)
"""Members that both simulations take. Ignoring another one would answer another question than was asked."""
_OWNER = re.compile(r"(?:arn:[a-z-]+:iam::)?([0-9]{12})(?::root)?")
_DECISIONS = {
    pb.SIMULATION_VERDICT_ALLOWED: "allowed",
    pb.SIMULATION_VERDICT_EXPLICIT_DENY: "explicitDeny",
    pb.SIMULATION_VERDICT_IMPLICIT_DENY: "implicitDeny",
}
_TYPES = {
    "string": pb.CONTEXT_KEY_TYPE_STRING,
    "stringList": pb.CONTEXT_KEY_TYPE_STRING_LIST,
    "numeric": pb.CONTEXT_KEY_TYPE_NUMERIC,
    "numericList": pb.CONTEXT_KEY_TYPE_NUMERIC_LIST,
    "boolean": pb.CONTEXT_KEY_TYPE_BOOLEAN,
    "booleanList": pb.CONTEXT_KEY_TYPE_BOOLEAN_LIST,
    "ip": pb.CONTEXT_KEY_TYPE_IP,
    "ipList": pb.CONTEXT_KEY_TYPE_IP_LIST,
    "binary": pb.CONTEXT_KEY_TYPE_BINARY,
    "binaryList": pb.CONTEXT_KEY_TYPE_BINARY_LIST,
    "date": pb.CONTEXT_KEY_TYPE_DATE,
    "dateList": pb.CONTEXT_KEY_TYPE_DATE_LIST,
}
_SOURCES = {
    pb.POLICY_SOURCE_TYPE_USER: "user",
    pb.POLICY_SOURCE_TYPE_GROUP: "group",
    pb.POLICY_SOURCE_TYPE_ROLE: "role",
    pb.POLICY_SOURCE_TYPE_AWS_MANAGED: "aws-managed",
    pb.POLICY_SOURCE_TYPE_USER_MANAGED: "user-managed",
    pb.POLICY_SOURCE_TYPE_RESOURCE: "resource",
    pb.POLICY_SOURCE_TYPE_NONE: "none",
}
_BOUNDARY = "permissions boundary"
_ORGANIZATION = "service control policy"
_DETAILED = ("identity-based policy", "resource-based policy", _BOUNDARY)
"""Whose decisions a simulation between accounts tells one by one."""


class Simulation:
    """The policy simulator, and the condition keys that policies ask for."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to auth."""
        self._stub = rpc.SimulationServiceStub(channel)

    async def simulate_principal_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Say what a user's or a role's policies would decide of each action on each resource."""
        request = pb.SimulatePrincipalPolicyRequest(
            principal_arn=values["PolicySourceArn"],
            additional_policies=values.get("PolicyInputList", ()),
            **_asked(values, "PolicySourceArn"),
        )
        return _answered(await ask(self._stub.SimulatePrincipalPolicy(request, metadata=caller.metadata)))

    async def simulate_custom_policy(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Say what policies would decide of each action on each resource."""
        levels = "OrderedOrganizationPolicyInputList"
        request = pb.SimulateCustomPolicyRequest(
            policies=values["PolicyInputList"],
            organization_levels=[
                pb.SimulatedLevel(service_control_policies=each.get("ServiceControlPolicyInputList", ()))
                for each in values.get(levels, ())
            ],
            **_asked(values, levels),
        )
        return _answered(await ask(self._stub.SimulateCustomPolicy(request, metadata=caller.metadata)))

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


def _asked(values: Mapping[str, Any], own: str) -> dict[str, Any]:
    """Return what both simulations ask for; `own` is the member that this one alone has."""
    for name in values.keys() - _ASKED - {own}:
        raise invalid(f"This installation does not support {name} here.")
    boundaries = values.get("PermissionsBoundaryPolicyInputList", ())
    if len(boundaries) > 1:
        raise invalid("PermissionsBoundaryPolicyInputList can have one policy.")
    owner = _OWNER.fullmatch(values.get("ResourceOwner", "") or "000000000000")
    if owner is None:
        raise invalid("ResourceOwner must be an account, or the ARN of its root.")
    return {
        "actions": values["ActionNames"],
        "resources": values.get("ResourceArns", ()),
        "context": [_entry(each) for each in values.get("ContextEntries", ())],
        "boundary_policies": boundaries,
        "resource": pb.SimulatedResource(
            policy=values.get("ResourcePolicy", ""),
            owner_account_id=owner[1] if values.get("ResourceOwner") else "",
            caller_arn=values.get("CallerArn", ""),
        ),
        **page(values),
    }


def _entry(entry: Mapping[str, Any]) -> pb.ContextEntry:
    stated = entry.get("ContextKeyType")
    if stated is not None and stated not in _TYPES:
        raise invalid(f"ContextKeyType can be one of these: {', '.join(_TYPES)}.")
    return pb.ContextEntry(
        key=entry.get("ContextKeyName", ""),
        values=entry.get("ContextKeyValues", ()),
        type=pb.CONTEXT_KEY_TYPE_UNSPECIFIED if stated is None else _TYPES[stated],
    )


def _answered(answer: Any) -> Mapping[str, Any]:
    return {"EvaluationResults": [_result(each) for each in answer.results], **rest(answer.next_page_token)}


def _result(result: pb.SimulationResult) -> Mapping[str, Any]:
    """Render one action on one resource, which is also the one resource of ResourceSpecificResults."""
    decision = _DECISIONS[result.verdict]
    matched = [_matched(each) for each in result.matched_statements]
    missing = list(result.missing_context_keys)
    levels = [said.verdict for said in result.layers if said.layer == _ORGANIZATION]
    boundary = [said.verdict for said in result.layers if said.layer == _BOUNDARY]
    found: dict[str, Any] = {
        "EvalActionName": result.action,
        "EvalResourceName": result.resource,
        "EvalDecision": decision,
        "MatchedStatements": matched,
        "MissingContextValues": missing,
    }
    specific: dict[str, Any] = {
        "EvalResourceName": result.resource,
        "EvalResourceDecision": decision,
        "MatchedStatements": matched,
        "MissingContextValues": missing,
    }
    if boundary:
        detail = {"AllowedByPermissionsBoundary": _all_allow(boundary)}
        found["PermissionsBoundaryDecisionDetail"] = specific["PermissionsBoundaryDecisionDetail"] = detail
    if levels:
        found["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": _all_allow(levels)}
    if result.resource != "*":
        if _all_allow(levels):
            found["EvalDecisionDetails"] = specific["EvalDecisionDetails"] = _details(result)
        found["ResourceSpecificResults"] = [specific]
    return found


def _details(result: pb.SimulationResult) -> Mapping[str, str]:
    """Return what each kind of policies decides between accounts; within one account, as AWS, nothing."""
    if not result.cross_account:
        return {}
    return {said.layer: _DECISIONS[said.verdict] for said in result.layers if said.layer in _DETAILED}


def _matched(matched: pb.MatchedStatement) -> Mapping[str, Any]:
    return {
        "SourcePolicyId": matched.policy_id,
        "SourcePolicyType": _SOURCES[matched.policy_type],
        "StartPosition": _position(matched.behind),
        "EndPosition": _position(matched.end),
    }


def _position(position: Any) -> Mapping[str, int]:
    """Return a place as IAM counts, lines and columns from 1.

    A statement begins there where what stands before it ends, and ends with the column behind its bracket:
    https://docs.aws.amazon.com/cli/latest/reference/iam/simulate-principal-policy.html#examples
    """
    return {"Line": position.line, "Column": position.column + 1}


def _all_allow(verdicts: list[Any]) -> bool:
    return all(verdict == pb.SIMULATION_VERDICT_ALLOWED for verdict in verdicts)
