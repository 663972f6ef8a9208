"""A refused request leaves nothing behind, however large it was."""

import asyncio
import contextlib
import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc

from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from tests.fakes.workloads import Workloads
from tests.integration.chassis.conftest import Running, Steered, refusal


class Parsed:
    """Stands for what a handler made of a request."""


class Refusing(Steered):
    """Refuses everything, and looks for what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[weakref.ref[Any]] = []

    async def InvokeModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse()

    async def InvokeModelWithResponseStream(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        yield pb.InvokeModelWithResponseStreamResponse(chunks=[b"1"])
        self._refuse()

    def _refuse(self) -> None:
        parsed = Parsed()
        self.kept.append(weakref.ref(parsed))
        try:
            raise ValueError(parsed)
        except ValueError as error:
            raise DomainError(ErrorReason.ERROR_REASON_INVALID_MODEL_BODY, "no \ud800") from error


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _calls() -> list[CallContext]:
    return [each for each in gc.get_objects() if isinstance(each, CallContext)]


@pytest.mark.parametrize("transport", ["grpc", "http2"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_nothing_keeps_a_refused_request(tmp_path: Path, transport: str, streamed: bool) -> None:
    servicer = Refusing()
    running = Running(Workloads(tmp_path / "pki"), tmp_path, transport, servicer=servicer)
    await running.server.start()
    channel = running.channel("service/edge")
    stub = pb_grpc.InferenceServiceStub(channel)

    # What other tests left, kept here so that no other object gets its place.
    others = _calls()
    earlier = {id(each) for each in others}

    async def ask() -> None:
        if streamed:
            request = pb.InvokeModelWithResponseStreamRequest(model_id="m")
            async for _ in stub.InvokeModelWithResponseStream(request, timeout=5):
                pass
        else:
            await stub.InvokeModel(pb.InvokeModelRequest(model_id="m"), timeout=5)

    try:
        with _without_collector():
            for number in (1, 2):
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await ask()
                # The text of the refusal cannot be sent as it is; the refusal can.
                assert refusal(caught.value) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_MODEL_BODY")
                assert caught.value.details() == "no ?"
                assert len(servicer.kept) == number
                for _ in range(100):
                    await asyncio.sleep(0.02)
                    parsed = [each() for each in servicer.kept if each() is not None]
                    # A frame of the call would hold the request itself.
                    calls = [each for each in _calls() if id(each) not in earlier]
                    if not parsed and not calls:
                        break
                    left = (len(parsed), len(calls))
                    del parsed, calls
                else:
                    pytest.fail(f"objects and calls left: {left}")
    finally:
        await channel.close()
        await running.server.stop()
