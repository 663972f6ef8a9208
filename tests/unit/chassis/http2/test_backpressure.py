"""A peer that does not read: data waits with its streams, and large bodies do not pass for unread answers."""

import asyncio

import pytest

from services.chassis.http2 import frames
from services.chassis.http2.client import ClientConnection
from services.chassis.http2.frames import FrameReader

_HIGH_WATER = 512 * 1024


class Transport:
    """Buffers what is written until `read`, and says pause and resume as asyncio's do."""

    def __init__(self) -> None:
        self.protocol = None
        self.buffered = 0
        self.largest = 0
        self.written = b""
        self.closed = False
        self._paused = False

    def write(self, data: bytes) -> None:
        self.written += data
        self.buffered += len(data)
        self.largest = max(self.largest, self.buffered)
        if self.buffered > _HIGH_WATER and not self._paused:
            self._paused = True
            self.protocol.pause_writing()

    def read(self) -> None:
        self.buffered = 0
        if self._paused:
            self._paused = False
            self.protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def close(self) -> None:
        self.closed = True


@pytest.fixture
async def connected():
    transport = Transport()
    connection = transport.protocol = ClientConnection(64 * 1024 * 1024)
    connection.connection_made(transport)
    wide = frames.settings(
        {frames.INITIAL_WINDOW_SIZE: frames.LARGEST_WINDOW, frames.MAX_FRAME_SIZE: 2**24 - 1}
    )
    connection.data_received(wide + frames.window_update(0, frames.LARGEST_WINDOW - frames.DEFAULT_WINDOW))
    yield connection, transport
    await connection.close(0.0)


async def test_a_large_body_waits_for_a_slow_reader_and_pings_are_answered_meanwhile(connected):
    connection, transport = connected
    body = bytes(6_000_000)
    call = connection.start(b"\x83", body, 5.0)
    for _ in range(50):
        connection.data_received(frames.frame(frames.PING, 0, 0, bytes(8)))
        transport.read()
    assert not transport.closed
    assert transport.largest < 2 * _HIGH_WATER
    data = [
        payload
        for kind, _, stream, payload in FrameReader(2**24).feed(
            transport.written.removeprefix(frames.PREFACE)
        )
        if kind == frames.DATA and stream == call.stream_id
    ]
    assert b"".join(data) == body
    call.cancel()


async def test_several_large_bodies_wait_too(connected):
    connection, transport = connected
    calls = [connection.start(b"\x83", bytes(1_500_000), 5.0) for _ in range(4)]
    for _ in range(60):
        connection.data_received(frames.frame(frames.PING, 0, 0, bytes(8)))
        await asyncio.sleep(0)
        transport.read()
    assert not transport.closed
    assert transport.largest < 2 * _HIGH_WATER
    assert all(not call.outgoing for call in calls)
    for call in calls:
        call.cancel()


async def test_a_server_that_pings_and_reads_nothing_is_hung_up_on(connected):
    connection, transport = connected
    call = connection.start(b"\x83", bytes(24_000_000), 5.0)
    for _ in range(100_000):
        connection.data_received(frames.frame(frames.PING, 0, 0, bytes(8)))
        if transport.closed:
            break
    assert transport.closed
    assert transport.largest < 4 * _HIGH_WATER
    assert call.ended
    await asyncio.sleep(0)
