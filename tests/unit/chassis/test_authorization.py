"""Authorisation at an enforcement point: decisions."""

import dataclasses
import sys
from types import FrameType
from typing import Any

import pytest

from services.chassis.authorization import Authorizer, decide, needs_context
from services.chassis.errors import DomainError
from services.chassis.leases import MAX_LEASE_S
from services.chassis.policy.bundle import CompiledBundle, PolicyBundle
from services.chassis.policy.document import parse
from services.chassis.policy.evaluator import PolicySet
from services.chassis.policy.keys import PrincipalFacts
from services.chassis.policy.kinds import KEY
from services.chassis.policy.layers import RequesterLayers, ResourceLayers
from services.chassis.policy.resource_evaluator import ResourcePolicySet
from services.chassis.principal import BearerTokenType, requester_of
from tests.fakes.clock import ManualClock
from tests.unit.chassis.enforcement_point import (
    ACCOUNT,
    ALLOW,
    CLAIMS,
    DENY,
    MODEL,
    Auth,
    a_call,
    document,
    permitted,
)


async def test_refusals_use_awss_words(authorizer: Authorizer, auth: Auth) -> None:
    await authorizer.authorize(a_call(), "bedrock:InvokeModel", MODEL)
    with pytest.raises(DomainError) as caught:
        await authorizer.authorize(a_call(), "kms:Decrypt", MODEL)
    assert caught.value.reason_name == "ACCESS_DENIED"
    assert caught.value.message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: kms:Decrypt on resource: "
        f"{MODEL} because no identity-based policy allows the kms:Decrypt action"
    )
    auth.policies = (document(ALLOW, DENY),)
    with pytest.raises(DomainError) as caught:
        await authorizer.authorize(a_call(access_key_id="AKIB"), "bedrock:InvokeModel", MODEL)
    assert caught.value.message.endswith(
        f"on resource: {MODEL} with an explicit deny in an identity-based policy"
    )


@pytest.mark.parametrize(
    ("signed", "action", "allowed"),
    [
        ("", "bedrock:InvokeModel", True),
        ("bedrock", "bedrock:InvokeModel", True),
        ("bedrock", "bedrock2:InvokeModel", False),
        ("iam", "bedrock:InvokeModel", False),
        ("bedrock", "iam:CreateUser", False),
        ("bedrock", "iam:PassRole", True),
    ],
)
async def test_a_signature_for_one_service_permits_actions_of_no_other(
    authorizer: Authorizer, auth: Auth, signed: str, action: str, allowed: bool
) -> None:
    auth.policies = (document({**ALLOW, "Action": "*"}),)
    call = a_call(signed_service=signed)
    assert await authorizer.allowed(call, action, "*") is allowed


async def test_what_one_principal_costs_does_not_grow_with_their_number(
    authorizer: Authorizer, auth: Auth
) -> None:
    async def steps() -> int:
        call, events = a_call(), []

        def seen(_frame: FrameType, event: str, _: object) -> None:
            events.append(event)

        await authorizer.authorize(call, "bedrock:InvokeModel", MODEL)
        asked = len(auth.known)
        sys.setprofile(seen)
        try:
            await authorizer.authorize(call, "bedrock:InvokeModel", MODEL)
        finally:
            sys.setprofile(None)
        assert len(auth.known) == asked
        return len(events)

    alone = await steps()
    for number in range(2_000):
        auth.policies = (document({**ALLOW, "Sid": f"Of{number}"}),)
        await authorizer.authorize(a_call(access_key_id=f"AKIB{number}"), "bedrock:InvokeModel", MODEL)
    assert await steps() == alone > 10


CALL = {"Effect": "Allow", "Action": "bedrock:CallWithBearerToken", "Resource": "*"}
ONLY_SHORT = {**CALL, "Condition": {"StringEquals": {"bedrock:bearerTokenType": "SHORT_TERM"}}}
NO_LONG = {
    **CALL,
    "Effect": "Deny",
    "Condition": {"StringEquals": {"bedrock:BearerTokenType": "LONG_TERM"}},
}


@pytest.mark.parametrize(
    ("statements", "long_term", "short_term"),
    [
        ((), False, False),
        ((CALL,), True, True),
        ((ONLY_SHORT,), False, True),
        ((CALL, NO_LONG), False, True),
        (({**CALL, "Resource": MODEL},), False, False),
    ],
)
async def test_an_api_key_needs_a_permission_of_its_own(
    authorizer: Authorizer,
    auth: Auth,
    statements: tuple[dict[str, object], ...],
    long_term: bool,
    short_term: bool,
) -> None:
    auth.policies = (document(ALLOW, *statements),)
    expected = {BearerTokenType.LONG_TERM: long_term, BearerTokenType.SHORT_TERM: short_term}
    for bearer, allowed in expected.items():
        call = a_call(signed_service="bedrock", bearer=bearer, access_key_id=bearer.value)
        assert await authorizer.allowed(call, "bedrock:InvokeModel", MODEL) is allowed
        assert not await authorizer.allowed(call, "kms:Decrypt", "*")
    assert await authorizer.allowed(a_call(), "bedrock:InvokeModel", MODEL), "who signs needs none"


