"""What our client sends and takes follows the windows."""

import h2.events
import pytest
from h2.settings import SettingCodes

from services.chassis.http2.messages import message
from tests.fakes.http2 import ANSWER, client_with
from tests.fakes.http2_calls import WELL, rest, start

_SIZES = (0, 1, 16_378, 16_379, 16_380, 65_530, 65_531, 10_000_000)


@pytest.mark.parametrize(
    ("size", "window"),
    # Ten megabytes a thousand bytes at a time show nothing new, and take long.
    [(size, window) for size in _SIZES for window in (1000, 65_535, 2**31 - 1) if size // window <= 1000],
)
async def test_requests_go_out_as_the_windows_allow(size: int, window: int) -> None:
    client, server = client_with({SettingCodes.INITIAL_WINDOW_SIZE: window})
    payload = bytes(range(256)) * (size // 256 + 1)
    call = start(client, payload[:size])
    for _ in range(30_000):
        events = server.pump()
        received = [event for event in events if isinstance(event, h2.events.DataReceived)]
        for event in received:
            if event.flow_controlled_length:
                server.h2.acknowledge_received_data(event.flow_controlled_length, 1)
        if not received:
            break
    assert server.body(1) == message(payload[:size])
    assert server.of(h2.events.StreamEnded, 1)
    assert not call.outgoing
    assert not client._line


async def test_windows_that_change_while_a_request_waits() -> None:
    client, server = client_with({SettingCodes.INITIAL_WINDOW_SIZE: 100})
    call = start(client, bytes(500))
    server.pump()
    assert len(server.body(1)) == 100
    # Less than was sent already: the stream's window is now -60.
    server.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 40})
    server.pump()
    assert call.send_window == -60
    server.h2.increment_flow_control_window(60, 1)
    server.pump()
    assert len(server.body(1)) == 100
    server.h2.increment_flow_control_window(1, 1)
    server.pump()
    assert len(server.body(1)) == 101
    server.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1000})
    server.pump()
    assert server.body(1) == message(bytes(500))
    assert server.of(h2.events.StreamEnded, 1)


async def test_requests_wait_in_line_for_the_connections_window() -> None:
    client, server = client_with({SettingCodes.INITIAL_WINDOW_SIZE: 2**20})
    calls = [start(client, bytes(50_000)) for _ in range(4)]
    await server.settle()
    assert [len(server.body(stream)) for stream in (1, 3, 5, 7)] == [50_005, 15_530, 0, 0]
    assert calls[1] in client._line
    calls[1].cancel()
    assert calls[1] not in client._line
    server.h2.increment_flow_control_window(50_005)
    await server.settle()
    assert len(server.body(3)) == 15_530
    assert server.body(5) == message(bytes(50_000))
    server.h2.increment_flow_control_window(2**20)
    await server.settle()
    assert server.body(7) == message(bytes(50_000))
    assert not client._line


async def test_long_answers_come_as_they_are_read() -> None:
    client, server = client_with()
    call = start(client)
    server.pump()
    server.h2.send_headers(1, ANSWER)
    payload = bytes(200_000)
    sent = 0
    while server.h2.local_flow_control_window(1) > 200_005:
        server.send_message(1, payload)
        server.pump()
        sent += 1
    assert sent == 5
    server.pump()
    assert server.h2.local_flow_control_window(1) < 200_005  # nobody has read, so no more may come
    for _ in range(sent):
        assert await call.read() == payload
    server.pump()
    assert server.h2.local_flow_control_window(1) > 2**19


async def test_a_message_longer_than_the_window_comes_whole() -> None:
    client, server = client_with()
    call = start(client)
    server.pump()
    server.h2.send_headers(1, ANSWER)
    data = message(bytes(10_000_000))
    while data:
        room = min(server.h2.local_flow_control_window(1), server.h2.max_outbound_frame_size)
        assert room > 0
        server.h2.send_data(1, data[:room], pad_length=None)
        data = data[room:]
        server.pump()
    server.h2.send_headers(1, WELL, end_stream=True)
    server.pump()
    assert await rest(call) == [bytes(10_000_000)]


async def test_empty_messages_that_nobody_reads_are_bounded() -> None:
    client, server = client_with()
    start(client)
    server.pump()
    server.h2.send_headers(1, ANSWER)
    empty = message(b"") * 3000
    sent = 0
    while server.h2.local_flow_control_window(1) >= len(empty):
        server.h2.send_data(1, empty)
        server.pump()
        sent += 1
        assert sent < 100


@pytest.mark.parametrize("pad", [0, 255])
async def test_padded_data(pad: int) -> None:
    client, server = client_with()
    call = start(client)
    server.pump()
    server.h2.send_headers(1, ANSWER)
    server.h2.send_data(1, message(b"padded"), pad_length=pad)
    server.h2.send_headers(1, WELL, end_stream=True)
    server.pump()
    assert await rest(call) == [b"padded"]
