"""Whatever comes: nothing escapes, and a connection goes on or ends with a GOAWAY that says why."""

import asyncio
import struct
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.http2 import frames
from services.chassis.http2.client import ClientConnection
from services.chassis.http2.frames import FrameReader
from services.chassis.http2.headers import encode_fields
from services.chassis.http2.messages import message
from services.chassis.http2.protocol import Http2Protocol
from tests.fakes.http2 import ANSWER, HEAD, FakeTransport, RawPeer, Serving, handler, request

names = st.sampled_from(
    [
        ":method",
        ":path",
        ":status",
        ":scheme",
        "te",
        "grpc-status",
        "grpc-message",
        "grpc-timeout",
        "content-length",
        "content-type",
        "authorization",
        "x-bin",
        "Upper",
        "",
    ]
)
values = st.sampled_from(
    ["POST", "/s/unary", "/s/stream", "https", "200", "0", "5", "1n", "99999999H", "%%", "é", "9" * 5000]
)
field_lists = st.lists(st.tuples(names, values), max_size=6)
header_blocks = st.one_of(
    st.just(encode_fields(HEAD)),
    st.just(encode_fields(ANSWER)),
    st.just(encode_fields((("grpc-status", "0"),))),
    field_lists.map(encode_fields),
    field_lists.map(lambda fields: encode_fields((*HEAD, *fields))),
    st.binary(max_size=30),
)
bodies = st.one_of(
    st.sampled_from(
        [message(b"x"), message(b""), message(b"x")[:3], message(b"1") + message(b"2"), b"\x01\0\0\0\0"]
    ),
    st.binary(max_size=20),
)
stream_ids = st.sampled_from([1, 1, 1, 3, 3, 5, 0, 2, 7, 2**31 - 1])
flags = st.sampled_from([0, 1, 4, 5, 5, 5, 8, 13, 0x20, 0x2D]) | st.integers(0, 255)
windows = st.sampled_from([0, 1, 5, 100, 65_535, 2**31 - 1, 2**31, 2**32 - 1]).map(
    lambda size: size.to_bytes(4, "big")
)
setting_lists = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3, 4, 5, 6, 99]),
        st.sampled_from([0, 1, 10, 16_384, 65_535, 2**31 - 1, 2**32 - 1]),
    ),
    max_size=4,
)
settings_frames = setting_lists.map(
    lambda pairs: frames.frame(frames.SETTINGS, 0, 0, b"".join(struct.pack(">HL", *pair) for pair in pairs))
)
connection_kinds = st.sampled_from([frames.PING, frames.GOAWAY, frames.SETTINGS, frames.PRIORITY])
requests = st.sampled_from(
    [
        request(1),
        request(3),
        request(5),
        request(1, None, end=False),
        request(7, b"y", ("grpc-timeout", "1m")),
    ]
)
any_frames = st.one_of(
    st.builds(frames.frame, st.just(frames.HEADERS), flags, stream_ids, header_blocks),
    st.builds(frames.frame, st.just(frames.CONTINUATION), flags, stream_ids, header_blocks),
    st.builds(frames.frame, st.just(frames.DATA), flags, stream_ids, bodies),
    st.builds(frames.frame, st.just(frames.WINDOW_UPDATE), flags, stream_ids, windows),
    st.builds(frames.frame, st.just(frames.RST_STREAM), flags, stream_ids, windows),
    settings_frames,
    requests,
    st.builds(frames.frame, connection_kinds, flags, stream_ids, st.binary(max_size=16)),
    st.builds(frames.frame, st.integers(0, 255), flags, stream_ids, st.binary(max_size=16)),
    st.binary(max_size=12),
)
steps = st.lists(any_frames, min_size=1, max_size=14)


def check(peer: RawPeer, ours: Http2Protocol) -> None:
    """What our end wrote are whole frames; if it hung up, a GOAWAY is the last."""
    reader = FrameReader(2**24)
    sent = list(reader.feed(bytes(peer.transport.written)))
    peer.transport.written.clear()
    assert not reader._pieces.missing
    if peer.transport.closed:
        assert sent
        assert sent[-1][0] == frames.GOAWAY
        assert ours._transport is None
        assert not ours._streams()
    assert not any(kind in (frames.PUSH_PROMISE, frames.PRIORITY) for kind, *_ in sent)


async def turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@given(steps, st.data())
@settings(max_examples=600, deadline=None)
def test_our_server(sent: list[bytes], data: st.DataObject) -> None:
    async def run() -> None:
        serving = Serving()

        async def echo(payload: bytes, _context: Any) -> bytes:
            return payload * 30

        async def twice(payload: bytes, context: Any) -> None:
            await context.write(payload)
            await context.write(bytes(70_000))

        serving.handlers.update({"/s/unary": handler(echo), "/s/stream": handler(twice, streaming=True)})
        peer = serving.raw()
        for one in sent:
            peer.send(one)
            if data.draw(st.booleans()):
                await turns()
        await turns()
        check(peer, peer.ours)
        peer.ours.connection_lost(None)
        await turns()
        assert serving.budget.used == 0
        assert not serving.open
        assert not peer.ours.tasks  # type: ignore[attr-defined]

    asyncio.run(run())


@given(steps, st.data())
@settings(max_examples=600, deadline=None)
def test_our_client(sent: list[bytes], data: st.DataObject) -> None:
    async def run() -> None:
        ours = ClientConnection(1000)
        peer = RawPeer(ours, FakeTransport(), preface=False)
        calls = [ours.start(encode_fields(HEAD), message(bytes(size)), 10) for size in (0, 70_000, 10)]
        for one in sent:
            peer.send(one)
            if data.draw(st.booleans()):
                await turns()
        await turns()
        check(peer, ours)
        if peer.transport.closed:
            assert all(call.ended for call in calls)
        ours.connection_lost(None)
        assert all(call.ended for call in calls)
        assert not ours._queued
        assert not ours._line

    asyncio.run(run())


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_noise(noise: bytes) -> None:
    async def run() -> None:
        for peer in (Serving().raw(), RawPeer(ClientConnection(1000), FakeTransport(), preface=False)):
            peer.send(noise)
            check(peer, peer.ours)
            peer.ours.connection_lost(None)

    asyncio.run(run())