async def test_an_api_key_needs_it_for_every_action(authorizer: Authorizer, auth: Auth) -> None:
    auth.policies = (document({**ALLOW, "Action": ["bedrock:Apply*", "bedrock:Get*"]}),)
    call = a_call(signed_service="bedrock", bearer=BearerTokenType.LONG_TERM)
    for action in ("bedrock:ApplyGuardrail", "bedrock:GetFoundationModel"):
        assert not await authorizer.allowed(call, action, MODEL)
        assert await authorizer.allowed(a_call(), action, MODEL)


async def test_without_that_permission_the_refusal_names_it(authorizer: Authorizer) -> None:
    call = a_call(signed_service="bedrock", bearer=BearerTokenType.LONG_TERM)
    with pytest.raises(DomainError) as caught:
        await authorizer.authorize(call, "bedrock:InvokeModel", MODEL)
    assert caught.value.message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: bedrock:CallWithBearerToken "
        "on resource: * because no identity-based policy allows the bedrock:CallWithBearerToken action"
    )


async def test_each_secret_of_an_api_key_has_a_lease_of_its_own(authorizer: Authorizer, auth: Auth) -> None:
    auth.policies = (document(ALLOW, CALL),)
    for generation in (0, 1, 0, 1):
        call = a_call(signed_service="bedrock", bearer=BearerTokenType.LONG_TERM, key_generation=generation)
        assert await authorizer.allowed(call, "bedrock:InvokeModel", MODEL)
    assert auth.known == ["", ""]


async def test_a_call_without_a_principal_is_refused(authorizer: Authorizer) -> None:
    call = a_call()
    call.principal = None
    with pytest.raises(DomainError) as caught:
        await authorizer.authorize(call, "bedrock:InvokeModel", MODEL)
    assert caught.value.reason_name == "MISSING_CREDENTIALS"


async def test_conditions_see_the_token_and_the_operation(authorizer: Authorizer, auth: Auth) -> None:
    condition = {
        "StringEquals": {"aws:username": "alice", "kms:EncryptionContext:Team": "red"},
        "Bool": {"aws:SecureTransport": "false"},
    }
    auth.policies = (document({**ALLOW, "Condition": condition}),)
    allowed = authorizer.allowed
    assert await allowed(a_call(), "bedrock:InvokeModel", MODEL, {"kms:EncryptionContext:team": ["red"]})
    assert not await allowed(a_call(), "bedrock:InvokeModel", MODEL)


