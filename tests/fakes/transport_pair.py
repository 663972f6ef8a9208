"""A server and channels to it, each of gRPC's transport or of ours."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc

from services.chassis.channels import MESSAGE_BYTES, OPTIONS
from services.chassis.context import current_call
from services.chassis.errors import DomainError
from services.chassis.http2.channel import Http2Channel
from services.chassis.tls import channel_credentials, client_context
from tests.fakes.workloads import Workloads
from tests.integration.chassis.conftest import Running, Steered

REQUEST = pb.InvokeModelRequest(model_id="m", body=b"hello")
LARGEST = 26_000_000
Stub = pb_grpc.InferenceServiceStub


class Servicer(Steered):
    """Answers as the model id of a request says."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = asyncio.Event()
        self.release = asyncio.Event()
        self.cancelled_at = 0.0
        self.written = 0

    async def InvokeModel(self, request: Any, context: Any) -> pb.InvokeModelResponse:  # noqa: N802
        self.entered.set()
        match request.model_id:
            case "wait":
                try:
                    await self.release.wait()
                except asyncio.CancelledError:
                    self.cancelled_at = time.monotonic()
                    raise
            case "metadata":
                metadata = dict(context.invocation_metadata())
                return pb.InvokeModelResponse(body=str(metadata.get("key")).encode())
            case "call":
                return pb.InvokeModelResponse(body=current_call().request_id.encode())
            case "refuse":
                raise DomainError(ErrorReason.ERROR_REASON_THROTTLED, "50% — slow\ndown", retry_after_s=2.0)
            case "large":
                return pb.InvokeModelResponse(body=bytes(int(request.body)))
        return pb.InvokeModelResponse(body=request.body)

    async def InvokeModelWithResponseStream(  # noqa: N802
        self, request: Any, context: Any
    ) -> AsyncIterator[pb.InvokeModelWithResponseStreamResponse]:
        self.entered.set()
        size, count = (int(number) for number in request.body.split(b","))
        try:
            for number in range(count):
                if request.model_id == "wait" and number == 1:
                    await self.release.wait()
                self.written += 1
                yield pb.InvokeModelWithResponseStreamResponse(chunks=[bytes(size)])
            if request.model_id == "refuse":
                raise DomainError(ErrorReason.ERROR_REASON_MODEL_STREAM_ERROR, "broke")
        finally:
            self.cancelled.set()


class Verifier:
    """Believes every token, and notes which it saw."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def verify(self, token: str) -> Any:
        self.seen.append(token)


class Pair(Running):
    """A server, and channels to it."""

    def __init__(self, folder: Path, transport: str, client: str) -> None:
        self.answers = Servicer()
        self.verifier = Verifier()
        super().__init__(
            Workloads(folder / "pki"),
            folder,
            transport,
            servicer=self.answers,
            drain_s=5.0,
            tokens=self.verifier,
        )
        self.client = client
        self.channels: list[Any] = []

    def connect(self, workload: str = "service/edge") -> Any:
        """A new channel to the server as `workload`."""
        target, name = f"127.0.0.1:{self.server.port}", "runtime.craton.internal"
        tls = self.workloads.tls(workload)
        channel: Any
        if self.client == "http2":
            channel = Http2Channel(target, client_context(tls), name, largest_message=MESSAGE_BYTES)
        else:
            channel = grpc.aio.secure_channel(
                target,
                channel_credentials(tls),
                options=[
                    *OPTIONS,
                    ("grpc.ssl_target_name_override", name),
                    ("grpc.use_local_subchannel_pool", 1),
                ],
            )
        self.channels.append(channel)
        return channel


async def failure(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def drained(stream: Any) -> list[Any]:
    return [message async for message in stream]


async def drained_unary(stub: Any) -> Any:
    return await stub.InvokeModel(pb.InvokeModelRequest(model_id="wait", body=b"in progress"))


async def stopped_already() -> None:
    """Stopped already."""
