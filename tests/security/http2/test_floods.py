"""Frames without number: what a taken workload costs its HTTP/2 listener, and those beside it."""

import asyncio
import struct
import tracemalloc
from typing import Any

import pytest
from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc
from hpack.hpack import encode_integer

from services.chassis.http2 import frames
from services.chassis.http2.server import MAX_STREAMS
from tests.fakes.http2_attack import BODY, MIB, Attacker, Count, Steady, gone
from tests.integration.chassis.conftest import Running


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
            async with asyncio.timeout(5):
                while count.begun < begun + 100:
                    await asyncio.sleep(0.005)
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
