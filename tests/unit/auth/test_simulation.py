"""What policies would decide, and why."""

import json
from typing import Any

import pytest

from services.auth.adapters.principal_state import SqlPrincipals
from services.auth.operations.simulation import Simulated, Simulation
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.policy.model import Layer, Verdict
from services.chassis.principal import ClientContext

ACCOUNT = "123456789012"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
MODEL = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"
INVOKE = "bedrock:InvokeModel"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(effect: str, action: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": "*", **more}


@pytest.fixture
def simulation(auth: Any) -> Simulation:
    return Simulation(SqlPrincipals(auth.credentials._database), auth.admission, auth.clock, "aws")


async def call(auth: Any) -> CallContext:
    state = await auth.credentials.principal_state(auth.key.key.access_key_id)
    _, claims = auth.issuer.issue(state, "us-east-1", "auth", ClientContext())
    caller = WorkloadId("craton.local", "operator", "admin")
    return CallContext(method="/m", request_id="r", call_id="c", caller=caller, principal=claims)


async def put(auth: Any, *statements: dict[str, Any], name: str = "p") -> None:
    text = document(*statements)
    await auth.allow("alice", text, name)


async def simulate(auth: Any, simulation: Simulation, **changes: Any) -> list[Simulated]:
    asked: dict[str, Any] = {
        "arn": ALICE,
        "actions": [INVOKE],
        "resources": [MODEL],
        "context": {},
        "additional": [],
        **changes,
    }
    return await simulation.principal(await call(auth), **asked)


async def test_the_deciding_statement_is_named(auth, simulation) -> None:
    await put(auth, statement("Allow", "iam:*"), statement("Allow", "bedrock:*", Sid="models"))
    [result] = await simulate(auth, simulation)
    decision, text = result.decision
    assert (decision.verdict, decision.layer) == (Verdict.ALLOW, Layer.IDENTITY)
    assert json.loads(text)["Sid"] == "models"
    await put(auth, statement("Deny", INVOKE, Sid="never"), name="q")
    [result] = await simulate(auth, simulation)
    assert result.decision[0].verdict is Verdict.EXPLICIT_DENY
    assert json.loads(result.decision[1])["Sid"] == "never"


async def test_every_action_on_every_resource(auth, simulation) -> None:
    await put(auth, statement("Allow", ["iam:*", INVOKE]))
    results = await simulate(auth, simulation, actions=[INVOKE, "bedrock:GetFoundationModel"], resources=[])
    assert [(each.action, each.resource, each.decision[0].allowed) for each in results] == [
        (INVOKE, "*", True),
        ("bedrock:GetFoundationModel", "*", False),
    ]
    assert results[1].decision[1] == ""
    assert [each.verdict for each, _ in results[1].layers] == [Verdict.IMPLICIT_DENY]


async def test_conditions_are_decided_by_what_is_given(auth, simulation) -> None:
    inside = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    await put(auth, statement("Allow", "iam:*"), statement("Allow", INVOKE, Condition=inside))
    for address, allowed in (("10.1.2.3", True), ("192.0.2.1", False)):
        [result] = await simulate(auth, simulation, context={"aws:sourceip": [address]})
        assert result.decision[0].allowed is allowed
    [result] = await simulate(auth, simulation)
    assert not result.decision[0].allowed, "of the client nothing is known"
    mine = {"StringEquals": {"aws:username": "alice", "aws:PrincipalAccount": ACCOUNT}}
    await put(auth, statement("Allow", "iam:*"), statement("Allow", INVOKE, Condition=mine))
    assert (await simulate(auth, simulation))[0].decision[0].allowed
    other = await simulate(auth, simulation, context={"aws:username": ["bob"]})
    assert not other[0].decision[0].allowed, "what is tried out stands before what is known"


async def test_policies_can_be_tried_out(auth, simulation) -> None:
    await put(auth, statement("Allow", "iam:*"))
    assert not (await simulate(auth, simulation))[0].decision[0].allowed
    allow = document(statement("Allow", INVOKE, Sid="tried"))
    [result] = await simulate(auth, simulation, additional=[allow])
    assert json.loads(result.decision[1])["Sid"] == "tried"
    assert not (await simulate(auth, simulation))[0].decision[0].allowed, "nothing is kept"


async def test_refusals(auth, simulation) -> None:
    async def reason(**changes: Any) -> str:
        with pytest.raises(DomainError) as caught:
            await simulate(auth, simulation, **changes)
        return caught.value.reason_name

    assert await reason() == "ACCESS_DENIED"
    await put(auth, statement("Allow", "iam:*"))
    assert await reason(arn=ALICE.replace("alice", "bob")) == "RESOURCE_NOT_FOUND"
    assert await reason(arn=f"arn:aws:iam::{ACCOUNT}:role/nobody") == "RESOURCE_NOT_FOUND"
    assert await reason(arn=f"arn:aws:iam::{ACCOUNT}:root") == "INVALID_FIELD"
    assert await reason(context={"aws:Unknown": ["x"]}) == "INVALID_FIELD"
    assert await reason(context={"aws:username": ["a", "b"]}) == "INVALID_FIELD"
    assert await reason(additional=["{"]) == "UNSUPPORTED_POLICY"
    foreign = ALICE.replace(ACCOUNT, "210987654321")
    assert await reason(arn=foreign) == "ACCESS_DENIED"
