"""The guard around uvicorn's protocol, over a transport that only remembers."""

import asyncio
import gc
import weakref
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from services.edge.config import LimitSettings
from services.edge.http.guard import MAX_HEADERS, MAX_PIPELINED, GuardedProtocol

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


@pytest.mark.parametrize(
    ("method", "status", "headers"),
    [
        (b"HEAD", 200, [(b"content-length", b"2")]),
        (b"HEAD", 404, []),
        (b"GET", 200, [(b"content-length", b"0")]),
        (b"GET", 204, []),
        (b"GET", 304, []),
    ],
)
@pytest.mark.parametrize("pipelined", [False, True])
async def test_an_answer_without_a_body_is_sent(
    method: bytes, status: int, headers: list[tuple[bytes, bytes]], pipelined: bool
) -> None:
    gate = asyncio.Event()

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/whole":
            await _answer(scope, receive, send)
            return
        await gate.wait()
        await send({"type": "http.response.start", "status": status, "headers": headers})
        # Of an answer to HEAD an application may say what the one to GET would hold: it is not sent.
        await send({"type": "http.response.body", "body": b"ok" if method == b"HEAD" else b""})

    protocol, transport = _protocol(answer)
    empty, whole = (each + b" HTTP/1.1\r\nhost: x\r\n\r\n" for each in (method + b" /", b"GET /whole"))
    requests = [empty, whole, empty, whole]
    if pipelined:
        protocol.data_received(b"".join(requests))
    gate.set()
    for number, request in enumerate(requests, 1):
        if not pipelined:
            protocol.data_received(request)
            await _settle()
            assert len(transport.writes) == number, "an answer is held back"
    for _ in requests:
        await _settle()
    assert len(transport.writes) == len(requests)
    for write in transport.writes[::2]:
        assert write.startswith(b"HTTP/1.1 %d " % status)
        assert write.endswith(b"\r\n\r\n")
        assert write.count(b"\r\n\r\n") == 1
    for write in transport.writes[1::2]:
        assert write.startswith(b"HTTP/1.1 200 ")
        assert write.endswith(b"\r\n\r\nok")
    assert not transport.closed
    protocol.connection_lost(None)


async def test_an_answer_to_head_that_ends_the_connection() -> None:
    protocol, transport = _protocol()
    protocol.data_received(b"HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    await _settle()
    assert len(transport.writes) == 1
    assert transport.writes[0].startswith(b"HTTP/1.1 200 ")
    assert transport.writes[0].endswith(b"\r\n\r\n")
    assert transport.closed
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


HEAD = b"POST / HTTP/1.1\r\nhost: x\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"


async def _drain(scope: Any, receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message["more_body"]:
            break
    await _answer(scope, receive, send)


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
        HEAD + b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc",
        HEAD + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        HEAD + b"content-length: 3, 3\r\n\r\nabc",
        HEAD + b"content-length: +3\r\n\r\nabc",
        HEAD + b"content-length: -3\r\n\r\nabc",
        HEAD + b"content-length: 0x3\r\n\r\nabc",
        HEAD + b"content-length: 99999999999999999999999\r\n\r\nabc",
        HEAD + b"content-length : 3\r\n\r\nabc",
        HEAD + b"content-length:\r\n 3\r\n\r\nabc",
        HEAD + b"transfer-encoding: identity\r\n\r\nabc",
        HEAD + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"a: b\r\n c: d\r\n\r\n",
        HEAD + b"a: b\rc: d\r\n\r\n",
        HEAD + b"a: b\0c\r\n\r\n",
        b"GET / HTTP/1.1\nhost: x\n\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n host: x\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/3.7\r\nhost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n",
        HEAD + b"connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 3\r\n\r\nabc",
        HEAD + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\n\r\n",
        CHUNKED + b"-1\r\n\r\n",
        CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
        CHUNKED + b"10000000000000001\r\na\r\n0\r\n\r\n",
        CHUNKED + b"1\na\n0\n\n",
        CHUNKED + b"1\r\nab0\r\n\r\n",
        CHUNKED + b"1\r\na\r\n0\r\nx-amz-date: y\r\n\r\n",
    ],
)
@pytest.mark.parametrize("whole", [True, False])
async def test_what_others_could_read_differently_is_refused(data: bytes, whole: bool) -> None:
    served: list[bytes] = []

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        await _drain(scope, receive, send)
        served.append(scope["raw_path"])

    protocol, transport = _protocol(serve)
    smuggled = data + b"GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
    for piece in [smuggled] if whole else [smuggled[i : i + 1] for i in range(len(smuggled))]:
        if not transport.closed:
            protocol.data_received(piece)
    await _settle()
    assert [write.split(b" ")[1] for write in transport.writes] == [b"400"]
    assert transport.closed
    protocol.connection_lost(None)
    await _settle()
    assert b"/smuggled" not in served


