"""A small audit service over real mTLS: anchors the key service's store and lets go of every event.

For tests of kms, and of services that need a kms. tests/integration/audit has the real one.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from craton.audit.v1 import (
    anchor_service_pb2,
    anchor_service_pb2_grpc,
    ingest_service_pb2,
    ingest_service_pb2_grpc,
)
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.clock import SystemClock
from services.chassis.errors import DomainError
from services.chassis.randomness import SystemRandomness
from services.chassis.server import Server
from services.chassis.settings import ServerSettings, TelemetrySettings
from services.kms.ports import Anchored, StoreAlteredError
from tests.fakes.anchor import MemoryAnchor
from tests.fakes.auth_server import UnrecordedCalls
from tests.fakes.workloads import Workloads

_METHODS = (
    "/craton.audit.v1.AnchorService/AppendAnchor",
    "/craton.audit.v1.AnchorService/GetAnchor",
    "/craton.audit.v1.IngestService/AppendEvents",
)


class FakeAudit(anchor_service_pb2_grpc.AnchorServiceServicer, ingest_service_pb2_grpc.IngestServiceServicer):
    """Start and stop `server`; what it was told stands in `anchor`."""

    def __init__(self, folder: Path, workloads: Workloads) -> None:
        self.anchor = MemoryAnchor()
        file = folder / "audit-callers.toml"
        callers = dict.fromkeys((*_METHODS, "/grpc.health.v1.Health/Check"), "service/kms")
        file.write_text("".join(f"{json.dumps(name)} = [{json.dumps(to)}]\n" for name, to in callers.items()))
        self.server = Server(
            ServerSettings("audit", "127.0.0.1:0", "", drain_s=0.2),
            workloads.tls("service/audit"),
            callers=file,
            events={method: AuditedMethod("fake", method, Recording.READ) for method in _METHODS},
            clock=SystemClock(),
            randomness=SystemRandomness(),
            recorder=UnrecordedCalls(),
            tokens=None,
            telemetry=TelemetrySettings(),
        )
        self.server.add(anchor_service_pb2_grpc.add_AnchorServiceServicer_to_server, self)
        self.server.add(ingest_service_pb2_grpc.add_IngestServiceServicer_to_server, self)

    @property
    def target(self) -> str:
        """Where it listens, once it was started."""
        return f"127.0.0.1:{self.server.port}"

    @contextlib.contextmanager
    def in_a_thread(self) -> Iterator[None]:
        """Serve on an event loop of its own, for tests that block theirs."""
        started, stopping = threading.Event(), asyncio.Event()
        loop = asyncio.new_event_loop()

        async def serve() -> None:
            await self.server.start()
            started.set()
            await stopping.wait()
            await self.server.stop()

        thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
        thread.start()
        assert started.wait(20)
        try:
            yield
        finally:
            loop.call_soon_threadsafe(stopping.set)
            thread.join()
            loop.close()

    async def AppendAnchor(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Remember a state, as the real one does."""
        state = Anchored(request.anchor.epoch, request.anchor.digest)
        try:
            await self.anchor.append(request.anchor.store_id, state)
        except StoreAlteredError:
            raise DomainError(ErrorReason.ERROR_REASON_RESOURCE_STATE, "not the newest state") from None
        return anchor_service_pb2.AppendAnchorResponse()

    async def GetAnchor(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Return the newest state."""
        found = await self.anchor.newest(request.store_id)
        if found is None:
            return anchor_service_pb2.GetAnchorResponse()
        anchor = anchor_service_pb2.Anchor(store_id=request.store_id, epoch=found.epoch, digest=found.digest)
        return anchor_service_pb2.GetAnchorResponse(anchor=anchor)

    async def AppendEvents(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Take everything in."""
        reached = request.first_position + len(request.events)
        return ingest_service_pb2.AppendEventsResponse(next_position=reached)
