"""What a call between workloads is promised, whoever listens and whoever calls: gRPC's own or ours."""

import asyncio
import time
from typing import Any

import grpc
from craton.runtime.v1 import inference_service_pb2 as pb
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.chassis.rich_status import from_rpc_error
from tests.eventually import until
from tests.fakes.transport_pair import (
    REQUEST,
    Pair,
    Stub,
    drained,
    failure,
)


async def test_unary(pair: Pair) -> None:
    stub = Stub(pair.connect())
    for body in (b"", b"hello", bytes(70_000)):
        assert (await stub.InvokeModel(pb.InvokeModelRequest(model_id="m", body=body))).body == body


async def test_streams(pair: Pair) -> None:
    stub = Stub(pair.connect())
    for size, count in ((0, 0), (1, 1), (10, 500), (100_000, 20)):
        request = pb.InvokeModelWithResponseStreamRequest(model_id="m", body=b"%d,%d" % (size, count))
        messages = await drained(stub.InvokeModelWithResponseStream(request))
        assert [len(message.chunks[0]) for message in messages] == [size] * count


async def test_metadata(pair: Pair) -> None:
    stub = Stub(pair.connect())
    metadata: list[Any] = [("key", "value ~"), ("x-request-id", "01234567-89ab")]
    answer = await stub.InvokeModel(pb.InvokeModelRequest(model_id="metadata"), metadata=metadata)
    assert answer.body == b"value ~"
    answer = await stub.InvokeModel(pb.InvokeModelRequest(model_id="call"), metadata=metadata)
    assert answer.body == b"01234567-89ab"


async def test_of_two_tokens_none_counts(pair: Pair) -> None:
    stub = Stub(pair.connect())
    one: list[Any] = [("authorization", "Bearer one")]
    await stub.InvokeModel(REQUEST, metadata=one)
    error = await failure(stub.InvokeModel(REQUEST, metadata=[*one, ("authorization", "Bearer two")]))
    assert error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INTERNAL)
    assert pair.verifier.seen == ["one"]
    # Of other fields the last counts.
    metadata: list[Any] = [("key", "first"), ("key", "last")]
    answer = await stub.InvokeModel(pb.InvokeModelRequest(model_id="metadata"), metadata=metadata)
    assert answer.body == b"last"


async def test_errors_carry_their_details(pair: Pair) -> None:
    stub = Stub(pair.connect())
    error = await failure(stub.InvokeModel(pb.InvokeModelRequest(model_id="refuse")))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.details() == "50% — slow\ndown"
    domain = from_rpc_error(error, "runtime")
    assert (domain.reason_name, domain.retry_after_s) == ("THROTTLED", 2.0)
    request = pb.InvokeModelWithResponseStreamRequest(model_id="refuse", body=b"5,3")
    error = await failure(drained(stub.InvokeModelWithResponseStream(request)))
    assert from_rpc_error(error, "runtime").reason_name == "MODEL_STREAM_ERROR"


async def test_unknown_methods(pair: Pair) -> None:
    channel = pair.connect()
    for method in ("/craton.runtime.v1.InferenceService/Unknown", "/x/y", "/"):
        error = await failure(channel.unary_unary(method)(b"", timeout=3))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_deadlines(pair: Pair) -> None:
    stub = Stub(pair.connect())
    await stub.InvokeModel(REQUEST)
    began = time.monotonic()
    error = await failure(stub.InvokeModel(pb.InvokeModelRequest(model_id="wait"), timeout=0.2))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert 0.15 < time.monotonic() - began < 0.6
    await until(lambda: pair.answers.cancelled_at)
    assert pair.answers.cancelled_at - began < 0.6
    await until(lambda: len(pair.recorder.rows) == 4)
    assert pair.recorder.rows[-1][3:] == ("CANCELLED", "CANCELLED")


async def test_a_cancelled_call_reaches_the_handler_at_once(pair: Pair) -> None:
    stub = Stub(pair.connect())
    await stub.InvokeModel(REQUEST)
    pair.answers.entered.clear()

    async def call() -> None:
        await stub.InvokeModel(pb.InvokeModelRequest(model_id="wait"))

    task = asyncio.create_task(call())
    await pair.answers.entered.wait()
    cancelled = time.monotonic()
    task.cancel()
    await until(lambda: pair.answers.cancelled_at)
    assert pair.answers.cancelled_at - cancelled < 0.1
    await until(lambda: len(pair.recorder.rows) == 4)
    assert pair.recorder.rows[-1][3:] == ("CANCELLED", "CANCELLED")


async def test_a_stream_that_is_left_is_cancelled(pair: Pair) -> None:
    stub = Stub(pair.connect())
    request = pb.InvokeModelWithResponseStreamRequest(model_id="wait", body=b"5,3")
    call = stub.InvokeModelWithResponseStream(request)
    async for _ in call:
        break
    call.cancel()
    assert await until(pair.answers.cancelled.is_set) < 0.1


async def test_health(pair: Pair) -> None:
    operator = health_pb2_grpc.HealthStub(pair.connect("operator/admin"))
    request = health_pb2.HealthCheckRequest()
    await asyncio.sleep(0.05)
    assert (await operator.Check(request)).status == health_pb2.HealthCheckResponse.SERVING
    error = await failure(health_pb2_grpc.HealthStub(pair.connect()).Check(request))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
