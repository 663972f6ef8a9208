"""API keys at the edge: verified by auth, for seconds, and remembered by nothing that opens anything."""

import asyncio
import base64
import gc
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis import api_keys
from services.chassis.errors import DomainError
from services.chassis.principal import BearerTokenType, ClientContext, PrincipalClaims
from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials
from services.edge.http.exchange import told
from services.edge.operations.bearers import Bearers
from services.edge.operations.leased import Horizon
from services.edge.ports import BearerGrant, Caller, Entrance

CLIENT = ClientContext("192.0.2.1", "agent", "TLSv1.3", "suite", "localhost:8443")
LONG = api_keys.long_term("alice-at-123456789012", SecretBytes(b"s" * 44)).reveal()


def short(region: str) -> bytes:
    signer = SigningCredentials("AKIAIOSFODNN7EXAMPLE", SecretBytes(b"s" * 40), region)
    return api_keys.presign(signer, datetime(2026, 1, 2, tzinfo=UTC), timedelta(hours=1)).reveal()


class Clock:
    time = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 1, 2, tzinfo=UTC)

    def boottime(self) -> float:
        return self.time


@dataclass
class Auth:
    clock: Clock
    asked: list[tuple[str, str]] = field(default_factory=list)
    refuse: int | None = None
    lease: float = 5.0
    life: float = 60.0
    wait: asyncio.Event | None = None

    async def authenticate_bearer(
        self, bearer: str, region: str, client: ClientContext, audience: str, entrance: Entrance | None = None
    ) -> BearerGrant:
        self.asked.append((region, audience))
        if self.wait is not None:
            await self.wait.wait()
        if self.refuse is not None:
            raise DomainError(self.refuse, "refused")
        claims = PrincipalClaims("1", "i", "arn", "p", "k", False, 0, region, audience, "", 0, 0, client)
        claims = replace(claims, bearer=BearerTokenType.LONG_TERM)
        now = self.clock.time
        return BearerGrant(claims, f"token{len(self.asked)}", now + self.life, now + self.lease)


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
def bearers(auth: Auth, clock: Clock, horizon: Horizon) -> Bearers:
    return Bearers(auth, clock, horizon, frozenset({"us-east-1", "eu-west-1"}), "us-east-1")


async def refusal(bearers: Bearers, key: bytes, client: ClientContext = CLIENT) -> str:
    with pytest.raises(DomainError) as caught:
        await bearers.open(key, client, "runtime")
    return caught.value.reason_name


async def test_one_question_serves_while_the_lease_lasts(bearers: Bearers, auth: Auth, clock: Clock) -> None:
    first = await bearers.open(LONG, CLIENT, "runtime")
    assert first.metadata == (("authorization", "Bearer token1"),)
    clock.time += 4.9
    assert await bearers.open(LONG, CLIENT, "runtime") is first
    clock.time += 0.2
    assert await bearers.open(LONG, CLIENT, "runtime") is not first
    assert auth.asked == [("us-east-1", "runtime")] * 2


async def test_a_key_near_its_end_is_asked_about_each_time(bearers: Bearers, auth: Auth) -> None:
    auth.life = 9.0
    await bearers.open(LONG, CLIENT, "runtime")
    await bearers.open(LONG, CLIENT, "runtime")
    assert len(auth.asked) == 2


async def test_concurrent_first_requests_ask_once(bearers: Bearers, auth: Auth) -> None:
    auth.wait = asyncio.Event()
    opening = [asyncio.create_task(bearers.open(LONG, CLIENT, "runtime")) for _ in range(8)]
    await asyncio.sleep(0)
    auth.wait.set()
    assert len({id(caller) for caller in await asyncio.gather(*opening)}) == 1
    assert len(auth.asked) == 1


async def test_another_key_client_or_audience_is_asked_about(bearers: Bearers, auth: Auth) -> None:
    other = api_keys.long_term("alice-at-123456789012", SecretBytes(b"t" * 44)).reveal()
    await bearers.open(LONG, CLIENT, "runtime")
    await bearers.open(other, CLIENT, "runtime")
    await bearers.open(LONG, CLIENT._replace(source_ip="192.0.2.2"), "runtime")
    await bearers.open(LONG, CLIENT, "training")
    assert len(auth.asked) == 4


