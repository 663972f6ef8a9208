"""What our server sends and takes follows the windows, however slowly its client reads."""

import asyncio
from typing import Any

import h2.events
import pytest
from h2.settings import SettingCodes

from services.chassis.http2.messages import message
from tests.fakes.http2 import HEAD, Serving, handler, request
from tests.fakes.http2_calls import ask, status


@pytest.mark.parametrize("size", [0, 16_379, 16_380, 65_530, 65_531, 10_000_000])
@pytest.mark.parametrize("streaming", [False, True])
async def test_answers_go_out_as_the_windows_allow(serving: Serving, size: int, streaming: bool) -> None:
    payload = (bytes(range(256)) * (size // 256 + 1))[:size]

    async def unary(_payload: bytes, _context: Any) -> bytes:
        return payload

    async def stream_(_payload: bytes, context: Any) -> None:
        await context.write(payload)
        await context.write(b"second")

    serving.handlers["/s/unary"] = handler(stream_ if streaming else unary, streaming=streaming)
    client = serving.library()
    stream = ask(client)
    for _ in range(1000):
        received = [event for event in await client.settle() if isinstance(event, h2.events.DataReceived)]
        for event in received:
            if event.flow_controlled_length and not client.of(h2.events.StreamEnded, stream):
                client.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        if not received:
            break
    assert client.body(stream) == message(payload) + (message(b"second") if streaming else b"")
    assert status(client, stream) == "0"
    (connection,) = serving.open
    assert not connection.busy


async def test_windows_that_shrink_below_nothing(serving: Serving) -> None:
    client = serving.library({SettingCodes.INITIAL_WINDOW_SIZE: 100})
    stream = ask(client, bytes(300))
    await client.settle()
    assert len(client.body(stream)) == 100
    client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})
    client.h2.increment_flow_control_window(90, stream)
    await client.settle()
    assert len(client.body(stream)) == 100
    client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1000})
    await client.settle()
    assert client.body(stream) == message(bytes(300))
    assert status(client, stream) == "0"


async def test_nothing_follows_the_status_of_a_call_that_was_too_late(serving: Serving) -> None:
    async def much(_payload: bytes, context: Any) -> None:
        await context.write(bytes(200_000))

    serving.handlers["/s/stream"] = handler(much, streaming=True)
    client = serving.library({SettingCodes.INITIAL_WINDOW_SIZE: 2**20})
    stream = ask(client, b"", ("grpc-timeout", "30m"), path="/s/stream")
    await client.settle()
    assert len(client.body(stream)) == 65_535  # the connection's window
    await asyncio.sleep(0.05)
    await client.settle()
    assert status(client, stream) == "4"
    (connection,) = serving.open
    assert not connection._line
    client.h2.increment_flow_control_window(2**20)
    other = ask(client)
    await client.settle()  # the library would refuse data after the end
    assert status(client, other) == "0"
    assert len(client.body(stream)) == 65_535


async def test_long_requests_come_whole(serving: Serving) -> None:
    client = serving.library()
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, HEAD)
    data = message(bytes(3_000_000))
    while data:
        room = min(client.h2.local_flow_control_window(stream), client.h2.max_outbound_frame_size)
        assert room > 0
        client.h2.send_data(stream, data[:room], end_stream=room >= len(data))
        data = data[room:]
        client.pump()
    await client.settle()
    assert len(client.body(stream)) == 65_535
    assert serving.budget.used == 0


async def test_nothing_is_read_from_a_client_that_does_not_read(serving: Serving) -> None:
    client = serving.raw()
    client.transport.stuck = True
    stream, handed = 1, 0
    while client.transport.reading and handed < 10_000:
        client.send(request(stream, b"x"))
        await asyncio.sleep(0)
        stream, handed = stream + 2, handed + 1
    await asyncio.sleep(0.01)
    assert client.transport.unsent < 2**20
    assert handed < 10_000
    client.transport.read_again()
    assert client.transport.reading


async def test_a_stream_waits_for_a_client_that_does_not_read(serving: Serving) -> None:
    written = 0

    async def much(_payload: bytes, context: Any) -> None:
        nonlocal written
        for _ in range(100):
            await context.write(bytes(60_000))
            written += 1

    serving.handlers["/s/stream"] = handler(much, streaming=True)
    client = serving.library({SettingCodes.INITIAL_WINDOW_SIZE: 2**24})
    client.h2.increment_flow_control_window(2**24)
    ask(client, path="/s/stream")
    client.pump()
    client.transport.stuck = True
    await asyncio.sleep(0.01)
    assert 0 < written < 12
    client.transport.read_again()
    await asyncio.sleep(0.01)
    assert written == 100
