"""Gated methods: their handlers run while the intent becomes durable, and have no effect before it is."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc

from services.chassis.audit.ports import Recording
from services.chassis.context import current_call
from services.chassis.errors import DomainError
from tests.fakes.workloads import Workloads
from tests.integration.chassis.conftest import Running

REQUEST = pb.InvokeModelRequest(model_id="m", body=b"x")
INTENT = ("intent", "InvokeModel")


def outcome(status: str, reason: str = "") -> tuple[str, ...]:
    return ("outcome", "InvokeModel", "service/edge", status, reason)


@pytest.fixture(params=["grpc", "http2"])
async def gated(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    """A server whose methods wait for their intent themselves."""
    workloads = Workloads(tmp_path / "pki")
    one = Running(workloads, tmp_path, request.param, recording=Recording.GATED)
    await one.server.start()
    yield one
    await one.server.stop()


async def ask(running: Running) -> pb.InvokeModelResponse:
    stub = pb_grpc.InferenceServiceStub(running.channel("service/edge"))
    response: pb.InvokeModelResponse = await stub.InvokeModel(REQUEST)
    return response


async def test_the_handler_prepares_meanwhile_and_waits_before_its_effect(gated: Running) -> None:
    steps: list[str] = []
    prepared = asyncio.Event()

    async def work() -> None:
        steps.append("prepared")
        prepared.set()
        await current_call().intended()
        steps.append("effect")

    gated.servicer.behaviour = work
    gated.recorder.durable.clear()
    call = asyncio.create_task(ask(gated))
    await asyncio.wait_for(prepared.wait(), 5)
    await asyncio.sleep(0.05)
    assert steps == ["prepared"]
    assert gated.recorder.rows == []
    gated.recorder.durable.set()
    await call
    assert steps == ["prepared", "effect"]
    assert gated.recorder.rows == [INTENT, outcome("OK")]


async def test_an_answer_that_did_not_wait_is_thrown_away(gated: Running) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await ask(gated)
    assert refusal.value.code() is grpc.StatusCode.INTERNAL
    assert gated.recorder.rows == [INTENT, outcome("INTERNAL", "INTERNAL")]


async def test_a_stream_that_did_not_wait_sends_nothing(gated: Running) -> None:
    stub = pb_grpc.InferenceServiceStub(gated.channel("service/edge"))
    request = pb.InvokeModelWithResponseStreamRequest(model_id="m", body=b"x")
    received: list[pb.InvokeModelWithResponseStreamResponse] = []

    async def read() -> None:
        async for response in stub.InvokeModelWithResponseStream(request):
            received.append(response)

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await read()
    assert refusal.value.code() is grpc.StatusCode.INTERNAL
    assert received == []


async def test_what_is_refused_before_the_gate_has_its_intent_first(gated: Running) -> None:
    def refuse() -> None:
        raise DomainError(ErrorReason.ERROR_REASON_ACCESS_DENIED, "no")

    gated.servicer.behaviour = refuse
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await ask(gated)
    assert refusal.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert gated.recorder.rows == [INTENT, outcome("PERMISSION_DENIED", "ACCESS_DENIED")]


async def test_a_lost_intent_stops_the_handler_at_the_gate(gated: Running) -> None:
    effects: list[str] = []

    async def work() -> None:
        gated.recorder.broken = True
        await current_call().intended()
        effects.append("effect")

    gated.servicer.behaviour = work
    gated.recorder.durable.clear()
    call = asyncio.create_task(ask(gated))
    while not gated.recorder.broken:
        await asyncio.sleep(0.01)
    gated.recorder.durable.set()
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call
    assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE
    assert effects == []


async def test_a_concluded_call_has_one_outcome_and_waits_for_it(gated: Running) -> None:
    rendered = asyncio.Event()

    async def work() -> None:
        await current_call().intended()
        gated.recorder.durable.clear()
        current_call().conclude()
        rendered.set()

    gated.servicer.behaviour = work
    call = asyncio.create_task(ask(gated))
    await asyncio.wait_for(rendered.wait(), 5)
    await asyncio.sleep(0.05)
    assert not call.done(), "the answer waits for the outcome"
    gated.recorder.durable.set()
    await call
    assert gated.recorder.rows == [INTENT, outcome("OK")]


async def test_what_fails_after_its_conclusion_is_corrected(gated: Running) -> None:
    async def work() -> None:
        await current_call().intended()
        current_call().conclude()
        raise ValueError("rendering failed")

    gated.servicer.behaviour = work
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await ask(gated)
    assert refusal.value.code() is grpc.StatusCode.INTERNAL
    assert gated.recorder.rows == [INTENT, outcome("OK"), outcome("INTERNAL", "INTERNAL")]


async def test_a_lost_conclusion_withholds_the_answer(gated: Running) -> None:
    async def work() -> None:
        await current_call().intended()
        gated.recorder.durable.clear()
        current_call().conclude()
        gated.recorder.broken = True
        gated.recorder.durable.set()

    gated.servicer.behaviour = work
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await ask(gated)
    assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_method_that_is_not_gated_cannot_conclude(running: Running) -> None:
    async def work() -> None:
        current_call().conclude()

    running.servicer.behaviour = work
    await ask(running)
    assert running.recorder.rows == [INTENT, outcome("OK")]
