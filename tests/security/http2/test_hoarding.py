"""What a taken workload may hold of its HTTP/2 listener: requests, bodies, answers, connections."""

import asyncio
import contextlib
import resource
import struct
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
import uvloop
from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc

from services.chassis.http2 import frames
from services.chassis.http2.server import MAX_STREAMS
from tests.fakes.http2_attack import BODY, MIB, Attacker, Steady, never_read, started
from tests.fakes.workloads import Workloads
from tests.integration.chassis.conftest import Running


async def test_a_body_longer_than_its_window(running: Running, memory: None) -> None:
    async with Steady(running), Attacker(running) as attacker:
        # A server that is asked for a whole window at once has not widened it in between.
        attacker.send(attacker.head())
        piece = frames.frame(frames.DATA, frames.PADDED, 1, b"\xff" + bytes(255))
        assert await attacker.flood([piece * 1000] * 50, 10)
        await attacker.frames()
        attacker.send(attacker.head(end=True))


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
