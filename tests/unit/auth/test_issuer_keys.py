"""Keys of issuers: how often they are asked for, and what strangers can cause."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from services.auth.domain.oidc import Location, OidcProvider
from services.auth.operations.issuer_keys import (
    FETCHES,
    FETCHES_OF_ACCOUNT,
    KEEP_S,
    PAUSE_S,
    WAITING_OF_ACCOUNT,
    IssuerKeys,
)
from services.auth.ports.oidc import IssuerDocumentError, IssuerUnreachableError
from services.chassis.errors import DomainError
from tests.fakes.clock import ManualClock
from tests.fakes.issuer import Key, discovery, key_set

ISSUER = "https://token.example.com"
FIRST, SECOND = Key.make("first"), Key.make("second", "ES256")


class Documents:
    """Answers from a table and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.keys: Callable[[], bytes] = lambda: key_set(FIRST)
        self.open = asyncio.Event()
        self.open.set()

    async def read(self, location: Location) -> bytes:
        self.asked.append(f"https://{location.host}{location.target}")
        await self.open.wait()
        if location.target.startswith("/.well-known/"):
            return discovery(f"https://{location.host}")
        return self.keys()

    @property
    def fetches(self) -> int:
        return sum(each.endswith("/jwks") for each in self.asked)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def documents() -> Documents:
    return Documents()


@pytest.fixture
def keys(documents: Documents, clock: ManualClock) -> IssuerKeys:
    return IssuerKeys(documents, clock)


def provider(clock: ManualClock, url: str = ISSUER, account_id: str = "123456789012") -> OidcProvider:
    return OidcProvider(account_id, "OIDC1", url, ("a",), (), clock.now())


async def reason(call: object) -> str:
    with pytest.raises(DomainError) as caught:
        await call  # type: ignore[misc]
    return caught.value.reason_name


async def test_keys_are_asked_for_once_and_again_when_their_time_is_over(
    keys: IssuerKeys, documents: Documents, clock: ManualClock
) -> None:
    mine = provider(clock)
    for _ in range(3):
        assert await keys.find(mine, "first", "RS256") == FIRST.private.public_key()
    assert documents.fetches == 1
    clock.advance(KEEP_S)
    documents.keys = lambda: key_set(SECOND)
    assert await reason(keys.find(mine, "first", "RS256")) == "INVALID_IDENTITY_TOKEN"
    assert documents.fetches == 2


async def test_a_new_key_is_found_at_once_and_an_unknown_one_asked_about_seldom(
    keys: IssuerKeys, documents: Documents, clock: ManualClock
) -> None:
    mine = provider(clock)
    await keys.find(mine, "first", "RS256")
    documents.keys = lambda: key_set(FIRST, SECOND)
    assert await reason(keys.find(mine, "second", "ES256")) == "INVALID_IDENTITY_TOKEN"
    clock.advance(PAUSE_S)
    assert await keys.find(mine, "second", "ES256") == SECOND.private.public_key()
    for number in range(50):
        assert await reason(keys.find(mine, f"k{number}", "RS256")) == "INVALID_IDENTITY_TOKEN"
    assert documents.fetches == 2
    # A key is good for its own algorithms alone.
    assert await reason(keys.find(mine, "second", "RS256")) == "INVALID_IDENTITY_TOKEN"


