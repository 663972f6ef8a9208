"""Our client against the library's server, without a socket."""

import asyncio
from typing import Any

import h2.events
import pytest
from grpc import StatusCode
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from services.chassis.http2 import frames
from services.chassis.http2.call import Call
from services.chassis.http2.client import ClientConnection
from services.chassis.http2.headers import encode_fields, request_head, timeout_field
from services.chassis.http2.messages import message
from services.chassis.http2.status import RpcError
from tests.fakes.http2 import ANSWER, client_with, raw_server_of

PATH = request_head("triton.internal", "/s/m") + timeout_field(10)
WELL = (("grpc-status", "0"),)


def start(client: ClientConnection, payload: bytes = b"ask", timeout_s: float | None = 10.0) -> Call:
    return client.start(PATH, message(payload), timeout_s)


async def failure(call: Call) -> RpcError:
    with pytest.raises(RpcError) as caught:
        await asyncio.wait_for(call.read(), 1)
    return caught.value


async def rest(call: Call) -> list[bytes]:
    """Read a call to its end."""
    messages = []
    while (one := await asyncio.wait_for(call.read(), 1)) is not None:
        messages.append(one)
    return messages


async def test_a_request_and_its_answer() -> None:
    client, server = client_with()
    call = start(client)
    server.pump()
    (asked,) = server.of(h2.events.RequestReceived)
    assert asked.headers == [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "triton.internal"),
        (":path", "/s/m"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "craton"),
        ("grpc-timeout", "10000000u"),
    ]
    assert server.body(1) == message(b"ask")
    assert server.of(h2.events.StreamEnded, 1)
    server.h2.send_headers(1, ANSWER)
    for payload in (b"one", b"", b"three"):
        server.send_message(1, payload)
    server.h2.send_headers(1, WELL, end_stream=True)
    server.pump()
    assert await rest(call) == [b"one", b"", b"three"]
    assert await call.read() is None
    assert call.ended
    assert client.usable
    assert not client._calls


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


def answer(*fields: tuple[str, str], stream: int = 1, end: bool = True) -> bytes:
    flags = frames.END_HEADERS | (frames.END_STREAM if end else 0)
    return frames.frame(frames.HEADERS, flags, stream, encode_fields(fields))


@pytest.mark.parametrize(
    ("fields", "code", "details"),
    [
        (
            (*ANSWER, ("grpc-status", "8"), ("grpc-message", "50%25 %C3%A9")),
            StatusCode.RESOURCE_EXHAUSTED,
            "50% é",
        ),
        ((*ANSWER, ("grpc-status", "99")), StatusCode.UNKNOWN, ""),
        ((*ANSWER, ("grpc-status", "9" * 5000)), StatusCode.UNKNOWN, ""),
        ((*ANSWER, ("grpc-status", "-1")), StatusCode.UNKNOWN, ""),
        ((*ANSWER, ("grpc-status", "")), StatusCode.UNKNOWN, ""),
        (ANSWER, StatusCode.UNKNOWN, "the answer has no gRPC status"),
        (((":status", "503"),), StatusCode.UNAVAILABLE, "the answer has no gRPC status"),
        (((":status", "404"),), StatusCode.UNIMPLEMENTED, "the answer has no gRPC status"),
        ((("x", "y"),), StatusCode.UNKNOWN, "the answer has no gRPC status"),
    ],
)
async def test_answers_of_trailers_alone(
    fields: tuple[tuple[str, str], ...], code: StatusCode, details: str
) -> None:
    client, server = raw_server_of()
    call = start(client)
    server.send(answer(*fields))
    error = await failure(call)
    assert (error.code, error.details) == (code, details)
    assert client.usable


async def test_the_fields_of_a_failure_are_kept() -> None:
    client, server = raw_server_of()
    call = start(client)
    server.send(answer(*ANSWER, ("grpc-status", "5"), ("details-bin", "/+8"), ("other", "1")))
    assert dict((await failure(call)).trailing)["details-bin"] == b"\xff\xef"


