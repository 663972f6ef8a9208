"""What a request says is made known to policies that ask, and what is decided while it is."""

from collections.abc import Sequence
from typing import Any

import pytest

from services.chassis.policy.bundle import PolicyBundle
from services.chassis.policy.layers import ResourceLayers
from services.kms.domain.aliases import Alias
from services.kms.domain.key_policies import CompiledKeyPolicies, GrantedPolicy, NamingPolicy, WorkloadPolicy
from services.kms.domain.keys import Key
from services.kms.domain.names import AliasName
from tests.unit.kms.key_access import NOW, OWNER, ROOT, World, allow, controlling, deny, document, to

ALIASED = {"StringEquals": {"kms:ResourceAliases": "alias/orders"}}
IN_REGION = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
ELSEWHERE = {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}


class Said:
    """Conditions that count how often they are asked for."""

    def __init__(self, **conditions: str) -> None:
        self.asked = 0
        self._conditions = conditions

    async def __call__(self) -> dict[str, str]:
        self.asked += 1
        return self._conditions


async def decided(world: World, arn: str, key: Key, said: Any, action: str = "kms:Decrypt") -> bool:
    policy = CompiledKeyPolicies("aws").compiled(key.policy, OWNER)
    target = ResourceLayers(OWNER, policy, required=True)
    resource = f"arn:aws:kms:us-east-1:{OWNER}:key/k"
    decision = await world.enforcer.decide(world.call(arn), action, resource, said, target, key.incarnation)
    return decision.allowed


OPEN = allow(**to(ROOT))
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "no conditions at all": (allow(), OPEN, False),
    "of another action": (allow("kms:Encrypt", Condition=IN_REGION), OPEN, False),
    "in the key's policy, of another action": (
        allow(),
        allow("kms:Encrypt", **to(ROOT), Condition=IN_REGION),
        False,
    ),
    "of this action": (allow(Condition=IN_REGION), OPEN, True),
    "of all but another action": (
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*", "Condition": IN_REGION},
        OPEN,
        True,
    ),
    "in a Deny": (deny(Condition=IN_REGION), OPEN, True),
    "a variable in a resource": (
        allow() | {"Resource": "arn:aws:kms:*:*:key/${aws:username}"},
        OPEN,
        True,
    ),
    "in the key's policy": (allow(), allow(**to(ROOT), Condition=IN_REGION), True),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_request_is_looked_at_when_a_policy_about_its_action_asks(case: str) -> None:
    identity, policy, asked = CASES[case]
    world, said = World(), Said()
    alice = world.make("user/alice", identity)
    key = await world.key(document(policy))
    await decided(world, alice, key, said)
    assert said.asked == asked


async def test_every_layer_is_asked_whether_it_looks_at_the_request() -> None:
    world, said = World(), Said()
    alice = world.make("user/alice", allow())
    key = await world.key(document(allow(**to(ROOT))))
    assert await decided(world, alice, key, said)
    assert said.asked == 0
    conditional = (document(allow(Condition=IN_REGION)),)
    narrowings: Sequence[dict[str, Any]] = (
        {"boundary": conditional},
        {"session": conditional},
        {"service_control": (conditional,)},
    )
    for number, layers in enumerate(narrowings, start=1):
        world.bundles[world.ids[alice]] = PolicyBundle((document(allow()),), **layers)
        world.leases.revoke_all()
        assert await decided(world, alice, key, said)
        assert said.asked == number
    world.bundles[world.ids[alice]] = PolicyBundle((document(allow()),))
    world.controls[OWNER] = controlling(deny(Principal="*", Condition=ELSEWHERE))
    world.leases.revoke_all()
    assert await decided(world, alice, key, said)
    assert said.asked == len(narrowings) + 1


async def test_grants_do_not_hide_that_a_policy_asks() -> None:
    world = World()
    key = await world.key(document(allow(**to(ROOT)), deny(**to("*"), Condition=IN_REGION)))
    policy = CompiledKeyPolicies("aws").compiled(key.policy, OWNER)
    for combined in (
        GrantedPolicy(policy, [ROOT]),
        WorkloadPolicy(policy, granted=True),
        NamingPolicy(policy),
    ):
        assert combined.conditional_for("kms:Decrypt")


async def test_aliases_of_a_key_are_known_where_a_policy_asks_for_them() -> None:
    world = World()
    alice = world.make("user/alice", allow(Condition={"ForAnyValue:StringEquals": ALIASED["StringEquals"]}))
    key = await world.key(document(allow(**to(ROOT))))
    assert not await world.may(world.call(alice), key)
    alias = Alias(AliasName(key.name.parent, "orders"), key.name, NOW, NOW)
    await world.keys.change(lambda change: change.put_alias(alias))
    assert await world.may(world.call(alice), key)


async def test_what_is_revoked_while_a_request_is_looked_at_counts() -> None:
    world = World()
    alice = world.make("user/alice", allow(Condition=IN_REGION))
    key = await world.key(document(allow(**to(ROOT))))

    async def said() -> dict[str, str]:
        world.narrow(alice, identity=())
        return {}

    assert await decided(world, alice, key, Said())
    assert not await decided(world, alice, key, said)


async def test_a_policy_that_begins_to_ask_meanwhile_is_answered() -> None:
    world, said = World(), Said()
    alice = world.make("user/alice", allow(Condition=IN_REGION))
    key = await world.key(document(allow(**to(ROOT))))

    async def replaced() -> dict[str, str]:
        narrowed = allow(Condition={"StringEquals": {"kms:CallerAccount": OWNER}})
        world.narrow(alice, identity=(document(narrowed),))
        return {"kms:CallerAccount": OWNER}

    assert await decided(world, alice, key, replaced)
    assert not await decided(world, alice, key, said)
