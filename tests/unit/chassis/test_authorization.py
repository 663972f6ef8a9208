"""Authorisation at an enforcement point: decisions, leases, revocation."""

import asyncio
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.authorization import Authorizer
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.leases import MAX_LEASE_S, LeaseAnswer, Leases
from services.chassis.policy.bundle import PolicyBundle
from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.keys import PrincipalFacts
from services.chassis.principal import PrincipalClaims
from tests.fakes.clock import ManualClock

MODEL = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"
ACCOUNT = "123456789012"
ALLOW = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}
DENY = {**ALLOW, "Effect": "Deny"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Auth:
    """A LeaseSource that tests steer."""

    def __init__(self, clock: ManualClock) -> None:
        self.bundle = PolicyBundle((document(ALLOW),))
        self.entitlements = frozenset({("us-east-1", "craton.tiny-text-v1", "ab")})
        self.facts = PrincipalFacts()
        self.epoch = 1
        self.error: DomainError | None = None
        self.life_s = 5.0
        self.takes_s = 0.0
        self.known: list[str] = []
        self.gate: asyncio.Event | None = None
        self._clock = clock

    @property
    def policies(self) -> tuple[str, ...]:
        """The identity policies."""
        return self.bundle.identity

    @policies.setter
    def policies(self, documents: tuple[str, ...]) -> None:
        self.bundle = dataclasses.replace(self.bundle, identity=documents)

    async def fetch(self, token: str, known_digest: str, continuing: bool = False) -> LeaseAnswer:
        self.known.append(known_digest)
        answer = self._answer(known_digest)
        if self.gate is not None:
            await self.gate.wait()
        self._clock.advance(self.takes_s)
        if self.error is not None:
            raise self.error
        return answer

    def _answer(self, known_digest: str) -> LeaseAnswer:
        digest = str(hash((self.bundle, self.entitlements, self.facts)))
        unchanged = digest == known_digest
        return LeaseAnswer(
            None if unchanged else self.bundle,
            None if unchanged else self.entitlements,
            self.epoch,
            digest,
            self.life_s,
            PrincipalFacts() if unchanged else self.facts,
        )


def down() -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "down")


def revoked() -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_INVALID_TOKEN, "gone")


CLAIMS = PrincipalClaims(
    account_id=ACCOUNT,
    account_incarnation="i",
    arn=f"arn:aws:iam::{ACCOUNT}:user/alice",
    principal_id="AIDA",
    access_key_id="AKIA",
    root=False,
    policy_epoch=1,
    region="us-east-1",
    audience="runtime",
    token_id="t",
    issued_at=0,
    expires_at=60,
)


