"""Streams: errors after the first byte, clients that leave, readers that stall."""

import asyncio
import json
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.edge.config import LimitSettings

STREAM = "/model/craton.tiny-text-v1/invoke-with-response-stream"


@pytest.fixture
def limits() -> LimitSettings:
    return LimitSettings(drain_s=1.0, slow_reader_s=1.0)


def _events(data: bytes) -> list[tuple[str, dict[str, Any]]]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [
        (
            message.headers.get(":exception-type") or message.headers[":event-type"],
            json.loads(message.payload),
        )
        for message in buffer
    ]


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        (ErrorReason.ERROR_REASON_MODEL_STREAM_ERROR, "modelStreamErrorException"),
        (ErrorReason.ERROR_REASON_MODEL_TIMEOUT, "modelTimeoutException"),
        (ErrorReason.ERROR_REASON_THROTTLED, "throttlingException"),
        (ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "serviceUnavailableException"),
        (ErrorReason.ERROR_REASON_INTERNAL, "internalServerException"),
    ],
)
async def test_a_stream_that_dies_says_so(raw: Any, stack: Any, reason: int, name: str) -> None:
    async def script(_request: Any) -> Any:
        yield [b'{"n":1}', b'{"n":2}']

    stack.runtime.script = script
    stack.runtime.fail = DomainError(reason, "it broke")
    response = await raw.request("POST", STREAM, b"{}")
    assert response.status == 200
    assert response.headers["content-type"] == "application/vnd.amazon.eventstream"
    events = _events(response.body)
    assert [kind for kind, _ in events] == ["chunk", "chunk", name]
    assert events[-1][1]["message"]
    assert stack.recorder.events[-1][3] == ErrorReason.Name(reason).removeprefix("ERROR_REASON_")


async def test_an_outcome_that_cannot_be_recorded_spoils_the_end(raw: Any, stack: Any) -> None:
    stack.recorder.refuse["outcome"] = DomainError(ErrorReason.ERROR_REASON_AUDIT_UNAVAILABLE, "full")
    response = await raw.request("POST", STREAM, b"{}")
    assert _events(response.body)[-1][0] == "serviceUnavailableException"


async def test_tokens_arrive_as_they_are_made(raw: Any, stack: Any) -> None:
    go_on = asyncio.Event()

    async def script(_request: Any) -> Any:
        yield [b'{"n":1}']
        await go_on.wait()
        yield [b'{"n":2}']

    stack.runtime.script = script
    reader, writer = await raw.connect()
    writer.write(raw.signed("POST", STREAM, b"{}") + b"{}")
    await reader.readuntil(b"\r\n\r\n")
    size = int(await reader.readline(), 16)
    [(kind, _)] = _events(await reader.readexactly(size))
    assert kind == "chunk"
    go_on.set()
    await reader.readuntil(b"\r\n0\r\n\r\n")
    writer.close()


@pytest.mark.parametrize("operation", ["invoke", "invoke-with-response-stream"])
async def test_a_client_that_leaves_ends_the_work(raw: Any, stack: Any, operation: str) -> None:
    begun = asyncio.Event()

    async def wait(_request: Any) -> None:
        begun.set()
        await asyncio.sleep(60)

    async def stream(_request: Any) -> Any:
        yield [b"{}"]
        begun.set()
        await asyncio.sleep(60)
        yield [b"{}"]

    stack.runtime.script = stream if operation.endswith("stream") else wait
    _, writer = await raw.connect()
    writer.write(raw.signed("POST", f"/model/craton.tiny-text-v1/{operation}", b"{}") + b"{}")
    await asyncio.wait_for(begun.wait(), 10)
    loop = asyncio.get_running_loop()
    left = loop.time()
    writer.transport.abort()
    await asyncio.wait_for(stack.runtime.cancelled.wait(), 10)
    assert loop.time() - left < 2.0
    for _ in range(200):
        if stack.recorder.events[-1][2] == "CANCELLED":
            break
        await asyncio.sleep(0.01)
    assert stack.recorder.events[-1][2:] == ("CANCELLED", "CANCELLED")


async def test_a_reader_that_stalls_is_dropped(raw: Any, stack: Any) -> None:
    sent = 0

    async def script(_request: Any) -> Any:
        nonlocal sent
        while True:
            sent += 1
            yield [b"x" * 50_000]

    stack.runtime.script = script
    _, writer = await raw.connect(limit=1024)
    writer.transport.pause_reading()
    writer.write(raw.signed("POST", STREAM, b"{}") + b"{}")
    await asyncio.wait_for(stack.runtime.cancelled.wait(), 30)
    # What was produced in vain stayed within the buffers of sockets, TLS and HTTP/2.
    assert sent * 50_000 < 32_000_000
    writer.transport.abort()
