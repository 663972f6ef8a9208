"""What an enforcement point does with what it hears, and what it tells auth of it."""

import asyncio
from typing import Any

import grpc
import pytest

from services.chassis import revocation_ear
from services.chassis.enforcement import RevocationEar
from services.chassis.revocation import EVERYBODY

ONE, TWO = "1" * 12, "2" * 12


class Auth:
    """A channel to an auth that takes confirmations when it is up."""

    def __init__(self) -> None:
        self.calls: list[list[tuple[str, int]]] = []
        self.down = False

    def unary_unary(self, *_arguments: Any, **_options: Any) -> Any:
        return self._confirm

    async def _confirm(self, request: Any, timeout: float) -> None:
        assert timeout > 0
        self.calls.append([(each.account_id, each.epoch) for each in request.revocations])
        if self.down:
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())


class Obeyed:
    def __init__(self) -> None:
        self.accounts: list[tuple[str, int]] = []
        self.all = 0

    def revoke(self, account_id: str, epoch: int) -> None:
        self.accounts.append((account_id, epoch))

    def revoke_all(self) -> None:
        self.all += 1


async def confirmed(ear: RevocationEar) -> None:
    """Run the confirmations until there is nothing left to say."""
    task = asyncio.create_task(ear._confirmations())
    while ear._heard:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
def obeyed() -> Obeyed:
    return Obeyed()


@pytest.fixture
def ear(auth: Auth, obeyed: Obeyed) -> RevocationEar:
    return RevocationEar(auth, None, "0" * 32, obeyed.revoke, obeyed.revoke_all)  # type: ignore[arg-type]


async def test_of_an_account_the_newest_is_confirmed(ear: RevocationEar, auth: Auth, obeyed: Obeyed) -> None:
    for account_id, epoch in ((ONE, 7), (TWO, 1), (ONE, 9), (ONE, 8)):
        ear.revoke(account_id, epoch)
    await confirmed(ear)
    assert obeyed.accounts == [(ONE, 7), (TWO, 1), (ONE, 9), (ONE, 8)]
    assert auth.calls == [[(ONE, 9), (TWO, 1)]]


async def test_what_is_about_everybody_is_obeyed_before_it_is_confirmed(
    ear: RevocationEar, auth: Auth, obeyed: Obeyed
) -> None:
    ear.revoke(EVERYBODY, 77)
    ear.revoke(EVERYBODY, 5)
    assert (obeyed.all, obeyed.accounts) == (2, [])
    assert auth.calls == []
    await confirmed(ear)
    assert auth.calls == [[(EVERYBODY, 77), (EVERYBODY, 5)]], "each is waited for by somebody else"


async def test_more_than_one_call_holds_is_confirmed_by_several(
    ear: RevocationEar, auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = [(f"{number:012d}", number + 1) for number in range(2_500)]
    for account_id, epoch in heard:
        ear.revoke(account_id, epoch)
    await confirmed(ear)
    assert [len(call) for call in auth.calls] == [1_024, 1_024, 452]
    assert [each for call in auth.calls for each in call] == heard

    auth.calls.clear()
    monkeypatch.setattr(revocation_ear, "_MAX_WAITING", 10)
    for account_id, epoch in heard:
        ear.revoke(account_id, epoch)
    await confirmed(ear)
    assert auth.calls == [heard[-10:]], "memory is bounded; auth waits for the leases of the others to end"


async def test_an_auth_that_does_not_answer_is_asked_again_while_it_waits(
    ear: RevocationEar, auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation_ear, "_AGAIN_S", 0.0)
    auth.down = True
    ear.revoke(ONE, 7)
    task = asyncio.create_task(ear._confirmations())
    while not auth.calls:
        await asyncio.sleep(0)
    ear.revoke(ONE, 8)
    ear.revoke(TWO, 3)
    while len(auth.calls) < 2:
        await asyncio.sleep(0)
    auth.down = False
    while len(auth.calls) < 3:
        await asyncio.sleep(0)
    task.cancel()
    assert auth.calls == [[(ONE, 7)], [(ONE, 8), (TWO, 3)], [(ONE, 8), (TWO, 3)]]


async def test_an_auth_that_is_away_is_not_asked_for_ever(
    ear: RevocationEar, auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation_ear, "_AGAIN_S", 0.0)
    auth.down = True
    ear.revoke(ONE, 7)
    task = asyncio.create_task(ear._confirmations())
    for _ in range(100):
        await asyncio.sleep(0)
    task.cancel()
    assert auth.calls == 3 * [[(ONE, 7)]]
    assert not ear._heard, "its leases have ended"