@pytest.mark.parametrize(
    ("status", "code"),
    [("503", StatusCode.UNAVAILABLE), ("418", StatusCode.UNKNOWN), ("", StatusCode.UNKNOWN)],
)
async def test_answers_that_are_not_200_end_the_call(status: str, code: StatusCode) -> None:
    client, server = raw_server_of()
    call = start(client)
    server.frames()
    server.send(answer((":status", status), end=False))
    assert (await failure(call)).code is code
    assert server.frames() == [(frames.RST_STREAM, 0, 1, bytes((0, 0, 0, frames.CANCEL)))]
    assert client.usable


async def test_interim_answers_are_passed_over() -> None:
    client, server = client_with()
    call = start(client)
    server.pump()
    server.h2.send_headers(1, [(":status", "103")])
    server.h2.send_headers(1, ANSWER)
    server.h2.send_headers(1, WELL, end_stream=True)
    server.pump()
    assert await rest(call) == []


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (message(b"cut")[:-1], StatusCode.INTERNAL),
        (b"\x01\x00\x00\x00\x00", StatusCode.UNIMPLEMENTED),
        (b"\x00\xff\xff\xff\xff", StatusCode.RESOURCE_EXHAUSTED),
    ],
)
async def test_messages_that_cannot_be_taken(sent: bytes, code: StatusCode) -> None:
    client, server = client_with()
    call = start(client)
    server.pump()
    server.h2.send_headers(1, ANSWER)
    server.h2.send_data(1, sent)
    server.h2.send_headers(1, WELL, end_stream=True)
    server.pump()
    assert (await failure(call)).code is code
    assert client.usable


async def test_data_that_ends_without_trailers() -> None:
    client, server = client_with()
    call = start(client)
    server.pump()
    server.h2.send_headers(1, ANSWER)
    server.send_message(1, b"kept", end=True)
    server.pump()
    assert await call.read() == b"kept"
    assert (await failure(call)).code is StatusCode.INTERNAL


@pytest.mark.parametrize(
    ("reset", "code", "unprocessed"),
    [
        (ErrorCodes.REFUSED_STREAM, StatusCode.UNAVAILABLE, True),
        (ErrorCodes.CANCEL, StatusCode.CANCELLED, False),
        (ErrorCodes.ENHANCE_YOUR_CALM, StatusCode.RESOURCE_EXHAUSTED, False),
        (ErrorCodes.NO_ERROR, StatusCode.INTERNAL, False),
    ],
)
async def test_resets(reset: ErrorCodes, code: StatusCode, unprocessed: bool) -> None:
    client, server = client_with()
    call = start(client)
    server.pump()
    server.h2.reset_stream(1, reset)
    server.pump()
    error = await failure(call)
    assert (error.code, error.unprocessed) == (code, unprocessed)
    other = start(client)
    server.pump()
    server.h2.send_headers(3, (*ANSWER, *WELL), end_stream=True)
    server.pump()
    assert await rest(other) == []


async def test_an_answer_before_the_whole_request_stops_it() -> None:
    client, server = client_with({SettingCodes.INITIAL_WINDOW_SIZE: 10})
    call = start(client, bytes(100))
    server.pump()
    server.h2.send_headers(1, (*ANSWER, ("grpc-status", "8")), end_stream=True)
    server.pump()
    assert (await failure(call)).code is StatusCode.RESOURCE_EXHAUSTED
    assert [event.error_code for event in server.of(h2.events.StreamReset, 1)] == [ErrorCodes.CANCEL]


async def test_calls_wait_for_a_stream_and_can_be_given_up() -> None:
    client, server = client_with({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    first, second, third = start(client), start(client, b"2"), start(client, b"3")
    await server.settle()
    assert len(server.of(h2.events.RequestReceived)) == 1
    second.cancel()
    assert (await failure(second)).code is StatusCode.CANCELLED
    server.h2.send_headers(1, (*ANSWER, *WELL), end_stream=True)
    await server.settle()
    assert await rest(first) == []
    assert server.body(3) == message(b"3")
    server.h2.send_headers(3, (*ANSWER, *WELL), end_stream=True)
    server.pump()
    assert await rest(third) == []


async def test_more_streams_are_used_when_the_server_allows_them() -> None:
    client, server = client_with({SettingCodes.MAX_CONCURRENT_STREAMS: 0})
    calls = [start(client) for _ in range(5)]
    server.pump()
    assert not server.of(h2.events.RequestReceived)
    server.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 3})
    await server.settle()
    assert len(server.of(h2.events.RequestReceived)) == 3
    calls[0].cancel()
    await server.settle()
    assert len(server.of(h2.events.RequestReceived)) == 4


