"""Seen signatures: accepted within two seconds, refused afterwards, whatever is restarted."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3

from services.chassis.clock import SystemClock
from services.chassis.errors import DomainError
from services.edge.adapters.seen_signatures import RedisSeenSignatures
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


@pytest.fixture
def raw(stack: Any) -> RawClient:
    return RawClient(stack.server.port, stack.ca, KEY_ID, SECRET)


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
    stack.redis.start()
    await asyncio.sleep(2.0)
    refused = await raw.send(old)
    assert (refused.code, refused.status) == ("ServiceUnavailableException", 503)
    unused = raw.signed("POST", INVOKE, b"{}", now=datetime.now(UTC) - timedelta(minutes=2)) + b"{}"
    assert (await raw.send(unused)).status == 503
    assert (await raw.request("POST", INVOKE, b'{"n":3}')).status == 200
    assert len(stack.runtime.requests) == 2


async def test_ages_are_kept_for_as_long_as_dates_are_accepted(stack: Any) -> None:
    seen = RedisSeenSignatures(stack.config.redis)
    now = time.time()
    await asyncio.gather(*(seen.check(bytes([number]) * 32, now) for number in range(200)))
    with pytest.raises(DomainError):
        await seen.check(b"\xfe" * 32, now - 3600)
    await asyncio.sleep(2.1)
    results = await asyncio.gather(
        *(seen.check(bytes([number]) * 32, now) for number in range(200)), return_exceptions=True
    )
    assert {type(result) for result in results} == {DomainError}
    await seen.check(b"\xff" * 32, now)
    await seen.close()


async def test_an_edge_without_a_store_is_not_healthy(stack: Any) -> None:
    assert await _health(stack) == 200
    stack.redis.kill()
    await asyncio.sleep(1.5)
    assert await _health(stack) == 503


async def _health(stack: Any) -> int:
    def read() -> int:
        answer = urllib3.request(
            "GET", f"http://127.0.0.1:{stack.server.metrics_port}/healthz", retries=False
        )
        return answer.status

    return await asyncio.to_thread(read)
