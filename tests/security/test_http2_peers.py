"""What a taken workload, with a valid certificate, can do to the HTTP/2 listener and to those beside it."""

import asyncio
import contextlib
import gc
import resource
import struct
import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvloop
from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc
from hpack.hpack import encode_integer

from services.chassis.http2 import frames
from services.chassis.http2.headers import encode_fields
from services.chassis.http2.messages import message
from services.chassis.http2.server import MAX_STREAMS
from services.chassis.tls import client_context
from tests.fakes.workloads import Workloads
from tests.integration.chassis.conftest import UNARY, Running

NAME = "runtime.craton.internal"
HEAD = (
    (":method", "POST"),
    (":scheme", "https"),
    (":path", UNARY),
    (":authority", NAME),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
)
BODY = message(pb.InvokeModelRequest(model_id="m", body=b"hello").SerializeToString())
MIB = 2**20


class Attacker:
    """A connection that sends frames as it likes."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._reader: Any = None
        self.writer: Any = None
        self.received = bytearray()
        self._next = 1

    async def __aenter__(self) -> "Attacker":
        context = client_context(self._running.workloads.tls("service/training"))
        self._reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self._running.server.port, ssl=context, server_hostname=NAME
        )
        self.send(frames.PREFACE, frames.settings({}))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    def send(self, *sent: bytes) -> None:
        self.writer.write(b"".join(sent))

    def head(self, *extra: tuple[str, str], end: bool = False) -> bytes:
        """A new request's header block."""
        stream, self._next = self._next, self._next + 2
        flags = frames.END_HEADERS | (frames.END_STREAM if end else 0)
        return frames.frame(frames.HEADERS, flags, stream, encode_fields((*HEAD, *extra)))

    def request(self, *extra: tuple[str, str]) -> bytes:
        """A whole new request."""
        head = self.head(*extra)
        return head + frames.frame(frames.DATA, frames.END_STREAM, self._next - 2, BODY)

    @property
    def stream(self) -> int:
        """The stream of the latest request."""
        return self._next - 2

    async def flood(self, pieces: Iterable[bytes], limit_s: float = 10.0) -> bool:
        """Send until the server stops reading or hangs up; True when it took everything."""
        try:
            async with asyncio.timeout(limit_s):
                for piece in pieces:
                    self.writer.write(piece)
                    await self.writer.drain()
        except TimeoutError:
            return False
        except OSError:
            return False
        return not self.writer.transport.is_closing()

    async def fault(self, limit_s: float = 5.0) -> int | None:
        """Read until the server hangs up; return the code of its GOAWAY."""
        with contextlib.suppress(OSError):
            async with asyncio.timeout(limit_s):
                while data := await self._reader.read(2**16):
                    self.received += data
        codes = [
            frames.word(payload, 4)
            for kind, _, _, payload in frames.FrameReader(2**24).feed(bytes(self.received))
            if kind == frames.GOAWAY
        ]
        return codes[-1] if codes else None

    async def frames(self, quiet_s: float = 0.3) -> list[tuple[int, int, int, bytes]]:
        """Read until nothing comes for a while."""
        with contextlib.suppress(TimeoutError, OSError):
            while data := await asyncio.wait_for(self._reader.read(2**16), quiet_s):
                self.received += data
        return list(frames.FrameReader(2**24).feed(bytes(self.received)))


class Steady:
    """An honest client beside: makes calls all the time and notes the slowest."""

    def __init__(self, running: Running) -> None:
        self._channel = running.channel("service/edge")
        self._stub = pb_grpc.InferenceServiceStub(self._channel)
        self.served = 0
        self.slowest = 0.0

    async def __aenter__(self) -> "Steady":
        await self.call()
        self.slowest = 0.0
        self._task = asyncio.create_task(self._run())
        return self

    async def call(self) -> None:
        began = time.monotonic()
        answer = await self._stub.InvokeModel(pb.InvokeModelRequest(model_id="m", body=b"honest"), timeout=5)
        assert answer.body == b"honest"
        self.served += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    async def _run(self) -> None:
        while True:
            await self.call()
            await asyncio.sleep(0.01)

    async def __aexit__(self, kind: object, *_: object) -> None:
        if self._task.done():
            self._task.result()
        self._task.cancel()
        if kind is None:
            before = self.served
            await self.call()
            assert self.served == before + 1
            # The attacker, the server and this client share one thread here.
            assert self.slowest < 2.0
        await self._channel.close()


async def started(one: Running, folder: Path) -> None:
    """Start a server at which the taken workload may call what it floods."""
    callers = folder / "callers.toml"
    callers.write_text(callers.read_text().replace('"service/edge"', '"service/edge", "service/training"'))
    await one.server.start()