async def test_deadlines_end_a_call_wherever_it_is() -> None:
    client, server = client_with(
        {SettingCodes.MAX_CONCURRENT_STREAMS: 2, SettingCodes.INITIAL_WINDOW_SIZE: 100}
    )
    sending, waiting = start(client, bytes(200), 0.02), start(client, b"", 0.02)
    queued = start(client, b"", 0.01)
    await server.settle()
    for call in (sending, waiting, queued):
        assert (await failure(call)).code is StatusCode.DEADLINE_EXCEEDED
    await server.settle()
    assert [event.stream_id for event in server.of(h2.events.StreamReset)] == [1, 3]
    assert not client._calls
    assert not client._queued
    # What arrives late concerns nobody.
    client.data_received(answer(*ANSWER, end=False) + frames.frame(frames.DATA, 0, 1, message(b"late")))
    client.data_received(frames.window_update(1, 100))
    assert client.usable


async def test_a_reader_that_is_cancelled_can_cancel_its_call() -> None:
    client, server = client_with()
    call = start(client)
    reader = asyncio.create_task(call.read())
    await server.settle()
    reader.cancel()
    await asyncio.wait([reader])
    call.cancel()
    await server.settle()
    assert [event.error_code for event in server.of(h2.events.StreamReset, 1)] == [ErrorCodes.CANCEL]
    call.cancel()
    assert not server.pump()


async def test_goaway_lets_taken_calls_go_on_and_fails_the_others() -> None:
    client, server = raw_server_of()
    server.send(frames.settings({frames.MAX_CONCURRENT_STREAMS: 2}))
    taken, refused, queued = start(client), start(client), start(client)
    server.send(frames.goaway(1, 0))
    assert not client.usable
    for call in (refused, queued):
        error = await failure(call)
        assert (error.code, error.unprocessed) == (StatusCode.UNAVAILABLE, True)
    with pytest.raises(RpcError) as caught:
        start(client)
    assert caught.value.unprocessed
    server.send(answer(*ANSWER, end=False), frames.frame(frames.DATA, 0, 1, message(b"m")), answer(*WELL))
    assert await rest(taken) == [b"m"]
    assert server.transport.closed


async def test_goaway_and_a_call_given_up_close_the_connection() -> None:
    client, server = raw_server_of()
    call = start(client)
    server.send(frames.goaway(1, 0))
    assert not server.transport.closed
    call.cancel()
    assert server.transport.closed


