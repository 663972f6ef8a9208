"""Seen signatures: accepted within two seconds, refused afterwards, whatever is restarted."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3

from services.chassis.clock import SystemClock
from services.chassis.errors import DomainError
from services.edge.adapters.seen_signatures import RedisSeenSignatures
from services.edge.ports import REUSE_S, Proof, Recalled
from services.edge.wiring import build
from tests.fakes.edge_upstreams import KEY_ID, SECRET
from tests.fakes.raw_client import RawClient
from tests.fakes.redis_server import RedisServer
from tests.fakes.workloads import Workloads

INVOKE = "/model/craton.tiny-text-v1/invoke"


@pytest.fixture
def redis(tmp_path: Path, workloads: Workloads) -> Iterator[RedisServer]:
    """A store that the tests of this module may lose."""
    server = RedisServer(tmp_path, workloads)
    server.start()
    yield server
    server.kill()


async def test_equal_requests_of_one_second_pass(stack: Any, raw: Any) -> None:
    data = raw.signed("POST", INVOKE, b"{}") + b"{}"
    responses = await asyncio.gather(*(raw.send(data) for _ in range(60)))
    assert {response.status for response in responses} == {200}


async def test_a_replay_is_refused_also_by_another_edge(stack: Any, raw: Any) -> None:
    data = raw.signed("POST", INVOKE, b"{}") + b"{}"
    assert (await raw.send(data)).status == 200
    await asyncio.sleep(2.1)
    refused = await raw.send(data)
    assert (refused.code, refused.status) == ("InvalidSignatureException", 403)
    assert stack.recorder.events[-1] == ("outcome", "InvokeModel", "UNAUTHENTICATED", "SIGNATURE_REPLAYED")
    assert len(stack.runtime.requests) == 1
    # An edge that was restarted, or another replica, remembers as well.
    other = build(stack.config, SystemClock(), recorder=stack.recorder)
    await other.start()
    again = RawClient(other.port, stack.ca, KEY_ID, SECRET)
    assert (await again.send(data)).code == "InvalidSignatureException"
    assert (await again.request("POST", INVOKE, b'{"n":2}')).status == 200
    await other.stop()


async def test_a_lost_store_refuses_what_is_older_than_itself(stack: Any, raw: Any) -> None:
    old = raw.signed("POST", INVOKE, b'{"n":1}') + b'{"n":1}'
    assert (await raw.send(old)).status == 200
    stack.redis.kill()
    down = await raw.request("POST", INVOKE, b'{"n":2}')
    assert (down.code, down.status) == ("ServiceUnavailableException", 503)
    assert len(stack.runtime.requests) == 1
    await restarted(stack)
    refused = await raw.send(old)
    assert (refused.code, refused.status) == ("ServiceUnavailableException", 503)
    unused = raw.signed("POST", INVOKE, b"{}", now=datetime.now(UTC) - timedelta(minutes=2)) + b"{}"
    assert (await raw.send(unused)).status == 503
    assert (await raw.request("POST", INVOKE, b'{"n":3}')).status == 200
    assert len(stack.runtime.requests) == 2


async def restarted(stack: Any) -> None:
    """Start the store again, empty, and return once the edge serves what is signed now."""
    stack.redis.kill()
    stack.redis.start()
    async with asyncio.timeout(20):
        # Nothing has told the edge yet that the old store is gone.
        while await _health(stack) == 200:
            await asyncio.sleep(0.05)
        while await _health(stack) != 200:
            await asyncio.sleep(0.05)


async def test_a_store_that_was_lost_serves_when_it_says_so(stack: Any, raw: RawClient) -> None:
    await restarted(stack)
    assert (await raw.request("POST", INVOKE, b"{}")).status == 200


async def test_a_date_ahead_is_used_up_also_when_the_store_is_lost(stack: Any, raw: RawClient) -> None:
    ahead = datetime.now(UTC) + timedelta(seconds=240)
    data = raw.signed("POST", INVOKE, b"{}", now=ahead) + b"{}"
    for _ in range(2):
        assert (await raw.send(data)).status == 200
    assert [each.remember_signature for each in stack.auth.requests] == [True, True]
    await restarted(stack)
    refused = await raw.send(data)
    assert (refused.code, refused.status) == ("InvalidSignatureException", 403)
    # auth names nobody whose signature it refuses, so that it is counted.
    assert stack.recorder.events[-1] == ("summary", "InvokeModel", "UNAUTHENTICATED", "SIGNATURE_REPLAYED")
    fresh = raw.signed("POST", INVOKE, b'{"n":2}', now=ahead) + b'{"n":2}'
    assert (await raw.send(fresh)).status == 200, "a client whose clock is ahead is served all the same"
    assert len(stack.runtime.requests) == 3


async def test_where_nothing_was_dated_ahead_auth_is_asked_once(stack: Any, raw: RawClient) -> None:
    for lost in (1, 2):
        await restarted(stack)
        for number in range(3):
            assert (await raw.request("POST", INVOKE, b'{"n":%d}' % number)).status == 200
            assert stack.auth.recalls == lost


async def test_a_date_that_was_ahead_stays_used_up_when_it_has_come(stack: Any, raw: RawClient) -> None:
    """It is verified with a lease then, and the store that saw it is gone: auth alone remembers it."""
    date = datetime.now(UTC) + timedelta(seconds=7)
    data = raw.signed("POST", INVOKE, b"{}", now=date) + b"{}"
    assert (await raw.send(data)).status == 200
    await restarted(stack)
    assert (await raw.request("POST", INVOKE, b'{"n":2}')).status == 200
    assert stack.auth.recalls == 1
    await asyncio.sleep((date - datetime.now(UTC)).total_seconds())
    asked = len(stack.auth.requests)
    refused = await raw.send(data)
    assert (refused.code, refused.status) == ("InvalidSignatureException", 403)
    assert len(stack.auth.requests) == asked, "it was not dated ahead any more"
    assert stack.auth.recalls == 2
    stack.auth.forgetful = True
    closed = await raw.request("POST", INVOKE, b'{"n":3}')
    assert (closed.code, closed.status) == ("ServiceUnavailableException", 503)
    assert len(stack.runtime.requests) == 2


async def test_a_second_ahead_is_no_question_to_auth(stack: Any, raw: RawClient) -> None:
    await raw.request("POST", INVOKE, b"{}")
    now = datetime.now(UTC)
    await asyncio.sleep(1.05 - now.microsecond / 1e6)
    data = raw.signed("POST", INVOKE, b"{}", now=now + timedelta(seconds=2)) + b"{}"
    assert (await raw.send(data)).status == 200
    assert [each.remember_signature for each in stack.auth.requests] == [False]


async def test_a_new_store_refuses_what_auth_was_not_asked_to_remember(stack: Any) -> None:
    """Dated a second ahead of a clock that is another second ahead, and used just before the birth."""
    seen = RedisSeenSignatures(stack.config.redis, Memory(), SystemClock())
    await restarted(stack)
    assert await seen.serving()
    marker = await seen._redis.get("craton:seen:birth")
    birth, arrived = int(marker.split()[1]) / 1000, SystemClock().boottime()
    with pytest.raises(DomainError) as caught:
        await seen.check(Proof(b"a" * 32, birth + 1.999, arrived))
    assert caught.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    await seen.check(Proof(b"b" * 32, birth + 2, arrived))
    await seen.close()


@pytest.mark.parametrize(
    ("waited_s", "reason"), [(0.0, "SIGNATURE_REPLAYED"), (1.5, "DEPENDENCY_UNAVAILABLE")]
)
async def test_who_came_in_time_and_had_to_wait_may_sign_again(
    stack: Any, waited_s: float, reason: str
) -> None:
    """An honest twin that waited here for auth is no replay; it is not accepted either."""
    seen = RedisSeenSignatures(stack.config.redis, Memory(), SystemClock())
    await seen.check(proof(b"t" * 32))
    await asyncio.sleep(REUSE_S + 0.1)
    late = proof(b"t" * 32)
    with pytest.raises(DomainError) as caught:
        await seen.check(late._replace(arrived=late.arrived - waited_s))
    assert caught.value.reason_name == reason
    await seen.close()


class Memory:
    """A SignatureMemory that remembers nothing."""

    async def recall(self, signatures: Sequence[bytes]) -> Recalled:
        return Recalled(frozenset(), any_ahead=False)


def proof(signature: bytes, age_s: float = 0.0) -> Proof:
    """Proof of a request that has just come, signed `age_s` ago."""
    return Proof(signature, time.time() - age_s, SystemClock().boottime())


async def test_ages_are_kept_for_as_long_as_dates_are_accepted(stack: Any) -> None:
    seen = RedisSeenSignatures(stack.config.redis, Memory(), SystemClock())
    await asyncio.gather(*(seen.check(proof(bytes([number]) * 32)) for number in range(200)))
    with pytest.raises(DomainError):
        await seen.check(proof(b"\xfe" * 32, age_s=3600))
    await asyncio.sleep(2.1)
    results = await asyncio.gather(
        *(seen.check(proof(bytes([number]) * 32)) for number in range(200)), return_exceptions=True
    )
    assert {type(result) for result in results} == {DomainError}
    await seen.check(proof(b"\xff" * 32))
    await seen.close()


async def test_an_edge_without_a_store_is_not_healthy(stack: Any) -> None:
    assert await _health(stack) == 200
    stack.redis.kill()
    async with asyncio.timeout(10):
        while await _health(stack) != 503:
            await asyncio.sleep(0.05)


async def _health(stack: Any) -> int:
    def read() -> int:
        answer = urllib3.request(
            "GET", f"http://127.0.0.1:{stack.server.metrics_port}/healthz", retries=False
        )
        return answer.status

    return await asyncio.to_thread(read)
