"""The guard around uvicorn's protocol, over a transport that only remembers."""

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from services.edge.config import LimitSettings
from services.edge.http.guard import GuardedProtocol

LIMITS = LimitSettings(max_header_bytes=2000, header_timeout_s=3.0, body_timeout_s=10.0, slow_reader_s=30.0)


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = self.aborted = False

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 1) if name in ("peername", "sockname") else default

    def pause_reading(self) -> None:
        """Nothing is read here."""

    def resume_reading(self) -> None:
        """Nothing is read here."""


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def _protocol(app: Any = _answer, state: ServerState | None = None) -> tuple[GuardedProtocol, Transport]:
    config = uvicorn.Config(app, http=GuardedProtocol, ws="none", lifespan="off", log_config=None)
    config.load()
    protocol, transport = GuardedProtocol(config, state or ServerState(), LIMITS), Transport()
    protocol.connection_made(transport)
    return protocol, transport


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_head_and_body_are_one_write() -> None:
    protocol, transport = _protocol()
    for number in (1, 2):
        protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await _settle()
        assert len(transport.writes) == number
        assert transport.writes[-1].startswith(b"HTTP/1.1 200 OK\r\n")
        assert transport.writes[-1].endswith(b"\r\n\r\nok")
    protocol.connection_lost(None)


async def test_continue_is_sent_at_once() -> None:
    async def read(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await _answer(scope, receive, send)

    protocol, transport = _protocol(read)
    protocol.data_received(b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n")
    await _settle()
    assert transport.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    protocol.data_received(b"x")
    await _settle()
    assert transport.writes[1].endswith(b"ok")
    protocol.connection_lost(None)


async def test_deadlines() -> None:
    protocol, _ = _protocol()
    now = asyncio.get_running_loop().time()
    assert not protocol.overdue(now + 2.5)
    assert protocol.overdue(now + 3.5), "no request came"
    protocol.data_received(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n")
    assert protocol.overdue(now + 3.5), "half a header"
    protocol.data_received(b"\r\nab")
    assert not protocol.overdue(now + 9)
    assert protocol.overdue(now + 11), "half a body"
    protocol.data_received(b"c")
    assert not protocol.overdue(now + 1000)
    protocol.pause_writing()
    assert not protocol.overdue(now + 29)
    assert protocol.overdue(now + 31), "the answer is not read"
    protocol.resume_writing()
    assert not protocol.overdue(now + 31)
    await _settle()
    protocol.connection_lost(None)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET / HTTP/1.1\r\nx: " + b"a" * 2000 + b"\r\n\r\n"],
        [b"GET / HTTP/1.1\r\nx: ", b"a" * 1500, b"a" * 1500],
        [b"GET /" + b"a" * 2500 + b" HTTP/1.1\r\n\r\n"],
    ],
)
async def test_large_headers(pieces: list[bytes]) -> None:
    protocol, transport = _protocol()
    for piece in pieces:
        protocol.data_received(piece)
    assert transport.writes[0].startswith(b"HTTP/1.1 431 ")
    assert transport.closed
    protocol.connection_lost(None)


async def test_a_body_in_the_same_piece_is_not_counted_as_header() -> None:
    protocol, transport = _protocol()
    protocol.data_received(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n" + b"b" * 5000)
    await _settle()
    assert transport.writes[0].startswith(b"HTTP/1.1 200 ")
    protocol.connection_lost(None)


async def test_work_ends_when_the_client_leaves() -> None:
    cancelled = asyncio.Event()

    async def work(scope: Any, receive: Any, send: Any) -> None:
        scope["craton.connection"].serving = asyncio.current_task()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()

    protocol, _ = _protocol(work)
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await _settle()
    protocol.connection_lost(None)
    await asyncio.wait_for(cancelled.wait(), 1)
