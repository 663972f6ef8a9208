"""Calls to the services behind the edge whose refusals become domain errors."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.context import current_call
from services.chassis.errors import DomainError
from services.chassis.pipeline import SHARED_EVENT_ID
from services.chassis.rich_status import from_rpc_error
from services.edge.domain.faults import validation


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


def in_members(error: DomainError, member_of: Callable[[str], str]) -> Exception:
    """Return a refusal of a field so that it names the client's member; any other as it is.

    `member_of` returns what a client calls a field, which may be a path: "tags[0].key".
    """
    field = error.field or ""
    named = f"{field}: "
    if error.reason != ErrorReason.ERROR_REASON_INVALID_FIELD or not error.message.startswith(named):
        return error
    return validation(f"{member_of(field)}: {error.message.removeprefix(named)}")


def camel_case(field: str) -> str:
    """Return the name of a field as AWS spells members: "key_id" becomes "KeyId"."""
    return "".join(word.capitalize() for word in field.split("_"))


def _share(trailing: Any) -> None:
    for name, value in trailing or ():
        if name == SHARED_EVENT_ID:
            current_call().shared_event_id = value