async def test_many_ask_with_one_fetch(keys: IssuerKeys, documents: Documents, clock: ManualClock) -> None:
    mine = provider(clock)
    documents.open.clear()
    waiting = [asyncio.ensure_future(keys.find(mine, "first", "RS256")) for _ in range(WAITING_OF_ACCOUNT)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    documents.open.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert all(each == FIRST.private.public_key() for each in found[1:])
    assert documents.fetches == 1


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (IssuerUnreachableError("x"), "IDENTITY_PROVIDER_UNREACHABLE"),
        (IssuerDocumentError("x"), "INVALID_IDENTITY_TOKEN"),
        (ValueError("x"), "INVALID_IDENTITY_TOKEN"),
    ],
)
async def test_a_failure_is_not_repeated_at_once(
    keys: IssuerKeys, documents: Documents, clock: ManualClock, failure: Exception, expected: str
) -> None:
    mine = provider(clock)

    def fail() -> bytes:
        raise failure

    documents.keys = fail
    for _ in range(5):
        assert await reason(keys.find(mine, "first", "RS256")) == expected
    assert documents.fetches == 1
    clock.advance(PAUSE_S)
    documents.keys = lambda: key_set(FIRST)
    assert await keys.find(mine, "first", "RS256")
    # Known keys go on counting while the issuer is away, and who asks for others is told; not for ever.
    documents.keys = fail
    clock.advance(PAUSE_S)
    for _ in range(5):
        assert await reason(keys.find(mine, "second", "ES256")) == expected
        assert await keys.find(mine, "first", "RS256")
    assert documents.fetches == 3
    clock.advance(KEEP_S)
    assert await reason(keys.find(mine, "first", "RS256")) == expected


async def test_one_account_leaves_room_for_others(
    keys: IssuerKeys, documents: Documents, clock: ManualClock
) -> None:
    documents.open.clear()

    def ask(number: int, account_id: str) -> "asyncio.Future[object]":
        mine = provider(clock, f"https://i{number}.example.com", account_id)
        return asyncio.ensure_future(keys.find(mine, "first", "RS256"))

    greedy = [ask(number, "1" * 12) for number in range(FETCHES_OF_ACCOUNT + 1)]
    await asyncio.sleep(0)
    assert await reason(greedy[-1]) == "THROTTLED"
    others = [ask(100 + number, f"{number:012d}") for number in range(FETCHES - FETCHES_OF_ACCOUNT + 1)]
    await asyncio.sleep(0)
    assert await reason(others[-1]) == "THROTTLED"
    documents.open.set()
    assert len(await asyncio.gather(*greedy[:-1], *others[:-1])) == FETCHES
    again = await keys.find(provider(clock, "https://i99.example.com", "1" * 12), "first", "RS256")
    assert again == FIRST.private.public_key()


async def test_few_wait_for_a_slow_issuer(keys: IssuerKeys, documents: Documents, clock: ManualClock) -> None:
    mine = provider(clock)
    documents.open.clear()
    waiting = [asyncio.ensure_future(keys.find(mine, "first", "RS256")) for _ in range(WAITING_OF_ACCOUNT)]
    await asyncio.sleep(0)
    assert await reason(keys.find(mine, "first", "RS256")) == "THROTTLED"
    other = asyncio.ensure_future(keys.find(provider(clock, account_id="1" * 12), "first", "RS256"))
    await asyncio.sleep(0)
    documents.open.set()
    assert len(await asyncio.gather(*waiting, other)) == WAITING_OF_ACCOUNT + 1
    assert await keys.find(mine, "first", "RS256")


async def test_another_issuers_document_is_refused(
    keys: IssuerKeys, documents: Documents, clock: ManualClock
) -> None:
    mine = replace(provider(clock), url=f"{ISSUER}/tenant")
    assert await reason(keys.find(mine, "first", "RS256")) == "INVALID_IDENTITY_TOKEN"
    assert documents.asked == [f"{ISSUER}/tenant/.well-known/openid-configuration"]


async def test_a_token_that_names_no_key_is_good_for_what_is_published_now(
    keys: IssuerKeys, documents: Documents, clock: ManualClock
) -> None:
    mine = provider(clock)
    for _ in range(3):
        assert await keys.find(mine, "", "RS256") == FIRST.private.public_key()
    assert documents.fetches == 1
    documents.keys = lambda: key_set(SECOND)
    clock.advance(PAUSE_S)
    assert await reason(keys.find(mine, "", "RS256")) == "INVALID_IDENTITY_TOKEN"
    assert await keys.find(mine, "", "ES256") == SECOND.private.public_key()
    documents.keys = lambda: key_set(FIRST, SECOND)
    clock.advance(PAUSE_S)
    assert await reason(keys.find(mine, "", "ES256")) == "INVALID_IDENTITY_TOKEN"
    assert documents.fetches == 3
