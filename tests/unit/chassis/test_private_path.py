"""What a VPC endpoint changes at an enforcement point: conditions, a layer, and when a lease ends."""

from typing import Any

import pytest

from services.chassis.authorization import Authorizer
from services.chassis.errors import DomainError
from services.chassis.leases import MAX_LEASE_S, Leases
from services.chassis.policy.bundle import PolicyBundle
from services.chassis.principal import ClientContext, PrivatePath
from tests.fakes.clock import ManualClock
from tests.unit.chassis.enforcement_point import ALLOW, DENY, MODEL, Auth, a_call, document

OWNER, OTHER = "210987654321", "333333333333"
PATH = PrivatePath("vpce-0000000000000000a", "vpc-0000000000000001f", OWNER, "bedrock-runtime")
CLIENT = ClientContext("10.0.0.9", "agent", "TLSv1.3", "suite", "host")
FULL = document({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})


def bundle(*identity: dict[str, Any], endpoint: tuple[str, ...] | None = (FULL,)) -> PolicyBundle:
    return PolicyBundle(tuple(document(each) for each in identity), endpoint=endpoint)


async def may(
    authorizer: Authorizer, path: PrivatePath | None = PATH, client: ClientContext = CLIENT
) -> bool:
    return await authorizer.allowed(a_call(path=path, client=client), "bedrock:InvokeModel", MODEL)


@pytest.mark.parametrize(
    ("condition", "privately", "publicly"),
    [
        ({"StringEquals": {"aws:SourceVpce": PATH.endpoint_id}}, True, False),
        ({"StringEquals": {"aws:SourceVpce": "vpce-0000000000000000b"}}, False, False),
        ({"StringEquals": {"aws:SourceVpc": PATH.vpc_id}}, True, False),
        ({"StringEquals": {"aws:VpceAccount": OWNER}}, True, False),
        ({"Null": {"aws:SourceVpce": "true"}}, False, True),
        ({"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}}, True, False),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True, False),
    ],
)
async def test_conditions_know_the_path(
    authorizer: Authorizer, auth: Auth, condition: Any, privately: bool, publicly: bool
) -> None:
    auth.bundle = bundle({**ALLOW, "Condition": condition})
    assert await may(authorizer) is privately
    auth.bundle = bundle({**ALLOW, "Condition": condition}, endpoint=None)
    assert await may(authorizer, None) is publicly


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotEqualsIfExists", "StringNotLike"])
async def test_a_deny_on_all_but_the_private_path(authorizer: Authorizer, auth: Auth, operator: str) -> None:
    deny = {**DENY, "Condition": {operator: {"aws:SourceVpce": PATH.endpoint_id}}}
    auth.bundle = bundle(ALLOW, deny)
    assert await may(authorizer)
    assert not await may(authorizer, PATH._replace(endpoint_id="vpce-0000000000000000b"))
    auth.bundle = bundle(ALLOW, deny, endpoint=None)
    assert not await may(authorizer, None)


async def test_its_policy_binds_beside_the_others(
    authorizer: Authorizer, auth: Auth, clock: ManualClock
) -> None:
    one_model = document({**ALLOW, "Principal": "*", "Resource": MODEL})
    auth.bundle = bundle({**ALLOW, "Resource": "*"}, endpoint=(one_model,))
    assert await may(authorizer)
    other = MODEL.replace("tiny-text", "tiny-chat")
    with pytest.raises(DomainError, match="because no VPC endpoint policy allows the bedrock:InvokeModel"):
        await authorizer.authorize(a_call(path=PATH), "bedrock:InvokeModel", other)
    clock.advance(MAX_LEASE_S)
    auth.bundle = bundle(endpoint=(FULL,))
    assert not await may(authorizer), "it gives nothing by itself"
    clock.advance(MAX_LEASE_S)
    only_here = document(
        {**ALLOW, "Principal": "*", "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-x"}}}
    )
    auth.bundle = bundle(ALLOW, endpoint=(only_here,))
    assert not await may(authorizer), "its conditions are looked at when no other policy has any"


async def test_layers_of_another_path_permit_nothing(authorizer: Authorizer, auth: Auth) -> None:
    auth.bundle = bundle(ALLOW, endpoint=None)
    assert not await may(authorizer)
    auth.bundle = bundle(ALLOW)
    assert not await may(authorizer, None)


async def test_each_path_has_leases_of_its_own(authorizer: Authorizer, auth: Auth) -> None:
    auth.bundle = bundle(ALLOW)
    paths = [
        PATH,
        PATH._replace(endpoint_id="vpce-0000000000000000b"),
        PATH._replace(service="bedrock"),
    ]
    for path in (*paths, *paths):
        assert await may(authorizer, path)
    assert len(auth.known) == len(paths)


async def test_what_the_endpoints_account_changes_ends_leases_through_it(
    leases: Leases, authorizer: Authorizer, auth: Auth
) -> None:
    auth.bundle, auth.endpoint_epoch = bundle(ALLOW), 7
    assert await may(authorizer)
    leases.revoke(OTHER, 99)
    leases.revoke(OWNER, 7)
    assert await may(authorizer)
    assert len(auth.known) == 1, "nothing that it rests on has changed"
    auth.bundle, auth.endpoint_epoch = bundle(ALLOW, endpoint=()), 8
    leases.revoke(OWNER, 8)
    assert not await may(authorizer)
    assert len(auth.known) == 2


async def test_an_answer_from_before_the_change_is_not_used(
    leases: Leases, authorizer: Authorizer, auth: Auth
) -> None:
    auth.bundle, auth.endpoint_epoch = bundle(ALLOW), 7
    leases.revoke(OWNER, 8)
    with pytest.raises(DomainError, match="changing faster"):
        await may(authorizer)
