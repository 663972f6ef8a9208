"""Our client against gRPC's own server behind a UNIX socket with TLS, as a pool's model server is reached."""

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode

from services.chassis.http2 import frames
from services.chassis.http2.channel import Http2Channel
from services.chassis.http2.headers import encode_fields
from services.chassis.http2.messages import message
from services.chassis.http2.status import RpcError
from services.chassis.tls import client_context, server_context, server_credentials
from tests.fakes.workloads import Workloads

NAME = "pool-model.craton.internal"
LARGEST = 64 * 1024 * 1024


class ModelServer:
    """gRPC's server with a handful of methods on bytes."""

    def __init__(self, folder: Path, workloads: Workloads) -> None:
        self.target = f"unix:{folder}/s"
        self._tls = workloads.tls("pool/model")
        self.cancelled = asyncio.Event()
        self._server: Any = None

    async def start(self) -> None:
        self._server = grpc.aio.server(
            options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        )
        handlers = {
            "Echo": grpc.unary_unary_rpc_method_handler(self._echo),
            "Wait": grpc.unary_unary_rpc_method_handler(self._wait),
            "Fail": grpc.unary_unary_rpc_method_handler(self._fail),
            "Count": grpc.unary_stream_rpc_method_handler(self._count),
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("m", handlers),))
        self._server.add_secure_port(self.target, server_credentials(self._tls))
        await self._server.start()

    async def stop(self, grace_s: float | None = None) -> None:
        await self._server.stop(grace_s)

    async def _echo(self, request: bytes, _context: Any) -> bytes:
        return request

    async def _wait(self, request: bytes, _context: Any) -> bytes:
        try:
            await asyncio.sleep(float(request))
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return b"waited"

    async def _fail(self, request: bytes, context: Any) -> bytes:
        context.set_trailing_metadata((("details-bin", b"\xff\x00"),))
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, request.decode())
        return b""

    async def _count(self, request: bytes, _context: Any) -> AsyncIterator[bytes]:
        size, count = map(int, request.split(b","))
        try:
            for _ in range(count):
                yield bytes(size)
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.set()
            raise


@pytest.fixture
def workloads(tmp_path: Path) -> Workloads:
    return Workloads(tmp_path / "pki")


@pytest.fixture
async def server(tmp_path: Path, workloads: Workloads) -> AsyncIterator[ModelServer]:
    one = ModelServer(tmp_path, workloads)
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
async def channel(server: ModelServer, workloads: Workloads) -> AsyncIterator[Http2Channel]:
    one = connect(server.target, workloads)
    yield one
    await one.close()


def connect(target: str, workloads: Workloads) -> Http2Channel:
    context = client_context(workloads.tls("service/runtime"))
    return Http2Channel(target, context, NAME, largest_message=LARGEST)


async def answers(
    channel: Http2Channel, method: str, request: bytes, timeout_s: float | None = 10
) -> list[bytes]:
    call = await channel.call(f"/m/{method}", request, timeout_s)
    messages = []
    while (one := await call.read()) is not None:
        messages.append(one)
    return messages


async def failure(
    channel: Http2Channel, method: str, request: bytes, timeout_s: float | None = 10
) -> RpcError:
    with pytest.raises(RpcError) as caught:
        await answers(channel, method, request, timeout_s)
    return caught.value


@pytest.mark.parametrize("size", [0, 1, 70_000, 26_000_000])
async def test_messages_of_any_size(channel: Http2Channel, size: int) -> None:
    payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert await answers(channel, "Echo", payload, 20) == [payload]


async def test_streams(channel: Http2Channel) -> None:
    for size, count in ((0, 0), (0, 1000), (10, 1000), (100_000, 50), (3_000_000, 3)):
        assert await answers(channel, "Count", b"%d,%d" % (size, count)) == [bytes(size)] * count


