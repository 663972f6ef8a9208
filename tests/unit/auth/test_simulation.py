"""What policies would decide, and why."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from services.auth.adapters.principal_state import SqlPrincipals
from services.auth.domain.simulated_context import GivenKey
from services.auth.operations.simulated_requests import Asked, Simulated
from services.auth.operations.simulation import Simulation
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


def asked(*, context: Any = (), **changes: Any) -> Asked:
    given = [GivenKey(key, values) for key, values in dict(context).items()]
    return Asked(**{"actions": [INVOKE], "resources": [MODEL], "context": given, **changes})


async def simulate(auth: Any, simulation: Simulation, **changes: Any) -> Sequence[Simulated]:
    arn, additional = changes.pop("arn", ALICE), changes.pop("additional", [])
    caller_arn = changes.pop("caller_arn", "")
    page = await simulation.principal(await call(auth), arn, asked(**changes), additional, caller_arn)
    return page.items


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


KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
OTHER = "210987654321"


async def test_an_unknown_action_is_reported_with_the_nearest(auth, simulation) -> None:
    await put(auth, statement("Allow", "*"))
    known, unknown, foreign = await simulate(
        auth, simulation, actions=[INVOKE, "bedrock:InvokeModle", "s3:GetObject"]
    )
    assert (known.known, known.nearest) == (True, "")
    assert (unknown.known, unknown.nearest) == (False, INVOKE)
    assert (foreign.known, foreign.nearest) == (False, "")
    assert unknown.decision[0].allowed, "deciding does not depend on it"


async def test_what_needs_no_permission_is_allowed_whatever_policies_say(auth, simulation) -> None:
    await put(auth, statement("Allow", "iam:*"), statement("Deny", "sts:*"))
    free, bound = await simulate(auth, simulation, actions=["sts:GetCallerIdentity", "sts:AssumeRole"])
    assert free.decision[0].allowed
    assert free.permission_free
    assert not bound.decision[0].allowed
    assert not bound.permission_free


async def test_keys_that_could_have_decided_and_were_not_given_are_named(auth, simulation) -> None:
    inside = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "StringEquals": {"aws:username": "alice"}}
    elsewhere = {"StringEquals": {"aws:UserAgent": "x"}}
    await put(
        auth,
        statement("Allow", "iam:*", Condition={"StringEqualsIfExists": {"aws:UserAgent": "x"}}),
        statement("Allow", INVOKE, Condition=inside),
        statement("Deny", "kms:*", Condition=elsewhere),
    )
    [result] = await simulate(auth, simulation)
    assert result.missing_keys == ("aws:SourceIp",)
    [result] = await simulate(auth, simulation, context={"aws:SourceIp": ["10.1.2.3"]})
    assert result.missing_keys == ()
    [result] = await simulate(auth, simulation, actions=["kms:Decrypt"])
    assert result.missing_keys == ("aws:UserAgent",)


async def test_a_boundary_is_tried_out_instead_of_the_own_one(auth, simulation) -> None:
    await put(auth, statement("Allow", "*"))
    boundary = document(statement("Allow", "kms:*", Sid="narrow"))
    narrowed, allowed = await simulate(
        auth, simulation, actions=[INVOKE, "kms:Decrypt"], resources=[], boundary=boundary
    )
    assert not narrowed.decision[0].allowed
    assert narrowed.decision[0].layer is Layer.BOUNDARY
    assert allowed.decision[0].allowed
    assert json.loads(allowed.layers[1][1])["Sid"] == "narrow"


async def test_the_policy_of_a_resource_is_decided_with(auth, simulation) -> None:
    await put(auth, statement("Allow", "iam:*"))
    ask = {"actions": ["kms:Decrypt"], "resources": [KEY]}
    [result] = await simulate(auth, simulation, **ask)
    assert not result.decision[0].allowed
    mine = document({**statement("Allow", "kms:Decrypt", Sid="given"), "Principal": {"AWS": ALICE}})
    [result] = await simulate(auth, simulation, resource_policy=mine, **ask)
    assert result.decision[0].allowed
    assert result.decision[0].layer is Layer.RESOURCE
    assert json.loads(result.decision[1])["Sid"] == "given"
    bob = ALICE.replace("alice", "bob")
    [result] = await simulate(auth, simulation, resource_policy=mine, caller_arn=bob, **ask)
    assert not result.decision[0].allowed
    silent = document({**statement("Allow", "kms:Encrypt"), "Principal": {"AWS": ALICE}})
    await put(auth, statement("Allow", "*"))
    [result] = await simulate(auth, simulation, resource_policy=silent, **ask)
    assert not result.decision[0].allowed, "nothing but its own policy opens a key"


async def test_a_resource_is_what_its_arn_begins_with(auth, simulation) -> None:
    """A path can look like a role or a key, which nothing but their own policies open."""
    await put(auth, statement("Allow", "iam:*"))
    silent = document({**statement("Allow", "kms:Encrypt"), "Principal": {"AWS": ALICE}})
    for path in ("/:role/x/", "/:key/"):
        ask = {"actions": ["iam:GetUser"], "resources": [ALICE.replace("/alice", f"{path}alice")]}
        [result] = await simulate(auth, simulation, resource_policy=silent, **ask)
        assert result.decision[0].allowed


async def test_between_accounts_both_sides_must_allow(auth, simulation) -> None:
    await put(auth, statement("Allow", "iam:*"))
    mine = document({**statement("Allow", "*"), "Principal": {"AWS": ALICE}})
    ask = {"actions": [INVOKE], "resources": [MODEL], "resource_policy": mine}
    [result] = await simulate(auth, simulation, **ask)
    assert result.decision[0].allowed, "nobody owns it"
    [result] = await simulate(auth, simulation, owner_account_id=OTHER, **ask)
    assert not result.decision[0].allowed
    await put(auth, statement("Allow", ["iam:*", INVOKE]))
    [result] = await simulate(auth, simulation, owner_account_id=OTHER, **ask)
    assert result.decision[0].allowed


async def custom(auth: Any, simulation: Simulation, *policies: str, **changes: Any) -> Sequence[Simulated]:
    caller_arn, levels = changes.pop("caller_arn", ""), changes.pop("levels", ())
    page = await simulation.custom(await call(auth), policies, asked(**changes), caller_arn, levels)
    return page.items


async def test_policies_alone_decide_of_nobody(auth, simulation) -> None:
    await put(auth, statement("Allow", "iam:Simulate*"), statement("Deny", INVOKE))
    mine = {"StringEquals": {"aws:username": "alice"}}
    policy = document(statement("Allow", INVOKE, Condition=mine, Sid="tried"))
    [result] = await custom(auth, simulation, policy)
    assert not result.decision[0].allowed, "nothing is known of whoever asks"
    assert result.missing_keys == ("aws:username",)
    [result] = await custom(auth, simulation, policy, caller_arn=ALICE)
    assert result.decision[0].allowed, "and what the caller's own policies say is not asked"
    assert json.loads(result.decision[1])["Sid"] == "tried"
    [result] = await custom(auth, simulation, policy, context={"aws:username": ["alice"]})
    assert result.decision[0].allowed
    assert result.missing_keys == ()
    boundary = document(statement("Allow", "kms:*"))
    [result] = await custom(auth, simulation, policy, caller_arn=ALICE, boundary=boundary)
    assert result.decision[0].layer is Layer.BOUNDARY


async def test_keys_that_policies_ask_for(auth, simulation) -> None:
    inside = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    await put(auth, statement("Allow", "iam:*"), statement("Allow", INVOKE, Condition=inside))
    more = document(statement("Allow", INVOKE, Condition={"StringEquals": {"aws:userid": "${aws:username}"}}))
    found = await simulation.keys_of_principal(await call(auth), ALICE, [more])
    assert found == ("aws:SourceIp", "aws:userid", "aws:username")
    assert await simulation.keys_of_policies(await call(auth), [more]) == ("aws:userid", "aws:username")


async def test_refusals_of_what_stands_beside_the_policies(auth, simulation) -> None:
    await put(auth, statement("Allow", "*"))

    async def reason(**changes: Any) -> str:
        with pytest.raises(DomainError) as caught:
            await custom(auth, simulation, document(statement("Allow", "*")), **changes)
        return caught.value.reason_name

    assert await reason(caller_arn="alice") == "INVALID_FIELD"
    assert await reason(caller_arn=f"arn:aws:iam::{ACCOUNT}:role/reader") == "INVALID_FIELD"
    assert await reason(boundary="{") == "UNSUPPORTED_POLICY"
    assert await reason(resource_policy=document(statement("Allow", "*"))) == "UNSUPPORTED_POLICY"
    with pytest.raises(DomainError) as caught:
        await custom(auth, simulation, "{")
    assert caught.value.reason_name == "UNSUPPORTED_POLICY"
    await put(auth, statement("Allow", "iam:ListUsers"))
    assert await reason() == "ACCESS_DENIED"
    with pytest.raises(DomainError) as caught:
        await simulation.keys_of_policies(await call(auth), [document(statement("Allow", "*"))])
    assert caught.value.reason_name == "ACCESS_DENIED"