async def test_a_lost_connection_fails_all_calls() -> None:
    client, _ = client_with({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    begun, queued = start(client), start(client)
    client.connection_lost(None)
    errors = [await failure(begun), await failure(queued)]
    assert [(error.code, error.unprocessed) for error in errors] == [
        (StatusCode.UNAVAILABLE, False),
        (StatusCode.UNAVAILABLE, True),
    ]
    with pytest.raises(RpcError):
        start(client)


async def test_stream_ids_run_out() -> None:
    client, server = raw_server_of()
    server.send(frames.settings({frames.MAX_CONCURRENT_STREAMS: 1}))
    client._next_id = frames.LARGEST_STREAM_ID
    last = start(client)
    assert not client.usable
    with pytest.raises(RpcError):
        start(client)
    server.send(answer(*ANSWER, *WELL, stream=frames.LARGEST_STREAM_ID))
    assert await rest(last) == []
    assert server.transport.closed


async def test_calls_that_wait_when_stream_ids_run_out_fail_at_once() -> None:
    client, server = raw_server_of()
    server.send(frames.settings({frames.MAX_CONCURRENT_STREAMS: 1}))
    client._next_id = frames.LARGEST_STREAM_ID - 2
    first, second, third = start(client), start(client), start(client)
    server.send(answer(*ANSWER, *WELL, stream=frames.LARGEST_STREAM_ID - 2))
    assert await rest(first) == []
    assert (await failure(third)).unprocessed
    server.send(answer(*ANSWER, *WELL, stream=frames.LARGEST_STREAM_ID))
    assert await rest(second) == []


async def test_header_blocks_in_pieces_and_padded() -> None:
    client, server = raw_server_of()
    call = start(client)
    block = encode_fields((*ANSWER, ("grpc-status", "5")))
    padded = b"\x03" + bytes(5) + block[:4] + bytes(3)
    server.send(
        frames.frame(frames.HEADERS, frames.END_STREAM | frames.PADDED | frames.WITH_PRIORITY, 1, padded),
        frames.frame(frames.CONTINUATION, 0, 1, block[4:9]),
        frames.frame(frames.CONTINUATION, frames.END_HEADERS, 1, block[9:]),
    )
    assert (await failure(call)).code is StatusCode.NOT_FOUND


async def test_what_means_nothing_is_ignored() -> None:
    client, server = raw_server_of()
    call = start(client)
    server.frames()
    server.send(
        frames.frame(frames.PRIORITY, 0, 1, bytes(5)),
        frames.frame(0x77, 0xFF, 1, b"unknown"),
        frames.frame(frames.SETTINGS, frames.ACK, 0),
        frames.settings({0x99: 1}),
        frames.frame(frames.PING, frames.ACK, 0, bytes(8)),
        frames.frame(frames.PING, 0, 0, b"12345678"),
    )
    # A flag that DATA frames do not have must not cost five bytes of a padded one.
    padded = frames.frame(
        frames.DATA, frames.PADDED | frames.WITH_PRIORITY, 1, b"\x02" + message(b"whole") + bytes(2)
    )
    server.send(answer(*ANSWER, end=False), padded, answer(*WELL))
    assert server.frames() == [
        (frames.SETTINGS, frames.ACK, 0, b""),
        (frames.PING, frames.ACK, 0, b"12345678"),
    ]
    assert await rest(call) == [b"whole"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frames.frame(frames.PUSH_PROMISE, 4, 1, bytes(4)), frames.PROTOCOL_ERROR),
        (frames.frame(frames.DATA, 0, 0, b"x"), frames.PROTOCOL_ERROR),
        (frames.frame(frames.DATA, 0, 2, b"x"), frames.PROTOCOL_ERROR),
        (frames.frame(frames.DATA, 0, 3, b"x"), frames.PROTOCOL_ERROR),
        (answer(*ANSWER, stream=3), frames.PROTOCOL_ERROR),
        (answer(*ANSWER, stream=0), frames.PROTOCOL_ERROR),
        (frames.reset(3, 0), frames.PROTOCOL_ERROR),
        (frames.window_update(3, 1), frames.PROTOCOL_ERROR),
        (frames.window_update(1, 0), frames.PROTOCOL_ERROR),
        (frames.window_update(0, 2**31 - 1), frames.FLOW_CONTROL_ERROR),
        (frames.window_update(1, 2**31 - 1), frames.FLOW_CONTROL_ERROR),
        (frames.settings({4: 2**31 - 1}) + frames.window_update(1, 100), frames.FLOW_CONTROL_ERROR),
        (frames.settings({4: 2**31}), frames.FLOW_CONTROL_ERROR),
        (frames.settings({5: 16_383}), frames.PROTOCOL_ERROR),
        (frames.settings({5: 2**24}), frames.PROTOCOL_ERROR),
        (frames.frame(frames.SETTINGS, 0, 1), frames.PROTOCOL_ERROR),
        (frames.frame(frames.SETTINGS, 0, 0, bytes(5)), frames.FRAME_SIZE_ERROR),
        (frames.frame(frames.PING, 0, 0, bytes(7)), frames.FRAME_SIZE_ERROR),
        (frames.frame(frames.GOAWAY, 0, 0, b""), frames.FRAME_SIZE_ERROR),
        (frames.frame(frames.CONTINUATION, 4, 1, b""), frames.PROTOCOL_ERROR),
        (
            frames.frame(frames.HEADERS, 0, 1, b"") + frames.frame(frames.PING, 0, 0, bytes(8)),
            frames.PROTOCOL_ERROR,
        ),
        (
            frames.frame(frames.HEADERS, 0, 1, b"") + frames.frame(frames.CONTINUATION, 4, 3, b""),
            frames.PROTOCOL_ERROR,
        ),
        (frames.frame(frames.HEADERS, 4, 1, b"\x80"), frames.COMPRESSION_ERROR),
        (frames.frame(frames.HEADERS, frames.PADDED | 4, 1, b"\x05"), frames.PROTOCOL_ERROR),
        (frames.frame(0x77, 0, 1, bytes(256 * 1024 + 1)), frames.FRAME_SIZE_ERROR),
    ],
)
async def test_faults_end_the_connection(sent: bytes, code: int) -> None:
    client, server = raw_server_of()
    call = start(client)
    server.send(sent)
    assert server.fault() == code
    assert server.transport.closed
    assert not client.usable
    assert (await failure(call)).code is StatusCode.UNAVAILABLE
    server.send(frames.frame(frames.PING, 0, 0, bytes(8)))
    assert server.frames() == []