async def test_failures(channel: Http2Channel) -> None:
    error = await failure(channel, "Fail", "50% — é\n".encode())
    assert (error.code, error.details) == (StatusCode.FAILED_PRECONDITION, "50% — é\n")
    assert dict(error.trailing)["details-bin"] == b"\xff\x00"
    assert (await failure(channel, "Unknown", b"")).code is StatusCode.UNIMPLEMENTED
    assert (await failure(channel, "Echo", bytes(LARGEST + 1))).code is StatusCode.RESOURCE_EXHAUSTED
    assert (await failure(channel, "Echo", b"", 0)).code is StatusCode.DEADLINE_EXCEEDED


async def test_deadlines_and_cancellation_reach_the_server(
    server: ModelServer, channel: Http2Channel
) -> None:
    began = time.monotonic()
    assert (await failure(channel, "Wait", b"60", 0.2)).code is StatusCode.DEADLINE_EXCEEDED
    assert 0.15 < time.monotonic() - began < 1
    await asyncio.wait_for(server.cancelled.wait(), 1)
    server.cancelled.clear()
    call = await channel.call("/m/Wait", b"60", None)
    await asyncio.sleep(0.1)
    call.cancel()
    await asyncio.wait_for(server.cancelled.wait(), 0.2)
    server.cancelled.clear()
    stream = await channel.call("/m/Count", b"100000,1000", 10)
    assert await stream.read() == bytes(100_000)
    stream.cancel()
    await asyncio.wait_for(server.cancelled.wait(), 1)
    assert await answers(channel, "Echo", b"still") == [b"still"]


async def test_many_calls_at_once(channel: Http2Channel) -> None:
    payloads = [b"%d" % number * (1 + 50 * number) for number in range(300)]
    assert await asyncio.gather(*(answers(channel, "Echo", one) for one in payloads)) == [
        [p] for p in payloads
    ]


async def test_a_server_that_goes_away_finishes_and_one_that_is_back_is_found(
    server: ModelServer, channel: Http2Channel
) -> None:
    waiting = asyncio.create_task(answers(channel, "Wait", b"0.3"))
    await asyncio.sleep(0.1)
    await server.stop(5)
    assert await waiting == [b"waited"]
    assert (await failure(channel, "Echo", b"")).code is StatusCode.UNAVAILABLE
    await server.start()
    for attempt in range(50):
        with contextlib.suppress(RpcError):
            assert await answers(channel, "Echo", b"back") == [b"back"]
            break
        assert attempt < 49
        await asyncio.sleep(0.05)


async def test_a_server_that_dies_fails_its_calls_at_once(server: ModelServer, channel: Http2Channel) -> None:
    waiting = asyncio.create_task(failure(channel, "Wait", b"60", None))
    await asyncio.sleep(0.1)
    await server.stop()
    error = await asyncio.wait_for(waiting, 2)
    assert error.code in (StatusCode.UNAVAILABLE, StatusCode.CANCELLED)


async def test_nobody_there(tmp_path: Path, workloads: Workloads) -> None:
    channel = connect(f"unix:{tmp_path}/nothing", workloads)
    began = time.monotonic()
    for _ in range(20):
        assert (await failure(channel, "Echo", b"")).code is StatusCode.UNAVAILABLE
    assert time.monotonic() - began < 1
    await channel.close()
    assert (await failure(channel, "Echo", b"")).code is StatusCode.UNAVAILABLE


async def test_another_name_than_asked_for_is_refused(server: ModelServer, workloads: Workloads) -> None:
    context = client_context(workloads.tls("service/runtime"))
    channel = Http2Channel(server.target, context, "other.craton.internal", largest_message=100)
    assert (await failure(channel, "Echo", b"")).code is StatusCode.UNAVAILABLE
    await channel.close()