async def gone(running: Running) -> None:
    """Wait until the taken workload has no connection any more."""
    listener: Any = running.server._listener
    async with asyncio.timeout(4):
        while any(b"training" in one.identities[0] for one in listener._connections):
            await asyncio.sleep(0.01)


@pytest.fixture
async def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr("services.chassis.http2.listener._LOOK_S", 0.1)
    one = Running(Workloads(tmp_path / "pki"), tmp_path, "http2")
    await started(one, tmp_path)
    yield one
    await one.server.stop()


@pytest.fixture
def memory() -> Iterable[None]:
    """Fails when the process has grown by much."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    yield
    gc.collect()
    assert psutil.Process().memory_info().rss - before < 96 * MIB


class Count:
    """How many handlers run, and ran at most at once."""

    def __init__(self, running: Running, hold_s: float = 60.0) -> None:
        self.now = self.most = self.begun = 0
        self._hold_s = hold_s
        running.servicer.behaviour = self._behave

    async def _behave(self) -> None:
        self.now += 1
        self.begun += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(self._hold_s)
        finally:
            self.now -= 1


async def test_rapid_reset(running: Running, memory: None) -> None:
    async with Attacker(running) as attacker:
        count = Count(running)
        recorder = running.recorder
        honest = running.channel("service/edge")

        async def slow_outcome(*arguments: Any) -> None:
            await asyncio.sleep(0.05)  # a record that goes to the disk

        recorder.outcome = slow_outcome  # type: ignore[method-assign]
        for _ in range(100):
            pairs = [attacker.request() + frames.reset(attacker.stream, 8) for _ in range(100)]
            assert await attacker.flood(pairs)
            await asyncio.sleep(0)
        await asyncio.sleep(0.5)
        assert count.most <= MAX_STREAMS
        assert count.now == 0
        running.servicer.behaviour = lambda: None
        await pb_grpc.InferenceServiceStub(honest).InvokeModel(pb.InvokeModelRequest(model_id="m"), timeout=2)
        await honest.close()


async def test_resets_that_come_after_the_handlers_began(running: Running, memory: None) -> None:
    async with Attacker(running) as attacker:
        count = Count(running)
        for _ in range(20):
            begun = count.begun
            sent = [attacker.request() for _ in range(100)]
            streams = range(attacker.stream - 198, attacker.stream + 1, 2)
            assert await attacker.flood(sent)
            await asyncio.sleep(0.05)
            assert await attacker.flood([frames.reset(stream, 8) for stream in streams])
            assert count.begun <= begun + 100
        await asyncio.sleep(0.2)
        assert count.begun == 2000
        assert count.most <= MAX_STREAMS
        assert count.now == 0


FLOODS: dict[str, tuple[bytes, int, int | None]] = {
    # What is sent, how often, and how the connection ends: None when it goes on.
    "ping": (frames.frame(frames.PING, 0, 0, bytes(8)) * 1000, 500, None),
    "ping acks": (frames.frame(frames.PING, frames.ACK, 0, bytes(8)) * 1000, 200, None),
    "settings": (frames.settings({frames.INITIAL_WINDOW_SIZE: 1}) * 1000, 100, frames.ENHANCE_YOUR_CALM),
    "long settings": (
        frames.frame(frames.SETTINGS, 0, 0, struct.pack(">HLHL", 4, 1, 4, 2) * 20_000),
        20,
        None,
    ),
    "priority": (frames.frame(frames.PRIORITY, 0, 1, bytes(5)) * 1000, 200, None),
    "unknown": (frames.frame(0x99, 0, 1, bytes(100)) * 1000, 100, None),
    "connection window": (frames.window_update(0, 1) * 1000, 200, None),
    "continuation": (
        frames.frame(frames.HEADERS, 0, 1, b"") + frames.frame(frames.CONTINUATION, 0, 1, b"\0") * 50_000,
        20,
        frames.ENHANCE_YOUR_CALM,
    ),
    "empty continuation": (
        frames.frame(frames.HEADERS, 0, 1, b"") + frames.frame(frames.CONTINUATION, 0, 1) * 1000,
        200,
        frames.ENHANCE_YOUR_CALM,
    ),
}


@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.parametrize("reads", [True, False])
async def test_floods(running: Running, memory: None, name: str, reads: bool) -> None:
    sent, times, code = FLOODS[name]
    async with Steady(running), Attacker(running) as attacker:
        if not reads:
            attacker.writer.transport.pause_reading()
        taken = await attacker.flood([sent] * times, 4.0)
        if not reads:
            attacker.writer.transport.resume_reading()
        if code is not None:
            # What was said last is lost when more came after the server had hung up.
            assert await attacker.fault() in (code, None)
            await gone(running)
        elif reads:
            assert taken


async def test_empty_data_without_end(running: Running, memory: None) -> None:
    async with Steady(running), Attacker(running) as attacker:
        attacker.send(attacker.head(), frames.frame(frames.DATA, 0, 1, BODY[:7]))
        for payload, flags in ((b"", 0), (b"\x00", frames.PADDED), (b"\xff" + bytes(255), frames.PADDED)):
            assert await attacker.flood([frames.frame(frames.DATA, flags, 1, payload) * 1000] * 100, 10)
        attacker.send(frames.frame(frames.DATA, frames.END_STREAM, 1, BODY[7:]))
        kinds = [kind for kind, _, stream, _ in await attacker.frames() if stream == 1]
        assert kinds[-3:] == [frames.HEADERS, frames.DATA, frames.HEADERS]


async def test_bytes_one_at_a_time(running: Running) -> None:
    async with Steady(running), Attacker(running) as attacker:
        attacker.send(attacker.head())
        attacker.send(frames.frame(frames.DATA, 0, 1, struct.pack(">BL", 0, 20_000_000)))
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            assert await attacker.flood([frames.frame(frames.DATA, 0, 1, b"ab") * 5000] * 40, 20)
            await asyncio.sleep(0.1)
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 5 * MIB


def bomb() -> bytes:
    """A block of few bytes that is megabytes of fields."""
    value = b"v" * 4000
    put = b"\x40\x01a" + bytes(encode_integer(len(value), 7)) + value
    return put + b"\xbe" * 12_000


@pytest.mark.parametrize("block", [bomb(), b"\x82" * 16_000, b"\x82" * 200_000])
async def test_header_bombs(running: Running, memory: None, block: bytes) -> None:
    async with Steady(running), Attacker(running) as attacker:
        attacker.send(frames.frame(frames.HEADERS, 5, 1, block))
        assert await attacker.fault() in (frames.COMPRESSION_ERROR, frames.ENHANCE_YOUR_CALM)


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


async def test_a_body_longer_than_its_window(running: Running, memory: None) -> None:
    async with Steady(running), Attacker(running) as attacker:
        # A server that is asked for a whole window at once has not widened it in between.
        attacker.send(attacker.head())
        piece = frames.frame(frames.DATA, frames.PADDED, 1, b"\xff" + bytes(255))
        assert await attacker.flood([piece * 1000] * 50, 10)
        await attacker.frames()
        attacker.send(attacker.head(end=True))


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
        streams = {stream for _, _, stream, _ in await attacker.frames()}
        assert 101 in streams
        assert 51 not in streams


@pytest.mark.parametrize("sent", ["headers", "part of a body"])
async def test_requests_that_never_come(
    running: Running, memory: None, monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    monkeypatch.setattr("services.chassis.http2.server._REQUEST_S", 1.0)
    async with Steady(running), Attacker(running) as attacker:
        for _ in range(MAX_STREAMS + 100):
            attacker.send(attacker.head(("grpc-timeout", "99999999H")))
            if sent != "headers":
                attacker.send(frames.frame(frames.DATA, 0, attacker.stream, BODY[:6]))
        await asyncio.sleep(1.5)
        answered = await attacker.frames()
        resets = [frames.word(payload) for kind, _, _, payload in answered if kind == frames.RST_STREAM]
        assert resets.count(frames.REFUSED_STREAM) == 100
        attacker.send(attacker.request())
        served = [kind for kind, _, stream, _ in await attacker.frames() if stream == attacker.stream]
        assert served == [frames.HEADERS, frames.DATA, frames.HEADERS]


async def test_long_messages_that_are_only_announced(running: Running, memory: None) -> None:
    async with Steady(running), Attacker(running) as attacker:
        for _ in range(MAX_STREAMS):
            attacker.send(attacker.head())
            attacker.send(frames.frame(frames.DATA, 0, attacker.stream, struct.pack(">BL", 0, 25_000_000)))
        await attacker.frames()
        listener: Any = running.server._listener
        assert listener._budget.used == 5 * MAX_STREAMS


async def test_one_workload_cannot_fill_the_listener(running: Running) -> None:
    listener: Any = running.server._listener
    listener._budget.limit = 8 * MIB
    async with Steady(running) as honest, Attacker(running) as attacker:
        for _ in range(40):
            attacker.send(attacker.head())
            attacker.send(frames.frame(frames.DATA, 0, attacker.stream, struct.pack(">BL", 0, 25_000_000)))
            attacker.send(frames.frame(frames.DATA, 0, attacker.stream, bytes(250_000)))
        await attacker.frames()
        assert listener._budget.used <= 4 * MIB
        before = honest.served
        await honest._stub.InvokeModel(pb.InvokeModelRequest(model_id="m", body=bytes(2 * MIB)), timeout=5)
        assert honest.served >= before


@pytest.mark.parametrize("window", [0, 1])
async def test_answers_that_are_never_read(running: Running, memory: None, window: int) -> None:
    async with Steady(running), Attacker(running) as attacker:
        attacker.send(frames.settings({frames.INITIAL_WINDOW_SIZE: window}))
        for _ in range(MAX_STREAMS):
            attacker.send(attacker.request(("grpc-timeout", "1S")))
        await asyncio.sleep(1.5)
        answered = await attacker.frames()
        assert len({s for k, _, s, _ in answered if k == frames.RST_STREAM}) == MAX_STREAMS
        # Windows that open byte by byte do not make the server look at every stream that waits.
        for _ in range(MAX_STREAMS):
            attacker.send(attacker.request())
        assert await attacker.flood([frames.window_update(attacker.stream, 1) * 500] * 60, 5)
        await asyncio.sleep(0)


async def never_read(running: Running, attacker: Attacker) -> None:
    """Let answers pile up, and see that the server stops to read requests, of any kind."""
    listener: Any = running.server._listener
    attacker.send(frames.settings({frames.INITIAL_WINDOW_SIZE: 2**31 - 1}), frames.window_update(0, 2**30))
    await asyncio.sleep(0.1)
    connection = next(one for one in listener._connections if b"training" in one.identities[0])
    attacker.writer.transport.pause_reading()
    body = message(pb.InvokeModelRequest(model_id="m", body=bytes(60_000)).SerializeToString())
    requests = (
        attacker.head() + frames.frame(frames.DATA, frames.END_STREAM, attacker.stream, body)
        for _ in range(2000)
    )
    assert not await attacker.flood(requests, 3.0)
    assert connection._can_write is not None
    read, unsent = connection._last_id, connection._transport.get_write_buffer_size()
    get = encode_fields(((":method", "GET"), *HEAD[1:]))
    first = attacker.stream + 2
    pieces = (frames.frame(frames.HEADERS, 5, first + 2 * n, get) * 100 for n in range(10_000))
    assert not await attacker.flood(pieces, 0.5)
    assert connection._last_id == read
    assert connection._transport.get_write_buffer_size() == unsent
    assert unsent < 8 * MIB


async def test_a_connection_that_is_never_read(running: Running, memory: None) -> None:
    async with Steady(running), Attacker(running) as attacker:
        await never_read(running, attacker)


async def test_a_client_that_reads_nothing_and_says_nothing_is_let_go(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.chassis.http2.listener._SILENT_S", 0.2)
    listener: Any = running.server._listener
    async with Attacker(running) as attacker:
        await asyncio.sleep(0.1)
        attacker.writer.transport.pause_reading()
        (connection,) = listener._connections
        connection.heard -= 1.0
        for _ in range(70):
            if not listener._connections:
                break
            await asyncio.sleep(0.1)
        assert not listener._connections


async def test_connections_without_number(running: Running) -> None:
    listener: Any = running.server._listener
    attackers: list[Attacker] = []
    async with Steady(running), contextlib.AsyncExitStack() as stack:
        for _ in range(30):
            made = await asyncio.gather(
                *(stack.enter_async_context(Attacker(running)) for _ in range(10)), return_exceptions=True
            )
            attackers += [one for one in made if isinstance(one, Attacker)]
        await asyncio.sleep(0.2)
        assert len(listener._connections) <= 256 + 5
        # Another workload still gets new connections.
        fresh = running.channel("service/edge")
        await pb_grpc.InferenceServiceStub(fresh).InvokeModel(pb.InvokeModelRequest(model_id="m"), timeout=5)
        await fresh.close()


async def test_handshakes_that_never_end(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    writers = []
    async with Steady(running):
        for _ in range(300):
            _, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
            writer.write(b"\x16\x03\x01\x02\x00\x01")
            writers.append(writer)
        fresh = running.channel("service/edge")
        await pb_grpc.InferenceServiceStub(fresh).InvokeModel(pb.InvokeModelRequest(model_id="m"), timeout=5)
        await fresh.close()
    for writer in writers:
        writer.transport.abort()


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


def test_the_same_holds_under_the_loop_that_serves() -> None:
    """uvloop has a TLS of its own: stopping to read, refusing and hanging up must work there too."""

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            one = Running(Workloads(Path(folder) / "pki"), Path(folder), "http2")
            await started(one, Path(folder))
            try:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                async with Steady(one), Attacker(one) as attacker:
                    await never_read(one, attacker)
                async with Attacker(one) as attacker:
                    attacker.send(frames.window_update(0, 0))
                    assert await attacker.fault() == frames.PROTOCOL_ERROR
                assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 * 1024
            finally:
                began = time.monotonic()
                await one.server.stop()
                assert time.monotonic() - began < 3

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
