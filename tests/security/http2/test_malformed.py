"""What may not be said: it ends the attacker's stream or connection, and reaches nobody."""

import pytest

from services.chassis.http2 import frames
from services.chassis.http2.headers import encode_fields
from tests.fakes.http2_attack import HEAD, Attacker, Steady
from tests.integration.chassis.conftest import UNARY, Running

FAULTS = {
    "data on an idle stream": frames.frame(frames.DATA, 0, 1, b"x"),
    "data on no stream": frames.frame(frames.DATA, 0, 0, b"x"),
    "reset of an idle stream": frames.reset(1, 8),
    "a zero increment": frames.window_update(0, 0),
    "a window too large": frames.window_update(0, 2**31 - 1),
    "an even stream": frames.frame(frames.HEADERS, 5, 2, encode_fields(HEAD)),
    "a push": frames.frame(frames.PUSH_PROMISE, 4, 1, bytes(4)),
    "a frame too long": frames.frame(frames.DATA, 0, 1, bytes(256 * 1024 + 1)),
    "another frame between pieces of a header block": frames.frame(frames.HEADERS, 0, 1, b"")
    + frames.frame(frames.PING, 0, 0, bytes(8)),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_faults_end_the_attackers_connection_alone(running: Running, name: str) -> None:
    async with Steady(running), Attacker(running) as attacker:
        attacker.send(FAULTS[name])
        assert await attacker.fault()


async def test_streams_that_end_and_go_on(running: Running, memory: None) -> None:
    async with Steady(running), Attacker(running) as attacker:
        attacker.send(attacker.request())
        await attacker.frames()
        # Of a stream that has ended on both sides nothing is kept, and what still comes is passed over.
        late = [
            frames.frame(frames.DATA, 0, 1, bytes(1000)),
            frames.reset(1, 8),
            frames.window_update(1, 1),
            frames.frame(frames.HEADERS, 5, 1, encode_fields(HEAD)),
        ]
        for one in late:
            assert await attacker.flood([one * 200] * 100)
        # An id below those that were used is no new stream.
        attacker._next = 101
        attacker.send(attacker.request())
        attacker.send(frames.frame(frames.HEADERS, 5, 51, encode_fields(HEAD)))
        streams = {stream for _, _, stream, _ in await attacker.frames(awaited=101)}
        assert 101 in streams
        assert 51 not in streams


MALFORMED = [
    (("x", "a\r\nb"),),
    (("x", "a\0b"),),
    (("Upper", "x"),),
    (("x", "é"),),
    ((":path", UNARY),),
    (("authorization", "Bearer a"), ("authorization", "Bearer b")),
    (("grpc-timeout", "5S"), ("grpc-timeout", "1n")),
    (("x-request-id", "aaaaaaaa"), ("x-request-id", "bbbbbbbb")),
    (("content-length", "4"),),
    (("te", "gzip"),),
    (("transfer-encoding", "chunked"),),
]


@pytest.mark.parametrize("extra", MALFORMED)
async def test_malformed_requests_reach_nobody(running: Running, extra: tuple[tuple[str, str], ...]) -> None:
    reached = []
    running.servicer.behaviour = lambda: reached.append(1)
    async with Attacker(running) as attacker:
        attacker.send(attacker.request(*extra))
        answered = [f for f in await attacker.frames() if f[2] == 1]
        assert answered == [(frames.RST_STREAM, 0, 1, bytes((0, 0, 0, frames.PROTOCOL_ERROR)))]
        assert not reached
        assert not running.recorder.rows
        attacker.send(attacker.request())
        await attacker.frames()
        assert reached
