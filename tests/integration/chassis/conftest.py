"""A server of the real factory with a servicer that tests steer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc

from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.clock import SystemClock
from services.chassis.context import CallContext, current_call
from services.chassis.errors import DomainError
from services.chassis.randomness import SystemRandomness
from services.chassis.server import Server
from services.chassis.settings import ServerSettings, TelemetrySettings
from tests.fakes.workloads import TRUST_DOMAIN, Workloads

UNARY = "/craton.runtime.v1.InferenceService/InvokeModel"
STREAM = "/craton.runtime.v1.InferenceService/InvokeModelWithResponseStream"
CHECK = "/grpc.health.v1.Health/Check"


class MemoryRecorder:
    """Keeps what it is told; refuses when `broken`. While `durable` is cleared nothing becomes durable."""

    def __init__(self) -> None:
        self.durable = asyncio.Event()
        self.durable.set()
        self.rows: list[tuple[str, ...]] = []
        self.summaries: list[tuple[str, ...]] = []
        self.broken = False
        self.room = True
        """Whether there is room for what strangers do."""

    def _check(self) -> None:
        if self.broken:
            raise DomainError(ErrorReason.ERROR_REASON_AUDIT_UNAVAILABLE, "the audit log is closed")

    def intent(self, call: CallContext, method: AuditedMethod) -> Awaitable[None]:
        self._check()
        return asyncio.ensure_future(self._write(("intent", method.event_name)))

    def outcome(self, call: CallContext, method: AuditedMethod, status: str, reason: str) -> Awaitable[None]:
        self._check()
        caller = "" if call.caller is None else call.caller.path
        return asyncio.ensure_future(self._write(("outcome", method.event_name, caller, status, reason)))

    async def _write(self, row: tuple[str, ...]) -> None:
        await self.durable.wait()
        self._check()
        self.rows.append(row)

    async def note(self, call: CallContext, method: AuditedMethod, status: str, reason: str) -> bool:
        if self.room:
            self.rows.append(("note", method.event_name, status, reason))
        return self.room

    def summarise(self, call: CallContext, method: AuditedMethod, status: str, reason: str) -> None:
        self.summaries.append((method.event_name, status, reason))


class Steered(pb_grpc.InferenceServiceServicer):
    """Does what `behaviour` does."""

    def __init__(self) -> None:
        self.behaviour: Callable[[], Any] = lambda: None
        self.cancelled = asyncio.Event()
        self.deadline: float | None = None

    async def InvokeModel(self, request: Any, context: Any) -> pb.InvokeModelResponse:  # noqa: N802
        self.deadline = current_call().deadline
        try:
            result = self.behaviour()
            if asyncio.iscoroutine(result):
                await result
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return pb.InvokeModelResponse(body=request.body)

    async def InvokeModelWithResponseStream(  # noqa: N802
        self, request: Any, context: Any
    ) -> AsyncIterator[pb.InvokeModelWithResponseStreamResponse]:
        try:
            for index in range(1000):
                yield pb.InvokeModelWithResponseStreamResponse(chunks=[b"%d" % index])
                await asyncio.sleep(0.01)
                if index == 2:
                    self.behaviour()
        finally:
            self.cancelled.set()


class Running:
    """The server under test and what it wrote down."""

    def __init__(
        self,
        workloads: Workloads,
        folder: Path,
        transport: str = "grpc",
        *,
        servicer: Steered | None = None,
        drain_s: float = 0.2,
        tokens: Any = None,
        recording: Recording = Recording.EFFECT,
    ) -> None:
        self.workloads = workloads
        self.recorder = MemoryRecorder()
        self.servicer = servicer or Steered()
        callers = folder / "callers.toml"
        callers.write_text(
            f'"{UNARY}" = ["service/edge", "public"]\n"{STREAM}" = ["service/edge"]\n'
            f'"{CHECK}" = ["operator/admin"]\n'
        )
        self.tls = workloads.tls("service/runtime")
        self.server = Server(
            ServerSettings("runtime", "127.0.0.1:0", "", transport=transport, drain_s=drain_s),
            self.tls,
            callers=callers,
            events={
                UNARY: AuditedMethod("test", "InvokeModel", recording),
                STREAM: AuditedMethod("test", "Stream", recording),
            },
            clock=SystemClock(),
            randomness=SystemRandomness(),
            recorder=self.recorder,
            tokens=tokens,
            telemetry=TelemetrySettings(),
        )
        self.server.add(pb_grpc.add_InferenceServiceServicer_to_server, self.servicer)
        self.server.add_public_listener("127.0.0.1:0", self.tls)

    def channel(self, workload: str) -> Any:
        """A channel to the internal listener as `workload`."""
        from services.chassis.channels import Channel
        from services.chassis.settings import UpstreamSettings

        upstream = UpstreamSettings(f"127.0.0.1:{self.server.port}", "runtime")
        return Channel(upstream, self.workloads.tls(workload), TRUST_DOMAIN, SystemClock())


@pytest.fixture(params=["grpc", "http2"])
async def running(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    """A started server; its internal listener is gRPC's own, or ours."""
    one = Running(Workloads(tmp_path / "pki"), tmp_path, request.param)
    await one.server.start()
    yield one
    await one.server.stop()


def refusal(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str]:
    """Status and reason of a refusal."""
    from services.chassis.rich_status import from_rpc_error

    return error.code(), from_rpc_error(error, "runtime").reason_name
