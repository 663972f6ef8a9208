"""Calls to the services behind the edge whose refusals become domain errors."""

from collections.abc import Awaitable
from typing import Any

import grpc

from services.chassis.context import current_call
from services.chassis.pipeline import SHARED_EVENT_ID
from services.chassis.rich_status import from_rpc_error


async def ask(call: Awaitable[Any], upstream: str = "auth") -> Any:
    """Wait for the answer of `upstream`. Raises DomainError for a refusal.

    Our record of the call gets the id that `upstream` gave the copies of its own in other accounts' logs.
    """
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        _share(error.trailing_metadata())
        raise from_rpc_error(error, upstream) from error
    if isinstance(call, grpc.aio.UnaryUnaryCall):
        _share(await call.trailing_metadata())
    return answer


def _share(trailing: Any) -> None:
    for name, value in trailing or ():
        if name == SHARED_EVENT_ID:
            current_call().shared_event_id = value
