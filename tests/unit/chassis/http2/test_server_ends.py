"""How calls at our server end before their time: resets, lost connections and a server that drains."""

import asyncio
from typing import Any

import h2.events
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from services.chassis.http2 import frames
from tests.fakes.http2 import Serving, handler, request
from tests.fakes.http2_calls import ask


async def test_a_reset_cancels_the_handler(serving: Serving) -> None:
    cancelled = asyncio.Event()

    async def wait(_payload: bytes, _context: Any) -> bytes:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()
        return b""

    serving.handlers["/s/unary"] = handler(wait)
    client = serving.library()
    stream = ask(client)
    await client.settle()
    client.h2.reset_stream(stream, ErrorCodes.CANCEL)
    await client.settle()
    assert cancelled.is_set()
    (connection,) = serving.open
    assert not connection.busy
    client.h2.ping(b"12345678")
    assert client.pump()


async def test_a_lost_connection_cancels_its_calls(serving: Serving) -> None:
    gate = asyncio.Event()

    async def wait(_payload: bytes, context: Any) -> None:
        try:
            await context.write(bytes(100_000))
        finally:
            gate.set()

    serving.handlers["/s/stream"] = handler(wait, streaming=True)
    client = serving.library()
    ask(client, path="/s/stream")
    await client.settle()
    client.ours.connection_lost(None)
    await asyncio.wait_for(gate.wait(), 1)
    assert not serving.open


async def test_a_drain_lets_calls_in_progress_end(serving: Serving) -> None:
    gate = asyncio.Event()

    async def wait(payload: bytes, _context: Any) -> bytes:
        await gate.wait()
        return payload

    serving.handlers["/s/unary"] = handler(wait)
    client = serving.library()
    (connection,) = serving.open
    stream = ask(client)
    await client.settle()
    connection.drain()
    connection.drain()
    assert connection.busy
    client.pump()
    (away,) = client.of(h2.events.ConnectionTerminated)
    assert (away.error_code, away.last_stream_id) == (ErrorCodes.NO_ERROR, stream)
    # What was on its way is refused, and the last stream that is served stays what was said.
    connection.data_received(request(stream + 2))
    gate.set()
    await asyncio.sleep(0.01)
    assert not connection.busy
    connection.close()
    sent = bytes(client.transport.written)
    parsed = list(frames.FrameReader(2**24).feed(sent))
    assert (frames.RST_STREAM, 0, stream + 2, bytes((0, 0, 0, frames.REFUSED_STREAM))) in parsed
    assert parsed[-1] == (frames.GOAWAY, 0, 0, bytes((0, 0, 0, stream, 0, 0, 0, 0)))
    assert client.transport.closed


async def test_an_answer_on_its_way_keeps_a_draining_connection(serving: Serving) -> None:
    client = serving.library({SettingCodes.INITIAL_WINDOW_SIZE: 10})
    stream = ask(client, bytes(100))
    await client.settle()
    (connection,) = serving.open
    assert not connection.tasks
    assert connection.busy
    client.h2.increment_flow_control_window(100, stream)
    await client.settle()
    assert not connection.busy
