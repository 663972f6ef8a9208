"""Frames as a server may send them, and those with which our client ends the connection."""

import pytest
from grpc import StatusCode

from services.chassis.http2 import frames
from services.chassis.http2.headers import encode_fields
from services.chassis.http2.messages import message
from tests.fakes.http2 import ANSWER, raw_server_of
from tests.fakes.http2_calls import WELL, answer, failure, rest, start


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