async def test_a_stream_that_sends_more_than_its_window_ends_the_connection() -> None:
    client, server = raw_server_of()
    start(client)
    for _ in range(4):
        server.send(frames.frame(frames.DATA, 0, 1, b"\x00\x03\xff\xff\xff" + bytes(256 * 1024 - 5)))
    assert client.usable  # a message longer than the window: the window was widened
    call = start(client, b"another")
    server.send(*(frames.frame(frames.DATA, 0, 3, message(bytes(256 * 1024 - 5))) for _ in range(4)))
    assert client.usable
    server.send(frames.frame(frames.DATA, 0, 3, b"x"))
    assert server.fault() == frames.FLOW_CONTROL_ERROR
    assert await call.read() is not None


async def test_a_server_that_does_not_read_our_answers_is_left() -> None:
    client, server = raw_server_of()
    server.transport.stuck = True
    for _ in range(2000):
        server.send(frames.frame(frames.PING, 0, 0, bytes(8)) * 64)
    assert server.transport.closed
    assert server.transport.unsent < 2 * 2**20
    assert not client.usable


async def test_a_server_with_a_small_header_table_is_told_that_we_use_none() -> None:
    client, server = client_with()
    server.h2.update_settings({SettingCodes.HEADER_TABLE_SIZE: 0})
    server.pump()
    for stream in (1, 3):
        call = start(client)
        server.pump()
        assert server.of(h2.events.RequestReceived, stream)
        server.h2.send_headers(stream, (*ANSWER, *WELL), end_stream=True)
        server.pump()
        assert await rest(call) == []


class ShortSilence:
    """Steps of the clock for a connection that looks after its server."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("services.chassis.http2.client._SILENT_S", 0.02)
        monkeypatch.setattr("services.chassis.http2.client._ANSWER_S", 0.02)
        self.client, self.server = raw_server_of()

    async def pinged(self) -> Any:
        for _ in range(100):
            await asyncio.sleep(0.002)
            if pings := [frame for frame in self.server.frames() if frame[0] == frames.PING]:
                return pings[0]
        return None


async def test_a_silent_server_is_asked_and_stays_when_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = ShortSilence(monkeypatch)
    for _ in range(5):
        assert await silence.pinged() is not None
        silence.server.send(frames.frame(frames.PING, frames.ACK, 0, bytes(8)))
    assert silence.client.usable
    silence.client.close()


async def test_a_server_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = ShortSilence(monkeypatch)
    call = start(silence.client)
    assert await silence.pinged() is not None
    assert (await failure(call)).code is StatusCode.UNAVAILABLE
    assert silence.server.transport.closed
