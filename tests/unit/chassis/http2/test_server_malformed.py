"""Requests that our server resets, and frames with which it ends the connection."""

import asyncio
from typing import Any

import pytest

from services.chassis.http2 import frames
from services.chassis.http2.headers import encode_fields
from tests.fakes.http2 import HEAD, Serving, handler, request


@pytest.mark.parametrize(
    "extra",
    [
        (("authorization", "Bearer a"), ("authorization", "Bearer b")),
        (("grpc-timeout", "1S"), ("grpc-timeout", "2S")),
        (("x-request-id", "12345678"), ("x-request-id", "12345679")),
        (("content-type", "application/grpc"),),
        (("content-length", "6"), ("content-length", "6")),
        (("grpc-timeout", "1s"),),
        (("grpc-timeout", "123456789S"),),
        (("grpc-timeout", "-1S"),),
        (("grpc-timeout", "²S"),),
        (("grpc-timeout", ""),),
        (("te", "gzip"),),
        ((":path", "/s/other"),),
        ((":method", "POST"),),
        ((":protocol", "websocket"),),
        (("Upper", "case"),),
        (("", "empty"),),
        (("sp ace", "x"),),
        (("x\r\ny", "x"),),
        (("x", "a\r\nb"),),
        (("x", "a\0b"),),
        (("x", "tab\t"),),
        (("x", "é"),),
        (("x", "\x7f"),),
        (("connection", "close"),),
        (("transfer-encoding", "chunked"),),
        (("upgrade", "h2c"),),
        (("content-length", "4"),),
        (("content-length", "-6"),),
        (("content-length", "6, 6"),),
    ],
)
async def test_malformed_requests_are_reset_and_reach_nobody(
    serving: Serving, extra: tuple[tuple[str, str], ...]
) -> None:
    reached = []

    async def reach(payload: bytes, _context: Any) -> bytes:
        reached.append(payload)
        return payload

    serving.handlers["/s/unary"] = handler(reach)
    client = serving.raw()
    client.send(request(1, b"x", *extra))
    await asyncio.sleep(0.01)
    assert client.frames() == [(frames.RST_STREAM, 0, 1, bytes((0, 0, 0, frames.PROTOCOL_ERROR)))]
    assert not reached
    client.send(request(3, b"y", ("content-length", "6"), ("x", "a"), ("x", "b")))
    await asyncio.sleep(0.01)
    assert reached == [b"y"]


@pytest.mark.parametrize("missing", [":method", ":scheme", ":path"])
async def test_pseudo_header_fields_must_be_there_and_first(serving: Serving, missing: str) -> None:
    client = serving.raw()
    fewer = [field for field in HEAD if field[0] != missing]
    late = [*fewer, next(field for field in HEAD if field[0] == missing)]
    for stream, fields in ((1, fewer), (3, late)):
        client.send(frames.frame(frames.HEADERS, 5, stream, encode_fields(fields)))
        assert client.frames() == [(frames.RST_STREAM, 0, stream, bytes((0, 0, 0, frames.PROTOCOL_ERROR)))]


async def test_trailers_of_a_request(serving: Serving) -> None:
    client = serving.raw()
    client.send(request(1, b"x", end=False))
    client.send(frames.frame(frames.HEADERS, 5, 1, encode_fields((("x", "y"),))))
    await asyncio.sleep(0.01)
    assert client.kinds() == [frames.HEADERS, frames.DATA, frames.HEADERS]
    for stream, flags, field in ((3, 4, ("x", "y")), (5, 5, (":path", "/s/other"))):
        client.send(request(stream, b"x", end=False))
        client.send(frames.frame(frames.HEADERS, flags, stream, encode_fields((field,))))
        assert client.frames() == [(frames.RST_STREAM, 0, stream, bytes((0, 0, 0, frames.PROTOCOL_ERROR)))]


@pytest.mark.parametrize("again", [request(1, b"x"), frames.frame(frames.DATA, 1, 1, b"")])
async def test_nothing_may_follow_the_end_of_a_request(serving: Serving, again: bytes) -> None:
    begun = 0

    async def wait(_payload: bytes, _context: Any) -> bytes:
        nonlocal begun
        begun += 1
        await asyncio.sleep(60)
        return b""

    serving.handlers["/s/unary"] = handler(wait)
    client = serving.raw()
    client.send(request(1))
    await asyncio.sleep(0)
    client.send(again)
    assert client.fault() == frames.STREAM_CLOSED
    await asyncio.sleep(0.01)
    assert begun == 1
    assert not client.ours.tasks  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (request(2), frames.PROTOCOL_ERROR),
        (request(0), frames.PROTOCOL_ERROR),
        (frames.frame(frames.DATA, 0, 1, b"x"), frames.PROTOCOL_ERROR),
        (frames.reset(1, 0), frames.PROTOCOL_ERROR),
        (frames.window_update(1, 1), frames.PROTOCOL_ERROR),
        (frames.window_update(0, 0), frames.PROTOCOL_ERROR),
        (frames.window_update(0, 2**31 - 1), frames.FLOW_CONTROL_ERROR),
        (frames.frame(frames.PUSH_PROMISE, 4, 1, bytes(4)), frames.PROTOCOL_ERROR),
        (frames.settings({}) * 1001, frames.ENHANCE_YOUR_CALM),
        (
            frames.frame(frames.HEADERS, 0, 1, b"") + frames.frame(frames.CONTINUATION, 0, 1, b""),
            frames.ENHANCE_YOUR_CALM,
        ),
        (
            frames.frame(frames.HEADERS, 0, 1, b"")
            + frames.frame(frames.CONTINUATION, 0, 1, b"\0" * 1000) * 17,
            frames.ENHANCE_YOUR_CALM,
        ),
        (frames.frame(frames.HEADERS, 4, 1, b"\x82" * 16_000), frames.COMPRESSION_ERROR),
        (frames.frame(frames.HEADERS, 4, 1, b"\x82" * 17_000), frames.ENHANCE_YOUR_CALM),
    ],
)
async def test_faults_end_the_connection(serving: Serving, sent: bytes, code: int) -> None:
    client = serving.raw()
    client.send(sent)
    assert client.fault() == code
    assert client.transport.closed
