"""Leases of an enforcement point: their life, their renewal, revocation."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.authorization import Authorizer
from services.chassis.errors import DomainError
from services.chassis.leases import Leases
from services.chassis.policy.cache import PolicyCache
from tests.fakes.clock import ManualClock
from tests.unit.chassis.enforcement_point import (
    ACCOUNT,
    ALLOW,
    DENY,
    Auth,
    a_call,
    document,
    down,
    permitted,
    revoked,
    settled,
)


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