class Hostile:
    """A model server that was taken: valid TLS, and then what a test says."""

    def __init__(
        self, folder: Path, workloads: Workloads, answer: bytes = b"", *, handshake: bool = True
    ) -> None:
        self.target = f"unix:{folder}/h"
        self._tls = workloads.tls("pool/model")
        self.answer = answer
        self.accepted = 0
        self._handshake = handshake
        self._server: Any = None
        self.writers: list[Any] = []

    async def __aenter__(self) -> "Hostile":
        context = server_context(self._tls) if self._handshake else None
        self._server = await asyncio.start_unix_server(
            self._serve, self.target.removeprefix("unix:"), ssl=context
        )
        return self

    async def _serve(self, reader: Any, writer: Any) -> None:
        self.accepted += 1
        self.writers.append(writer)
        if not self._handshake:
            await asyncio.sleep(5)
        with contextlib.suppress(OSError):
            writer.write(frames.settings({}))
            await reader.read(24)
            while await reader.read(2**16) and self.answer:
                writer.write(self.answer)
                await writer.drain()
                self.answer = b""
            await asyncio.sleep(5)

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.sleep(0.05)


def head(*extra: tuple[str, str], end: bool = False) -> bytes:
    flags = frames.END_HEADERS | (frames.END_STREAM if end else 0)
    return frames.frame(frames.HEADERS, flags, 1, encode_fields(((":status", "200"), *extra)))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (
            head() + frames.frame(frames.DATA, 0, 1, struct.pack(">BL", 0, LARGEST + 1)),
            StatusCode.RESOURCE_EXHAUSTED,
        ),
        (head() + frames.frame(frames.DATA, 1, 1, message(b"")), StatusCode.INTERNAL),
        (head(("grpc-status", "9" * 5000), end=True), StatusCode.UNKNOWN),
        (frames.reset(1, 7), StatusCode.UNAVAILABLE),
        (frames.goaway(0, 0), StatusCode.UNAVAILABLE),
        (frames.window_update(0, 0), StatusCode.UNAVAILABLE),
        (frames.frame(frames.HEADERS, 4, 1, b"\x82" * 16_000), StatusCode.UNAVAILABLE),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(100), StatusCode.UNAVAILABLE),
        (frames.settings({frames.MAX_CONCURRENT_STREAMS: 0}), StatusCode.DEADLINE_EXCEEDED),
        (head() * 1000, StatusCode.DEADLINE_EXCEEDED),
        (head() + frames.frame(frames.DATA, 0, 1, b"") * 100_000, StatusCode.DEADLINE_EXCEEDED),
        (
            head() + frames.frame(frames.DATA, 0, 1, struct.pack(">BL", 0, LARGEST)),
            StatusCode.DEADLINE_EXCEEDED,
        ),
        (frames.frame(frames.PING, 0, 0, bytes(8)) * 200_000, StatusCode.UNAVAILABLE),
    ],
)
async def test_a_taken_server_can_only_fail_calls(
    tmp_path: Path, workloads: Workloads, answer: bytes, code: StatusCode
) -> None:
    async with Hostile(tmp_path, workloads, answer) as server:
        channel = connect(server.target, workloads)
        began = time.monotonic()
        # Who is told to hang up needs not wait for the deadline, which leaves a busy machine its time.
        limit_s = 1.0 if code is StatusCode.DEADLINE_EXCEEDED else 10.0
        assert (await failure(channel, "Echo", b"", limit_s)).code is code
        assert time.monotonic() - began < 10.0
        await channel.close()


async def test_calls_wait_for_a_connection_each_as_long_as_it_has_time(
    tmp_path: Path, workloads: Workloads
) -> None:
    # The socket accepts, and the handshake never comes to an end.
    async with Hostile(tmp_path, workloads, handshake=False) as server:
        channel = connect(server.target, workloads)
        began = time.monotonic()

        async def one(timeout_s: float) -> tuple[StatusCode, float]:
            code = (await failure(channel, "Echo", b"", timeout_s)).code
            return code, time.monotonic() - began

        patient = asyncio.create_task(one(30.0))
        ends = await asyncio.gather(one(0.1), one(0.3))
        for (code, after), limit in zip(ends, (0.1, 0.3), strict=True):
            assert code is StatusCode.DEADLINE_EXCEEDED
            assert limit <= after < limit + 0.3
        # Their impatience is not the fault of the call that can wait.
        assert not patient.done()
        assert server.accepted == 1
        await channel.close()
        assert (await asyncio.wait_for(patient, 1))[0] is StatusCode.UNAVAILABLE
