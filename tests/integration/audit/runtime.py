"""The audit part of another service, and looking up what it has recorded."""

import asyncio
from pathlib import Path

from craton.audit.v1 import lookup_service_pb2
from craton.audit.v1 import resources_pb2 as pb

from services.chassis.audit.local import LocalAudit
from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.clock import SystemClock
from services.chassis.context import CallContext
from services.chassis.identity import WorkloadId
from services.chassis.randomness import SystemRandomness
from services.chassis.settings import AuditSettings, UpstreamSettings
from tests.fakes.principals import ALICE

RUNTIME = WorkloadId("craton.local", "service", "runtime")
EDGE = WorkloadId("craton.local", "service", "edge")
METHOD = "/craton.runtime.v1.InferenceService/InvokeModel"
INVOKE = AuditedMethod("bedrock.amazonaws.com", "InvokeModel", Recording.EFFECT)
MODEL = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"


class Runtime:
    """The audit part of another service: a real spool, recorder and shipper."""

    def __init__(self, folder: Path, tls, target: str) -> None:
        self.audit = LocalAudit.over_grpc(
            AuditSettings(folder / "runtime-spool", UpstreamSettings(target, "audit")),
            tls,
            RUNTIME,
            {METHOD: INVOKE},
            clock=SystemClock(),
            randomness=SystemRandomness(),
        )
        self.shipping = asyncio.get_running_loop().create_task(self.audit.shipper.run())

    async def serve(self, number: int) -> None:
        call = CallContext(METHOD, f"request-{number}", f"call-{number}", EDGE, principal=ALICE)
        call.resources.append(MODEL)
        await self.audit.recorder.intent(call, INVOKE)
        call.output_tokens = number
        await self.audit.recorder.outcome(call, INVOKE, "OK", "")

    async def shipped(self) -> None:
        async with asyncio.timeout(20):
            while self.audit.shipper.backlog:
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        self.shipping.cancel()
        await asyncio.gather(self.shipping, return_exceptions=True)
        await self.audit.close()


async def lookup(clients, token="", **attributes) -> list[pb.Event]:
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    request = lookup_service_pb2.LookupEventsRequest(page_size=1000, **attributes)
    return list((await clients.lookup.LookupEvents(request, metadata=metadata)).events)
