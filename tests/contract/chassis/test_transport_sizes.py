"""Large messages, many calls and slow readers, whoever listens and whoever calls."""

import asyncio
import gc
import resource
from typing import Any

import grpc
from craton.runtime.v1 import inference_service_pb2 as pb

from tests.fakes.transport_pair import (
    LARGEST,
    REQUEST,
    Pair,
    Stub,
    failure,
)
from tests.integration.chassis.conftest import UNARY


async def test_messages_up_to_the_limit(pair: Pair) -> None:
    stub = Stub(pair.connect())
    body = bytes(25_000_000)
    assert (await stub.InvokeModel(pb.InvokeModelRequest(model_id="m", body=body), timeout=20)).body == body
    raw = pair.connect().unary_unary(UNARY)
    # At the limit the message reaches the pipeline, which finds that it is none; above it does not.
    error = await failure(raw(b"\xff" * LARGEST, timeout=20))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    error = await failure(raw(b"\xff" * (LARGEST + 1), timeout=20))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_answers_up_to_the_limit(pair: Pair) -> None:
    stub = Stub(pair.connect())
    fits = pb.InvokeModelRequest(model_id="large", body=b"%d" % (LARGEST - 10))
    assert len((await stub.InvokeModel(fits, timeout=20)).body) == LARGEST - 10
    longer = pb.InvokeModelRequest(model_id="large", body=b"%d" % LARGEST)
    error = await failure(stub.InvokeModel(longer, timeout=20))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await stub.InvokeModel(REQUEST)).body == b"hello"


async def test_many_calls_at_once(pair: Pair) -> None:
    stub = Stub(pair.connect())
    bodies = [b"%d" % number * (1 + number * 20) for number in range(200)]
    calls = (stub.InvokeModel(pb.InvokeModelRequest(model_id="m", body=body), timeout=20) for body in bodies)

    async def one(call: Any) -> bytes:
        body: bytes = (await call).body
        return body

    assert await asyncio.gather(*map(one, calls)) == bodies


async def test_a_slow_reader_holds_up_only_its_own_stream(pair: Pair) -> None:
    channel = pair.connect()
    stub = Stub(channel)
    request = pb.InvokeModelWithResponseStreamRequest(model_id="m", body=b"100000,2000")  # 200 MB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stream = aiter(stub.InvokeModelWithResponseStream(request))
    await anext(stream)
    for _ in range(50):
        await asyncio.wait_for(stub.InvokeModel(REQUEST, timeout=2), 3)
    await asyncio.sleep(0.2)
    written = pair.answers.written
    assert written < 600
    await asyncio.sleep(0.1)
    assert pair.answers.written == written
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
    for _ in range(written):
        await anext(stream)
    assert pair.answers.written > written
    await stream.aclose()
    del stream
    gc.collect()
