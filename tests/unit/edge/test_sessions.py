"""Sessions: leases are used as long as they last, for exactly whom they were made."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis import sigv4
from services.chassis.errors import DomainError
from services.chassis.principal import ClientContext, PrincipalClaims
from services.chassis.secret import SecretBytes
from services.edge.operations.leased import Horizon
from services.edge.operations.sessions import Sessions
from services.edge.ports import Entrance, Grant, Presented

CREDENTIAL = sigv4.Credential("AKIAIOSFODNN7EXAMPLE", "20260102", "us-east-1", "bedrock")
KEY = sigv4.derive_signing_key(SecretBytes(b"secret"), "20260102", "us-east-1", "bedrock")
CLIENT = ClientContext("192.0.2.1", "agent", "TLSv1.3", "suite", "localhost")


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 1, 2, tzinfo=UTC)

    def boottime(self) -> float:
        return self.time


@dataclass
class Auth:
    """Verifies with KEY; counts what it is asked."""

    clock: Clock
    asked: list[str] = field(default_factory=list)
    presented: list[Presented] = field(default_factory=list)
    entrances: list[Entrance | None] = field(default_factory=list)
    refuse: int | None = None
    lease: float = 5.0
    wait: asyncio.Event | None = None

    async def authenticate(
        self, presented: Presented, client: ClientContext, audience: str, entrance: Entrance | None = None
    ) -> Grant:
        self.asked.append(audience)
        self.presented.append(presented)
        self.entrances.append(entrance)
        if self.wait is not None:
            await self.wait.wait()
        if self.refuse is not None:
            raise DomainError(self.refuse, "refused")
        sigv4.verify(KEY, presented.string_to_sign, presented.signature)
        claims = PrincipalClaims("1", "i", "arn", "p", "k", False, 0, "us-east-1", audience, "", 0, 0, client)
        now = self.clock.time
        return Grant(claims, f"token{len(self.asked)}", now + 60, KEY, now + self.lease)


def presented(text: bytes = b"request", key: bytes = KEY) -> Presented:
    return Presented(CREDENTIAL, text, sigv4.sign(key, text))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def auth(clock: Clock) -> Auth:
    return Auth(clock)


@pytest.fixture
def horizon() -> Horizon:
    return Horizon()


@pytest.fixture
def sessions(auth: Auth, clock: Clock, horizon: Horizon) -> Sessions:
    return Sessions(auth, clock, horizon)


async def test_one_question_serves_while_the_leases_last(
    sessions: Sessions, auth: Auth, clock: Clock
) -> None:
    first = await sessions.open(presented(), CLIENT, "runtime")
    assert first.metadata == (("authorization", "Bearer token1"),)
    clock.time += 4.9
    assert await sessions.open(presented(b"other"), CLIENT, "runtime") is first
    clock.time += 0.2
    assert (await sessions.open(presented(), CLIENT, "runtime")).metadata[0][1] == "Bearer token2"
    assert len(auth.asked) == 2


async def test_a_token_is_renewed_before_its_end(sessions: Sessions, auth: Auth, clock: Clock) -> None:
    auth.lease = 1000.0
    first = await sessions.open(presented(), CLIENT, "runtime")
    clock.time += 49.9
    assert await sessions.open(presented(), CLIENT, "runtime") is first
    clock.time += 0.2
    assert await sessions.open(presented(), CLIENT, "runtime") is not first
    assert len(auth.asked) == 2


async def test_audience_and_client_have_tokens_of_their_own(sessions: Sessions, auth: Auth) -> None:
    other = ClientContext("192.0.2.2", "agent", "TLSv1.3", "suite", "localhost")
    one = await sessions.open(presented(), CLIENT, "runtime")
    assert (await sessions.open(presented(), CLIENT, "auth")) is not one
    assert (await sessions.open(presented(), other, "runtime")) is not one
    assert auth.asked == ["runtime", "auth", "runtime"]


async def test_each_private_way_in_has_tokens_of_its_own(sessions: Sessions, auth: Auth) -> None:
    ways = [
        None,
        Entrance("private", "bedrock"),
        Entrance("private", "bedrock-runtime"),
        Entrance("other", "bedrock"),
    ]
    opened = [await sessions.open(presented(), CLIENT, "runtime", way) for way in ways]
    assert len({id(each) for each in opened}) == len(ways)
    assert auth.entrances == ways
    assert await sessions.open(presented(), CLIENT, "runtime", Entrance("private", "bedrock")) is opened[1]
    assert await sessions.open(presented(), CLIENT, "runtime") is opened[0]
    assert len(auth.asked) == len(ways)


async def test_a_session_token_has_leases_of_its_own(sessions: Sessions, auth: Auth) -> None:
    await sessions.open(presented()._replace(session_token="one"), CLIENT, "runtime")
    await sessions.open(presented()._replace(session_token="one"), CLIENT, "runtime")
    assert len(auth.asked) == 1
    auth.refuse = ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY
    for token in ("", "two"):
        with pytest.raises(DomainError):
            await sessions.open(presented()._replace(session_token=token), CLIENT, "runtime")
    assert len(auth.asked) == 3, "no lease of another token was used"
    assert sessions.known(CREDENTIAL, CLIENT.source_ip, "one")
    for token in ("", "two"):
        with pytest.raises(DomainError):
            sessions.known(CREDENTIAL, CLIENT.source_ip, token)


async def test_a_wrong_signature_is_refused_with_and_without_a_lease(sessions: Sessions, auth: Auth) -> None:
    for _ in range(2):
        with pytest.raises(DomainError) as caught:
            await sessions.open(presented(key=b"x" * 32), CLIENT, "runtime")
        assert caught.value.reason == ErrorReason.ERROR_REASON_SIGNATURE_MISMATCH
    assert len(auth.asked) == 2
    await sessions.open(presented(), CLIENT, "runtime")
    with pytest.raises(DomainError):
        await sessions.open(presented(key=b"x" * 32), CLIENT, "runtime")
    assert len(auth.asked) == 3


async def test_concurrent_first_requests_ask_once(sessions: Sessions, auth: Auth) -> None:
    auth.wait = asyncio.Event()
    opening = [
        asyncio.create_task(sessions.open(presented(b"%d" % number), CLIENT, "runtime"))
        for number in range(8)
    ]
    wrong = asyncio.create_task(sessions.open(presented(key=b"x" * 32), CLIENT, "runtime"))
    await asyncio.sleep(0)
    auth.wait.set()
    assert len({id(session) for session in await asyncio.gather(*opening)}) == 1
    with pytest.raises(DomainError):
        await wrong
    assert len(auth.asked) == 1


async def test_those_who_waited_for_a_refusal_ask_for_themselves(sessions: Sessions, auth: Auth) -> None:
    auth.wait = asyncio.Event()
    wrong = asyncio.create_task(sessions.open(presented(key=b"x" * 32), CLIENT, "runtime"))
    await asyncio.sleep(0)
    right = asyncio.create_task(sessions.open(presented(), CLIENT, "runtime"))
    await asyncio.sleep(0)
    auth.wait.set()
    with pytest.raises(DomainError):
        await wrong
    assert (await right).metadata[0][1] == "Bearer token2"


async def test_what_is_dated_ahead_is_auths_to_accept(sessions: Sessions, auth: Auth) -> None:
    """Its use must be remembered by auth, whatever was leased meanwhile, and one at a time."""
    await sessions.open(presented(), CLIENT, "runtime")
    for count in (2, 3):
        await sessions.open(presented()._replace(ahead=True), CLIENT, "runtime")
        assert len(auth.asked) == count
    auth.wait = asyncio.Event()
    opening = [
        asyncio.create_task(sessions.open(presented()._replace(ahead=True), CLIENT, "runtime"))
        for _ in range(4)
    ]
    await asyncio.sleep(0)
    auth.wait.set()
    await asyncio.gather(*opening)
    assert len(auth.asked) == 7
    assert [each.ahead for each in auth.presented] == [False] + [True] * 6
    await sessions.open(presented(), CLIENT, "runtime")
    assert len(auth.asked) == 7, "all others use the lease"
    auth.refuse = ErrorReason.ERROR_REASON_SIGNATURE_REPLAYED
    with pytest.raises(DomainError) as caught:
        await sessions.open(presented()._replace(ahead=True), CLIENT, "runtime")
    assert caught.value.reason == ErrorReason.ERROR_REASON_SIGNATURE_REPLAYED


async def test_what_is_dated_ahead_and_forged_does_not_reach_auth_while_a_lease_lasts(
    sessions: Sessions, auth: Auth
) -> None:
    await sessions.open(presented(), CLIENT, "runtime")
    with pytest.raises(DomainError) as caught:
        await sessions.open(presented(key=b"x" * 32)._replace(ahead=True), CLIENT, "runtime")
    assert caught.value.reason == ErrorReason.ERROR_REASON_SIGNATURE_MISMATCH
    assert len(auth.asked) == 1


async def test_an_unknown_key_is_refused_without_asking_for_a_while(
    sessions: Sessions, auth: Auth, clock: Clock
) -> None:
    auth.refuse = ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY
    assert not sessions.known(CREDENTIAL, CLIENT.source_ip)
    with pytest.raises(DomainError):
        await sessions.open(presented(), CLIENT, "runtime")
    with pytest.raises(DomainError) as caught:
        sessions.known(CREDENTIAL, CLIENT.source_ip)
    assert caught.value.reason == ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY
    clock.time += 5.1
    assert not sessions.known(CREDENTIAL, CLIENT.source_ip)


async def test_a_verified_key_stays_familiar(sessions: Sessions, clock: Clock) -> None:
    await sessions.open(presented(), CLIENT, "runtime")
    clock.time += 599
    assert sessions.known(CREDENTIAL, CLIENT.source_ip)
    assert not sessions.known(CREDENTIAL, "192.0.2.2"), "a key id is no secret"
    clock.time += 2
    assert not sessions.known(CREDENTIAL, CLIENT.source_ip)


async def test_what_auth_cannot_answer_is_not_remembered(sessions: Sessions, auth: Auth) -> None:
    auth.refuse = ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE
    with pytest.raises(DomainError):
        await sessions.open(presented(), CLIENT, "runtime")
    auth.refuse = None
    await sessions.open(presented(), CLIENT, "runtime")


async def test_a_key_that_was_activated_is_asked_about_at_once(
    sessions: Sessions, auth: Auth, horizon: Horizon
) -> None:
    auth.refuse = ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY
    with pytest.raises(DomainError):
        await sessions.open(presented(), CLIENT, "runtime")
    with pytest.raises(DomainError):
        sessions.known(CREDENTIAL, CLIENT.source_ip)
    auth.refuse = None
    horizon.revoke("1", 7)
    assert not sessions.known(CREDENTIAL, CLIENT.source_ip), "nothing is known of it, also not that it is not"
    await sessions.open(presented(), CLIENT, "runtime")
    assert sessions.known(CREDENTIAL, CLIENT.source_ip)


@pytest.mark.parametrize("everything", [False, True])
async def test_a_revocation_ends_keys_and_tokens_of_its_account(
    sessions: Sessions, auth: Auth, horizon: Horizon, everything: bool
) -> None:
    first = await sessions.open(presented(), CLIENT, "runtime")
    horizon.revoke("2", 1)
    assert await sessions.open(presented(), CLIENT, "runtime") is first, "another account's"
    horizon.revoke_all() if everything else horizon.revoke("1", 1)
    assert await sessions.open(presented(), CLIENT, "runtime") is not first
    horizon.revoke("1", 2)
    auth.refuse = ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY
    with pytest.raises(DomainError) as caught:
        await sessions.open(presented(), CLIENT, "runtime")
    assert caught.value.reason == ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY


async def test_an_answer_from_before_a_revocation_is_not_kept(
    sessions: Sessions, auth: Auth, horizon: Horizon
) -> None:
    auth.wait = asyncio.Event()
    opening = asyncio.create_task(sessions.open(presented(), CLIENT, "runtime"))
    await asyncio.sleep(0)
    horizon.revoke("1", 1)
    auth.wait.set()
    await opening
    await sessions.open(presented(), CLIENT, "runtime")
    assert len(auth.asked) == 2
    auth.wait, auth.refuse = asyncio.Event(), ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY
    horizon.revoke("1", 2)
    refused = asyncio.create_task(sessions.open(presented(), CLIENT, "runtime"))
    await asyncio.sleep(0)
    horizon.revoke("1", 3)
    auth.wait.set()
    with pytest.raises(DomainError):
        await refused
    assert sessions.known(CREDENTIAL, CLIENT.source_ip), "it may be known since"


def test_more_accounts_than_are_kept_in_mind_are_all_forgotten() -> None:
    horizon = Horizon()
    mark = horizon.mark()
    horizon.revoke("first", 1)
    assert horizon.counts(mark, "other")
    for number in range(10_000):
        horizon.revoke(f"{number}", 1)
    assert not horizon.counts(mark, "first")
    assert not horizon.counts(mark, "other")
    assert horizon.counts(horizon.mark(), "first")


async def test_secrets_do_not_show(sessions: Sessions) -> None:
    caller = await sessions.open(presented(), CLIENT, "runtime")
    assert "token" not in repr(caller)
    assert "token" not in repr(Grant(caller.claims, "token1", 0, KEY, 0))
