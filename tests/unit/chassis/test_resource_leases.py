"""Leases on what protects the resources of other accounts: their life, and revocation."""

import asyncio

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.kinds import RESOURCE_CONTROL
from services.chassis.resource_leases import ResourceLeaseAnswer, ResourceLeases
from tests.fakes.clock import ManualClock

ACCOUNT, OTHER = "111122223333", "444455556666"
DENY = '{"Statement":{"Effect":"Deny","Principal":"*","Action":"%s","Resource":"*"}}'


def denying(action: str) -> tuple[tuple[str, ...], ...]:
    return ((canonical(parse(DENY % action, RESOURCE_CONTROL)),),)


class Auth:
    """A ResourceLeaseSource that tests steer."""

    def __init__(self, clock: ManualClock) -> None:
        self.control = denying("kms:*")
        self.epoch = 1
        self.digest = ""
        self.life_s = 5.0
        self.takes_s = 0.0
        self.error: DomainError | None = None
        self.gate: asyncio.Event | None = None
        self.asked: list[tuple[str, str]] = []
        self._clock = clock

    async def fetch(self, account_id: str, known_digest: str) -> ResourceLeaseAnswer:
        self.asked.append((account_id, known_digest))
        digest = self.digest or str(hash(self.control))
        control = None if digest == known_digest else self.control
        answer = ResourceLeaseAnswer("i1", control, self.epoch, digest, self.life_s)
        if self.gate is not None:
            await self.gate.wait()
        self._clock.advance(self.takes_s)
        if self.error is not None:
            raise self.error
        return answer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def auth(clock: ManualClock) -> Auth:
    return Auth(clock)


@pytest.fixture
def leases(auth: Auth, clock: ManualClock) -> ResourceLeases:
    return ResourceLeases(auth, clock)


async def test_a_live_lease_asks_nobody(leases: ResourceLeases, auth: Auth, clock: ManualClock) -> None:
    first = await leases.get(ACCOUNT)
    clock.advance(4.9)
    assert await leases.get(ACCOUNT) is first
    await leases.get(OTHER)
    assert [account for account, _ in auth.asked] == [ACCOUNT, OTHER]


async def test_a_lease_ends_and_is_renewed_without_its_documents(
    leases: ResourceLeases, auth: Auth, clock: ManualClock
) -> None:
    first = await leases.get(ACCOUNT)
    clock.advance(5)
    second = await leases.get(ACCOUNT)
    assert auth.asked == [(ACCOUNT, ""), (ACCOUNT, first.digest)]
    assert second.control is first.control
    auth.control = denying("kms:Decrypt")
    clock.advance(5)
    assert (await leases.get(ACCOUNT)).control is not first.control


async def test_a_lease_counts_from_before_it_was_asked_for_and_never_longer_than_five_seconds(
    leases: ResourceLeases, auth: Auth, clock: ManualClock
) -> None:
    auth.life_s, auth.takes_s = 3_600.0, 3.0
    await leases.get(ACCOUNT)
    clock.advance(1.9)
    await leases.get(ACCOUNT)
    assert len(auth.asked) == 1
    clock.advance(0.1)
    await leases.get(ACCOUNT)
    assert len(auth.asked) == 2


async def test_without_an_answer_there_is_no_lease(
    leases: ResourceLeases, auth: Auth, clock: ManualClock
) -> None:
    await leases.get(ACCOUNT)
    auth.error = DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "down")
    clock.advance(4.9)
    await leases.get(ACCOUNT)
    clock.advance(0.1)
    with pytest.raises(DomainError, match="down"):
        await leases.get(ACCOUNT)


async def test_what_is_revoked_is_not_used_nor_what_is_on_its_way(leases: ResourceLeases, auth: Auth) -> None:
    old = await leases.get(ACCOUNT)
    leases.revoke(ACCOUNT, 1)
    assert await leases.get(ACCOUNT) is old, "as new as the announcement"
    leases.revoke(ACCOUNT, 2)
    auth.gate = asyncio.Event()
    waiting = asyncio.create_task(leases.get(ACCOUNT))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    # The answer that is on its way was read before the next change.
    auth.epoch = 2
    auth.control = denying("kms:Decrypt")
    auth.gate.set()
    new = await waiting
    assert new.epoch == 2
    assert new.control is not old.control
    leases.revoke_all()
    assert await leases.get(ACCOUNT) is not new
    leases.revoke(OTHER, 9)
    asked = len(auth.asked)
    await leases.get(ACCOUNT)
    assert len(auth.asked) == asked


async def test_an_account_that_never_settles_is_not_waited_for(leases: ResourceLeases) -> None:
    leases.revoke(ACCOUNT, 99)
    with pytest.raises(DomainError) as caught:
        await leases.get(ACCOUNT)
    assert caught.value.reason_name == "DEPENDENCY_UNAVAILABLE"


async def test_many_ask_once_and_one_that_goes_away_takes_nothing_along(
    leases: ResourceLeases, auth: Auth
) -> None:
    auth.gate = asyncio.Event()
    waiting = [asyncio.create_task(leases.get(ACCOUNT)) for _ in range(32)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    auth.gate.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert len({id(each) for each in found[1:]}) == 1
    assert len(auth.asked) == 1


async def test_an_answer_without_documents_that_nobody_holds_is_none(
    leases: ResourceLeases, auth: Auth
) -> None:
    auth.digest = ""
    answer = ResourceLeaseAnswer("i1", None, 1, "d", 5.0)

    async def fetch(account_id: str, known_digest: str) -> ResourceLeaseAnswer:
        return answer

    auth.fetch = fetch  # type: ignore[method-assign]
    with pytest.raises(DomainError) as caught:
        await leases.get(ACCOUNT)
    assert caught.value.reason_name == "INTERNAL"


async def test_policies_that_cannot_be_evaluated_permit_nothing(leases: ResourceLeases, auth: Auth) -> None:
    auth.control = (("{}",),)
    with pytest.raises(DomainError) as caught:
        await leases.get(ACCOUNT)
    assert caught.value.reason_name == "INTERNAL"


async def test_what_had_to_make_room_is_compiled_again(auth: Auth, clock: ManualClock) -> None:
    leases = ResourceLeases(auth, clock, PolicyCache(max_chars=1))
    first = await leases.get(ACCOUNT)
    auth.control = denying("kms:Decrypt")
    await leases.get(OTHER)
    assert first.control[0].retired
    auth.control = denying("kms:*")
    again = await leases.get(ACCOUNT)
    assert not again.control[0].retired
    assert auth.asked[-1] == (ACCOUNT, "")
