"""grpc.health.v1.Health/Check: NOT_SERVING first, SERVING when ready, NOT_SERVING again before the drain."""

from typing import Any

from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.chassis.audit.ports import AuditedMethod, Recording

HEALTH_CHECK = "/grpc.health.v1.Health/Check"
HEALTH_EVENT = AuditedMethod("health.craton", "Check", Recording.SUMMARY)


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Answers Check for the whole server."""

    def __init__(self) -> None:
        """Start as NOT_SERVING."""
        self.serving = False
        """What is answered."""

    def set_serving(self, serving: bool) -> None:
        """Change the answer."""
        self.serving = serving

    async def Check(self, request: Any, context: Any) -> Any:
        """Return the current status of the server, whatever service is asked for."""
        status = health_pb2.HealthCheckResponse.ServingStatus
        return health_pb2.HealthCheckResponse(status=status.SERVING if self.serving else status.NOT_SERVING)
