"""Whether a service behind the edge can be reached."""

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.chassis.channels import Channel

_TIMEOUT_S = 1.0


class UpstreamHealth:
    """Asks one service's grpc.health.v1.Health."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`."""
        self._stub = health_pb2_grpc.HealthStub(channel)

    async def serving(self) -> bool:
        """Return whether the service says that it serves."""
        try:
            answer = await self._stub.Check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