async def test_a_condition_in_one_of_many_statements_is_seen(authorizer: Authorizer, auth: Auth) -> None:
    only_others = {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
    auth.policies = (document(ALLOW), document({**DENY, "Condition": only_others}))
    assert not await permitted(authorizer)


def _resource_policies(*statements: dict[str, Any]) -> ResourcePolicySet:
    return ResourcePolicySet([parse(document(*statements), KEY)])


def test_requests_are_looked_at_for_policies_that_ask() -> None:
    secure = {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    plain = RequesterLayers(PolicySet([parse(document(ALLOW))]))
    asks = RequesterLayers(PolicySet([parse(document({**ALLOW, **secure}))]))
    assert needs_context(CompiledBundle(asks), "bedrock:InvokeModel", None)
    assert not needs_context(CompiledBundle(asks), "kms:Decrypt", None)
    assert not needs_context(CompiledBundle(plain), "bedrock:InvokeModel", None)
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}
    asking = _resource_policies({**anybody, "Action": "kms:Encrypt"}, {**anybody, **secure})
    silent = _resource_policies(anybody)
    bundle = CompiledBundle(plain, control=(silent,))
    for target, asked in (
        (ResourceLayers(ACCOUNT), False),
        (ResourceLayers(ACCOUNT, policy=silent), False),
        (ResourceLayers(ACCOUNT, policy=asking), True),
        (ResourceLayers(ACCOUNT, policy=asking, control=bundle.control), True),
        (ResourceLayers(ACCOUNT, policy=silent, control=bundle.control), False),
        (ResourceLayers(ACCOUNT, control=(silent, asking)), True),
        (ResourceLayers(ACCOUNT, control=(silent,)), False),
    ):
        assert needs_context(bundle, "kms:Decrypt", target) is asked
        assert not needs_context(bundle, "kms:Encrypt", target)
    assert needs_context(CompiledBundle(plain, control=(asking,)), "kms:Decrypt", None)


def test_who_asks_is_read_from_the_token_unless_it_is_given(clock: ManualClock) -> None:
    nothing = CompiledBundle(RequesterLayers())
    user, root = CLAIMS, dataclasses.replace(CLAIMS, root=True, principal_id=ACCOUNT)
    assert not decide(user, nothing, "bedrock:InvokeModel", MODEL, clock).allowed
    assert decide(root, nothing, "bedrock:InvokeModel", MODEL, clock).allowed
    given = decide(user, nothing, "bedrock:InvokeModel", MODEL, clock, requester=requester_of(root))
    assert given.allowed


async def test_root_is_bound_by_no_identity_policy(authorizer: Authorizer, auth: Auth) -> None:
    auth.policies = ()
    assert not await permitted(authorizer)
    assert await permitted(authorizer, root=True, principal_id=ACCOUNT)


async def test_all_layers_that_auth_leases_bind(
    authorizer: Authorizer, auth: Auth, clock: ManualClock
) -> None:
    allow, deny = (document(ALLOW),), (document(DENY),)
    everybody = (document({**DENY, "Principal": "*"}),)
    for bundle, layer in (
        (PolicyBundle(allow, boundary=()), "no permissions boundary"),
        (PolicyBundle(allow, session=()), "no session policy"),
        (PolicyBundle(allow, service_control=(allow, ())), "no service control policy"),
        (PolicyBundle(allow, service_control=(allow, deny)), "an explicit deny in a service control policy"),
        (PolicyBundle((), boundary=allow), "no identity-based policy"),
    ):
        auth.bundle = bundle
        clock.advance(MAX_LEASE_S)
        with pytest.raises(DomainError, match=layer):
            await authorizer.authorize(a_call(), "bedrock:InvokeModel", MODEL)
    auth.bundle = PolicyBundle(allow, allow, allow, (allow, allow), (everybody,))
    clock.advance(MAX_LEASE_S)
    assert await permitted(authorizer)


async def test_conditions_know_the_principals_organization(
    authorizer: Authorizer, auth: Auth, clock: ManualClock
) -> None:
    condition = {
        "StringEquals": {"aws:PrincipalOrgID": "o-1"},
        "ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/r-1/*"},
    }
    auth.policies = (document({**ALLOW, "Condition": condition}),)
    assert not await permitted(authorizer)
    clock.advance(MAX_LEASE_S)
    auth.facts = PrincipalFacts("o-1", "o-1/r-1/ou-1-a/")
    assert await permitted(authorizer)
    # A renewal without documents keeps what is known.
    clock.advance(MAX_LEASE_S)
    assert await permitted(authorizer)
    assert [bool(each) for each in auth.known] == [False, True, True]
    clock.advance(MAX_LEASE_S)
    auth.facts = PrincipalFacts("o-1", "o-1/r-2/")
    assert not await permitted(authorizer)


async def test_conditions_know_whose_the_resource_is(authorizer: Authorizer, auth: Auth) -> None:
    condition = {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}
    auth.policies = (document({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}),)
    own = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"
    assert await authorizer.allowed(a_call(), "kms:Decrypt", own)
    assert not await permitted(authorizer), "a foundation model has no owner"


async def test_resource_controls_bind_the_accounts_own_resources(
    authorizer: Authorizer, auth: Auth, clock: ManualClock
) -> None:
    full = document({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})
    deny = document({"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"})
    allow = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
    own, other = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k", "arn:aws:kms:us-east-1:210987654321:key/k"
    for controls, permitted_ in (((), True), (((full,),), True), (((full, deny),), False), (((),), False)):
        auth.bundle = PolicyBundle((allow,), resource_control=controls)
        clock.advance(MAX_LEASE_S)
        assert await authorizer.allowed(a_call(), "kms:Decrypt", own) is permitted_
        assert not await authorizer.allowed(a_call(), "kms:Decrypt", other), "it belongs to somebody else"


async def test_model_access_needs_this_very_eula_in_this_region(authorizer: Authorizer) -> None:
    await authorizer.require_model_access(a_call(), "us-east-1", "craton.tiny-text-v1", "ab")
    for wrong in (("us-west-2", "craton.tiny-text-v1", "ab"), ("us-east-1", "craton.other", "ab")):
        with pytest.raises(DomainError) as caught:
            await authorizer.require_model_access(a_call(), *wrong)
        assert caught.value.reason_name == "MODEL_ACCESS_DENIED"
    with pytest.raises(DomainError):
        await authorizer.require_model_access(a_call(), "us-east-1", "craton.tiny-text-v1", "cd")


async def test_a_policy_that_is_not_understood_permits_nothing(authorizer: Authorizer, auth: Auth) -> None:
    newer = document({**ALLOW, "Condition": {"StringEquals": {"aws:FromANewerRelease": "x"}}})
    auth.policies = (document(ALLOW), newer)
    with pytest.raises(DomainError) as caught:
        await permitted(authorizer)
    assert caught.value.reason_name == "INTERNAL"