def a_call(**changes: Any) -> CallContext:
    return CallContext(
        method="/m",
        request_id="r",
        call_id="c",
        caller=WorkloadId("craton.local", "service", "edge"),
        principal=dataclasses.replace(CLAIMS, **changes),
        principal_token="token",
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def auth(clock: ManualClock) -> Auth:
    return Auth(clock)


@pytest.fixture
def leases(auth: Auth, clock: ManualClock) -> Leases:
    return Leases(auth, clock)


@pytest.fixture
def authorizer(leases: Leases, clock: ManualClock) -> Authorizer:
    return Authorizer(leases, clock)


async def permitted(authorizer: Authorizer, **changes: Any) -> bool:
    return await authorizer.allowed(a_call(**changes), "bedrock:InvokeModel", MODEL)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


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


async def test_a_live_lease_asks_nobody(authorizer: Authorizer, auth: Auth, clock: ManualClock) -> None:
    for _ in range(100):
        assert await permitted(authorizer)
    clock.advance(2.4)
    assert await permitted(authorizer)
    assert auth.known == [""]


async def test_a_lease_counts_from_before_it_was_asked_for(
    authorizer: Authorizer, auth: Auth, clock: ManualClock
) -> None:
    auth.takes_s = 3.0
    assert await permitted(authorizer)
    auth.error = down()
    clock.advance(1.9)
    assert await permitted(authorizer)
    await settled()
    auth.takes_s = 0
    clock.advance(0.2)
    with pytest.raises(DomainError) as caught:
        await permitted(authorizer)
    assert caught.value.reason_name == "DEPENDENCY_UNAVAILABLE"


async def test_no_answer_can_make_a_lease_longer_than_five_seconds(
    authorizer: Authorizer, auth: Auth, clock: ManualClock
) -> None:
    auth.life_s = 3600
    assert await permitted(authorizer)
    auth.error = down()
    clock.advance(5)
    with pytest.raises(DomainError):
        await permitted(authorizer)


async def test_a_busy_lease_is_renewed_in_the_background_without_documents(
    authorizer: Authorizer, auth: Auth, clock: ManualClock
) -> None:
    assert await permitted(authorizer)
    clock.advance(3)
    auth.gate = asyncio.Event()
    # auth hangs, and nobody waits for it.
    assert await asyncio.wait_for(permitted(authorizer), 1)
    assert await asyncio.wait_for(permitted(authorizer), 1)
    await settled()
    assert len(auth.known) == 2
    assert auth.known[1] != ""
    auth.gate.set()
    auth.gate = None
    await settled()
    clock.advance(4)
    auth.error = down()
    assert await permitted(authorizer)


async def test_a_failed_renewal_is_not_repeated_at_once(
    authorizer: Authorizer, auth: Auth, clock: ManualClock
) -> None:
    assert await permitted(authorizer)
    clock.advance(3)
    auth.error = down()
    for _ in range(50):
        assert await permitted(authorizer)
        await settled()
    assert len(auth.known) == 2
    clock.advance(0.6)
    assert await permitted(authorizer)
    await settled()
    assert len(auth.known) == 3


async def test_a_renewal_that_is_refused_ends_the_lease(
    authorizer: Authorizer, auth: Auth, clock: ManualClock
) -> None:
    assert await permitted(authorizer)
    clock.advance(3)
    auth.error = revoked()
    assert await permitted(authorizer)
    await settled()
    with pytest.raises(DomainError) as caught:
        await permitted(authorizer)
    assert caught.value.reason_name == "INVALID_TOKEN"


async def test_a_defect_of_auth_is_no_refusal(authorizer: Authorizer, auth: Auth, clock: ManualClock) -> None:
    assert await permitted(authorizer)
    clock.advance(3)
    auth.error = DomainError(ErrorReason.ERROR_REASON_INTERNAL, "defect")
    assert await permitted(authorizer)
    await settled()
    assert await permitted(authorizer)
    clock.advance(2)
    with pytest.raises(DomainError) as caught:
        await permitted(authorizer)
    assert caught.value.reason_name == "INTERNAL"


async def test_a_policy_that_is_not_understood_permits_nothing(authorizer: Authorizer, auth: Auth) -> None:
    newer = document({**ALLOW, "Condition": {"StringEquals": {"aws:FromANewerRelease": "x"}}})
    auth.policies = (document(ALLOW), newer)
    with pytest.raises(DomainError) as caught:
        await permitted(authorizer)
    assert caught.value.reason_name == "INTERNAL"


async def test_a_token_minted_after_a_change_needs_a_newer_lease(authorizer: Authorizer, auth: Auth) -> None:
    assert await permitted(authorizer)
    auth.policies, auth.epoch = (document(DENY),), 2
    assert await permitted(authorizer)
    assert not await permitted(authorizer, policy_epoch=2)


async def test_a_revocation_drops_leases_of_the_account_alone(
    authorizer: Authorizer, auth: Auth, leases: Leases
) -> None:
    assert await permitted(authorizer)
    assert await permitted(authorizer, account_id="210987654321")
    auth.policies, auth.epoch = (document(DENY),), 2
    leases.revoke(ACCOUNT, 2)
    assert not await permitted(authorizer)
    assert await permitted(authorizer, account_id="210987654321")
    # Announcements may come twice and out of order.
    leases.revoke(ACCOUNT, 1)
    assert not await permitted(authorizer)


async def test_an_answer_from_before_the_revocation_is_not_used(
    authorizer: Authorizer, auth: Auth, leases: Leases
) -> None:
    auth.gate = asyncio.Event()
    waiting = asyncio.create_task(permitted(authorizer))
    await settled()
    auth.policies, auth.epoch = (document(DENY),), 2
    leases.revoke(ACCOUNT, 2)
    auth.gate.set()
    assert not await waiting
    assert len(auth.known) == 2


async def test_nothing_from_before_a_loss_of_announcements_is_used(
    authorizer: Authorizer, auth: Auth, leases: Leases
) -> None:
    assert await permitted(authorizer)
    assert await permitted(authorizer, account_id="210987654321")
    leases.revoke_all()
    # Nothing had changed: auth is asked once more by digest, and the documents are those of before.
    assert await permitted(authorizer)
    assert len(auth.known) == 3
    assert auth.known[-1] != ""
    # What changed unannounced is noticed, although no epoch was heard of.
    auth.policies, auth.epoch = (document(DENY),), 2
    assert await permitted(authorizer)
    leases.revoke_all()
    assert not await permitted(authorizer)


async def test_an_answer_on_its_way_at_a_loss_of_announcements_is_not_used(
    authorizer: Authorizer, auth: Auth, leases: Leases
) -> None:
    auth.gate = asyncio.Event()
    waiting = asyncio.create_task(permitted(authorizer))
    await settled()
    auth.policies, auth.epoch = (document(DENY),), 2
    leases.revoke_all()
    auth.gate.set()
    assert not await waiting
    assert len(auth.known) == 2


async def test_auth_that_stays_behind_a_revocation_closes(authorizer: Authorizer, leases: Leases) -> None:
    leases.revoke(ACCOUNT, 9)
    with pytest.raises(DomainError) as caught:
        await permitted(authorizer)
    assert caught.value.reason_name == "DEPENDENCY_UNAVAILABLE"


async def test_waiting_callers_share_one_question_and_survive_each_others_cancellation(
    authorizer: Authorizer, auth: Auth
) -> None:
    auth.gate = asyncio.Event()
    waiting = [asyncio.create_task(permitted(authorizer)) for _ in range(10)]
    await settled()
    waiting[0].cancel()
    await settled()
    auth.gate.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert results[1:] == [True] * 9
    assert len(auth.known) == 1


@pytest.mark.parametrize(
    "change", [{"access_key_id": "AKIB"}, {"account_incarnation": "j"}, {"principal_id": "AIDB"}]
)
async def test_leases_are_shared_by_nobody(
    authorizer: Authorizer, auth: Auth, change: dict[str, Any]
) -> None:
    assert await permitted(authorizer)
    auth.policies = (document(DENY),)
    assert not await permitted(authorizer, **change)


async def test_equal_policies_are_compiled_once(leases: Leases) -> None:
    first = await leases.get(a_call())
    second = await leases.get(a_call(principal_id="AIDB"))
    assert first.policies.bound.identity is second.policies.bound.identity


async def test_a_revocation_is_not_forgotten_for_the_sake_of_others(
    auth: Auth, leases: Leases, clock: ManualClock
) -> None:
    authorizer = Authorizer(leases, clock)
    assert await permitted(authorizer)
    auth.policies, auth.epoch = (document(DENY),), 2
    leases.revoke(ACCOUNT, 2)
    # A change of a large organization: more accounts than an enforcement point keeps in mind.
    for number in range(20_000):
        leases.revoke(f"{number:012d}", 7)
    assert not await permitted(authorizer)
    assert len(leases._floors) <= 10_000


async def test_policies_that_made_room_are_asked_for_again(auth: Auth, clock: ManualClock) -> None:
    authorizer = Authorizer(Leases(auth, clock, PolicyCache(max_chars=len(document(ALLOW)))), clock)
    assert await permitted(authorizer)
    auth.policies = (document(ALLOW, DENY),)
    assert not await permitted(authorizer, principal_id="AIDB")
    # The first principal's policies made room for those of the second: its lease is void, though live.
    auth.policies = (document(ALLOW),)
    assert await permitted(authorizer)
    assert auth.known == ["", "", ""]


async def test_leases_of_principals_that_went_away_are_forgotten(
    authorizer: Authorizer, auth: Auth, clock: ManualClock
) -> None:
    for number in range(10):
        assert await permitted(authorizer, principal_id=f"AIDA{number}")
    clock.advance(66)
    assert await permitted(authorizer)
    assert await permitted(authorizer, principal_id="AIDA1")
    # A known digest would have been sent for a lease that was still kept.
    assert auth.known == [""] * 12


def test_a_token_is_not_shown_by_the_call(clock: ManualClock) -> None:
    shown: Callable[[object], str] = repr
    call = a_call()
    call.principal_token = "secret-token"
    assert "secret-token" not in shown(call)