async def test_header_lines_are_counted_as_they_come() -> None:
    protocol, transport = _protocol()
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a:\r\n" * (MAX_HEADERS + 100))
    assert transport.writes[0].startswith(b"HTTP/1.1 431 ")
    assert len(protocol.headers) <= MAX_HEADERS
    protocol.connection_lost(None)


@pytest.mark.parametrize("endless", [b"1;" + b"e" * 50_000, b"0\r\nx: " + b"t" * 50_000])
async def test_chunks_hold_bodies_and_little_else(endless: bytes) -> None:
    protocol, transport = _protocol(_drain)
    protocol.data_received(CHUNKED)
    sent = 0
    while not transport.closed and sent < len(endless):
        protocol.data_received(endless[sent : sent + 500])
        sent += 500
    assert sent <= LIMITS.max_header_bytes + 500
    assert transport.writes[0].startswith(b"HTTP/1.1 400 ")
    protocol.connection_lost(None)


async def test_small_chunks_are_a_body_like_any_other() -> None:
    protocol, transport = _protocol(_drain)
    protocol.data_received(CHUNKED)
    for _ in range(2000):
        protocol.data_received(b"1;a=b\r\nx\r\n")
    protocol.data_received(b"0\r\n\r\n")
    await _settle()
    assert transport.writes[0].startswith(b"HTTP/1.1 200 ")
    protocol.connection_lost(None)


async def test_few_requests_wait_for_another() -> None:
    gate = asyncio.Event()

    async def wait(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()
        await _answer(scope, receive, send)

    request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    protocol, transport = _protocol(wait)
    protocol.data_received(request * (1 + MAX_PIPELINED))
    now = asyncio.get_running_loop().time()
    assert not protocol.overdue(now + 1000), "they wait for us"
    gate.set()
    for _ in range(MAX_PIPELINED):
        await _settle()
    assert len(transport.writes) == 1 + MAX_PIPELINED
    protocol.connection_lost(None)

    gate.clear()
    protocol, transport = _protocol(wait)
    protocol.data_received(request * 3000)
    assert transport.aborted, "an answer would be taken for that to the first request"
    assert not transport.writes
    assert len(protocol.pipeline) <= MAX_PIPELINED
    protocol.connection_lost(None)
    gate.set()
    await _settle()


async def test_nonsense_after_a_request_is_not_answered_in_its_place() -> None:
    gate = asyncio.Event()

    async def wait(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()
        await _answer(scope, receive, send)

    protocol, transport = _protocol(wait)
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n\0nonsense\r\n\r\n")
    await _settle()
    assert transport.aborted
    assert not transport.writes
    protocol.connection_lost(None)
    gate.set()
    await _settle()


@pytest.mark.parametrize("more", [b"", b"\r\n", b"\r\n\r\n"])
async def test_an_answered_connection_is_not_kept_for_ever(more: bytes) -> None:
    protocol, _ = _protocol()
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await _settle()
    protocol.data_received(more)
    now = asyncio.get_running_loop().time()
    assert not protocol.overdue(now + LIMITS.keep_alive_s - 1)
    assert protocol.overdue(now + LIMITS.keep_alive_s + 1)
    protocol.connection_lost(None)


@pytest.mark.parametrize("expect", [b"", b"expect: 100-continue\r\n"])
async def test_an_answer_before_the_end_of_the_request_is_the_last(expect: bytes) -> None:
    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        scope["craton.connection"].answering()
        await _answer(scope, receive, send)

    protocol, transport = _protocol(refuse)
    protocol.data_received(HEAD + expect + b"content-length: 33\r\n\r\n")
    await _settle()
    assert b"\r\nconnection: close\r\n" in transport.writes[0]
    assert transport.closed
    # A client that did not send its body sends its next request: it is neither body nor request here.
    protocol.connection_lost(None)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nhost: x\r\n",
        HEAD + b"content-length: 9\r\n\r\nabc",
        HEAD + b"content-length: 3\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 3,
        b"\0",
    ],
)
async def test_nothing_stays_of_a_client_that_has_left(data: bytes) -> None:
    gc.disable()
    try:
        protocol, _ = _protocol(_drain)
        left = weakref.ref(protocol)
        protocol.data_received(data)
        await _settle()
        protocol.connection_lost(None)
        del protocol
        await _settle()
        assert left() is None
    finally:
        gc.enable()
