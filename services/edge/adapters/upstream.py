"""Calls to the services behind the edge whose refusals become domain errors."""

from collections.abc import Awaitable
from typing import Any

import grpc

from services.chassis.rich_status import from_rpc_error


async def ask(call: Awaitable[Any], upstream: str = "auth") -> Any:
    """Wait for the answer of `upstream`. Raises DomainError for a refusal."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error, upstream) from error