@pytest.mark.parametrize("reason", ["INVALID_API_KEY", "EXPIRED_API_KEY"])
async def test_a_refusal_is_remembered_until_something_changes(
    bearers: Bearers, auth: Auth, clock: Clock, horizon: Horizon, reason: str
) -> None:
    auth.refuse = ErrorReason.Value(f"ERROR_REASON_{reason}")
    assert [await refusal(bearers, LONG) for _ in range(3)] == [reason] * 3
    assert await refusal(bearers, LONG, CLIENT._replace(source_ip="192.0.2.9")) == reason
    assert len(auth.asked) == 1
    horizon.revoke("any", 1)
    await refusal(bearers, LONG)
    assert len(auth.asked) == 2
    clock.time += 5.1
    await refusal(bearers, LONG)
    assert len(auth.asked) == 3


async def test_what_auth_cannot_answer_is_not_remembered(bearers: Bearers, auth: Auth) -> None:
    auth.refuse = ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE
    assert await refusal(bearers, LONG) == "DEPENDENCY_UNAVAILABLE"
    auth.refuse = None
    await bearers.open(LONG, CLIENT, "runtime")


async def test_a_revocation_ends_what_was_verified(bearers: Bearers, auth: Auth, horizon: Horizon) -> None:
    await bearers.open(LONG, CLIENT, "runtime")
    horizon.revoke("2", 1)
    await bearers.open(LONG, CLIENT, "runtime")
    assert len(auth.asked) == 1
    horizon.revoke("1", 1)
    auth.refuse = ErrorReason.ERROR_REASON_INVALID_API_KEY
    assert await refusal(bearers, LONG) == "INVALID_API_KEY"


@pytest.mark.parametrize("key", [b"", b"ABSK", b"\xff\xfe", b"x" * 9000, b"sk-" + b"a" * 40, LONG + b"A"])
async def test_what_is_no_key_costs_auth_nothing(bearers: Bearers, auth: Auth, key: bytes) -> None:
    assert await refusal(bearers, key) == "INVALID_API_KEY"
    assert not auth.asked


@pytest.mark.parametrize(
    ("key", "host", "region"),
    [
        (LONG, "localhost:8443", "us-east-1"),
        (LONG, "bedrock-runtime.eu-west-1.example.com", "eu-west-1"),
        (LONG, "bedrock.eu-west-1.amazonaws.com:8443", "eu-west-1"),
        (LONG, "bedrock.mars-1.example.com", "us-east-1"),
        (LONG, "evil.eu-west-1.example.com", "us-east-1"),
        (short("eu-west-1"), "localhost:8443", "eu-west-1"),
        (short("eu-west-1"), "bedrock.eu-west-1.example.com", "eu-west-1"),
        (short("eu-west-1"), "bedrock.us-east-1.example.com", ""),
        (short("mars-1"), "localhost", ""),
    ],
)
async def test_the_region(bearers: Bearers, auth: Auth, key: bytes, host: str, region: str) -> None:
    client = CLIENT._replace(endpoint=host)
    if region:
        assert (await bearers.open(key, client, "runtime")).claims.region == region
    else:
        assert await refusal(bearers, key, client) == "INVALID_API_KEY"
        assert not auth.asked


async def test_nothing_that_is_kept_opens_anything(bearers: Bearers) -> None:
    caller = await bearers.open(LONG, CLIENT, "runtime")
    assert "token1" not in repr(caller)
    gc.collect()
    secret = base64.b64decode(LONG[4:]).partition(b":")[2]
    held = repr(vars(bearers)) + "".join(repr(vars(each)) for each in (bearers._callers, bearers._refused))
    assert secret.decode() not in held
    assert LONG.decode() not in held


def test_a_key_that_a_service_finds_ended_is_not_valid() -> None:
    ended = DomainError(ErrorReason.ERROR_REASON_INVALID_TOKEN, "gone")
    claims = PrincipalClaims("1", "i", "arn", "p", "k", False, 0, "r", "a", "", 0, 0, CLIENT)
    with_key = Caller(replace(claims, bearer=BearerTokenType.LONG_TERM), ())
    assert told(ended, with_key).reason_name == "INVALID_API_KEY"
    assert told(ended, Caller(claims, ())).reason_name == "UNKNOWN_ACCESS_KEY"
    assert told(ended, Caller(claims, (), temporary=True)) is ended
    other = DomainError(ErrorReason.ERROR_REASON_ACCESS_DENIED, "no")
    assert told(other, with_key) is other
