"""A taken workload that sends frames as it likes to a real listener, and an honest one beside it."""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc

from services.chassis.http2 import frames
from services.chassis.http2.headers import encode_fields
from services.chassis.http2.messages import message
from services.chassis.tls import client_context
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

    async def frames(self, quiet_s: float = 0.3, awaited: int = 0) -> list[tuple[int, int, int, bytes]]:
        """Read until nothing comes for a while; of the stream `awaited` something has to come first."""
        with contextlib.suppress(TimeoutError, OSError):
            while awaited and awaited not in {stream for _, _, stream, _ in self._frames()}:
                self.received += await asyncio.wait_for(self._reader.read(2**16), 10.0)
                if self._reader.at_eof():
                    break
            while data := await asyncio.wait_for(self._reader.read(2**16), quiet_s):
                self.received += data
        return self._frames()

    def _frames(self) -> list[tuple[int, int, int, bytes]]:
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
        answer = await self._stub.InvokeModel(pb.InvokeModelRequest(model_id="m", body=b"honest"), timeout=10)
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
            # The attacker, the server and this client share one thread here, on a busy machine.
            assert self.slowest < 5.0
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
