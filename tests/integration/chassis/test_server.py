"""The server factory over real mTLS: order of checks, records, cancellation, errors."""

import asyncio

import grpc
import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc

from services.chassis.errors import DomainError
from tests.integration.chassis.conftest import Running, refusal

REQUEST = pb.InvokeModelRequest(model_id="m", body=b"hello")
STREAM_REQUEST = pb.InvokeModelWithResponseStreamRequest(model_id="m")


async def test_listed_caller_is_served_and_recorded(running: Running) -> None:
    channel = running.channel("service/edge")
    answer = await pb_grpc.InferenceServiceStub(channel).InvokeModel(REQUEST)
    assert answer.body == b"hello"
    assert running.recorder.rows == [
        ("intent", "InvokeModel"),
        ("outcome", "InvokeModel", "service/edge", "OK", ""),
    ]
    await channel.close()


async def test_unlisted_caller_is_refused_before_its_request_is_parsed(running: Running) -> None:
    channel = running.channel("service/kms")
    call = channel.unary_unary(
        "/craton.runtime.v1.InferenceService/InvokeModel", lambda _: b"\xff\xff not protobuf", bytes
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(None)
    assert refusal(caught.value) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_LISTED")
    assert running.recorder.rows == [
        ("outcome", "InvokeModel", "service/kms", "PERMISSION_DENIED", "CALLER_NOT_LISTED")
    ]
    await channel.close()


async def test_public_listener_serves_public_methods_alone(running: Running) -> None:
    credentials = grpc.ssl_channel_credentials(running.tls.ca.read_bytes())
    options = [("grpc.ssl_target_name_override", "runtime.craton.internal")]
    target = f"127.0.0.1:{running.server.public_port}"
    async with grpc.aio.secure_channel(target, credentials, options=options) as channel:
        stub = pb_grpc.InferenceServiceStub(channel)
        assert (await stub.InvokeModel(REQUEST)).body == b"hello"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in stub.InvokeModelWithResponseStream(STREAM_REQUEST):
                pass
    assert refusal(caught.value) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_LISTED")
    # Nobody was authenticated: the refusal is counted, and the intent has its outcome.
    assert running.recorder.summaries == [("Stream", "PERMISSION_DENIED", "CALLER_NOT_LISTED")]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (
            DomainError(ErrorReason.ERROR_REASON_THROTTLED, "slow down"),
            (grpc.StatusCode.RESOURCE_EXHAUSTED, "THROTTLED"),
        ),
        (RuntimeError("canary in an exception"), (grpc.StatusCode.INTERNAL, "INTERNAL")),
    ],
)
async def test_failures_are_mapped_and_recorded(
    running: Running, failure: Exception, expected: tuple[grpc.StatusCode, str]
) -> None:
    def fail() -> None:
        raise failure

    running.servicer.behaviour = fail
    channel = running.channel("service/edge")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await pb_grpc.InferenceServiceStub(channel).InvokeModel(REQUEST)
    assert refusal(caught.value) == expected
    assert "canary" not in (caught.value.details() or "")
    assert running.recorder.rows[-1][3:] == (expected[0].name, expected[1])
    await channel.close()


async def test_invalid_field_is_named(running: Running) -> None:
    channel = running.channel("service/edge")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await pb_grpc.InferenceServiceStub(channel).InvokeModel(pb.InvokeModelRequest())
    assert refusal(caught.value) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "model_id" in (caught.value.details() or "")
    assert [row[0] for row in running.recorder.rows] == ["outcome"]
    await channel.close()


async def test_no_audit_means_no_effect_and_no_answer(running: Running) -> None:
    reached = []
    running.servicer.behaviour = lambda: reached.append(1)
    running.recorder.broken = True
    channel = running.channel("service/edge")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await pb_grpc.InferenceServiceStub(channel).InvokeModel(REQUEST)
    assert refusal(caught.value) == (grpc.StatusCode.UNAVAILABLE, "AUDIT_UNAVAILABLE")
    assert not reached
    await channel.close()


async def test_a_lost_outcome_withholds_the_answer(running: Running) -> None:
    running.servicer.behaviour = lambda: setattr(running.recorder, "broken", True)
    channel = running.channel("service/edge")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await pb_grpc.InferenceServiceStub(channel).InvokeModel(REQUEST)
    assert refusal(caught.value) == (grpc.StatusCode.UNAVAILABLE, "AUDIT_UNAVAILABLE")
    await channel.close()


async def test_cancellation_reaches_the_handler_and_the_record(running: Running) -> None:
    running.servicer.behaviour = lambda: asyncio.sleep(60)
    channel = running.channel("service/edge")
    call = pb_grpc.InferenceServiceStub(channel).InvokeModel(REQUEST)
    while ("intent", "InvokeModel") not in running.recorder.rows:
        await asyncio.sleep(0.01)
    call.cancel()
    await asyncio.wait_for(running.servicer.cancelled.wait(), 2)
    for _ in range(100):
        if len(running.recorder.rows) == 2:
            break
        await asyncio.sleep(0.01)
    assert running.recorder.rows[-1][3:] == ("CANCELLED", "CANCELLED")
    await channel.close()


async def test_a_cancelled_stream_closes_its_generator(running: Running) -> None:
    channel = running.channel("service/edge")
    call = pb_grpc.InferenceServiceStub(channel).InvokeModelWithResponseStream(STREAM_REQUEST)
    async for _ in call:
        break
    call.cancel()
    await asyncio.wait_for(running.servicer.cancelled.wait(), 2)
    await channel.close()


async def test_a_stream_that_fails_ends_with_its_reason(running: Running) -> None:
    def fail() -> None:
        raise DomainError(ErrorReason.ERROR_REASON_MODEL_STREAM_ERROR, "broke")

    running.servicer.behaviour = fail
    channel = running.channel("service/edge")
    received = []

    async def read() -> None:
        async for response in pb_grpc.InferenceServiceStub(channel).InvokeModelWithResponseStream(
            STREAM_REQUEST
        ):
            received.append(response.chunks[0])

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read()
    assert received == [b"0", b"1", b"2"]
    assert refusal(caught.value) == (grpc.StatusCode.INTERNAL, "MODEL_STREAM_ERROR")
    await channel.close()


async def test_deadlines_arrive_and_short_ones_are_refused(running: Running) -> None:
    channel = running.channel("service/edge")
    stub = pb_grpc.InferenceServiceStub(channel)
    await stub.InvokeModel(REQUEST, timeout=7)
    assert running.servicer.deadline is not None
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.InvokeModel(REQUEST, timeout=0.005)
    await channel.close()


async def test_health_is_withheld_from_unlisted_callers(running: Running) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    channel = running.channel("service/edge")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert refusal(caught.value)[0] is grpc.StatusCode.PERMISSION_DENIED
    await channel.close()
