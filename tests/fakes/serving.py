"""Waiting for a server in this process to be ready."""

import asyncio

from grpc_health.v1 import health_pb2

from services.chassis.server import Server

_LONGEST_S = 20.0


async def until_serving(server: Server) -> None:
    """Return when a started server says that it is ready. Raises TimeoutError, and when it has failed."""
    async with asyncio.timeout(_LONGEST_S):
        while not await _serving(server):
            assert not server.failed.is_set(), "a background task of the server has ended"
            await asyncio.sleep(0.02)


async def _serving(server: Server) -> bool:
    answer = await server._health.Check(health_pb2.HealthCheckRequest(), None)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
