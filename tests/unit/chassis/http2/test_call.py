"""A call at the client: what it keeps."""

import asyncio
import gc
import weakref

import pytest
from grpc import StatusCode

from services.chassis.http2.call import Call
from services.chassis.http2.status import RpcError


class Link:
    def drop(self, call: Call) -> None:
        """Nobody is told."""

    def taken(self, call: Call) -> None:
        """Nobody is told."""


class Kept(Call):
    """A call that can be looked for."""

    __slots__ = ("__weakref__",)


async def test_a_failed_call_lets_go_of_its_request_at_once() -> None:
    failure = RpcError(StatusCode.UNAVAILABLE, "gone", trailing=(("a", "b"),), unprocessed=True)
    call = Kept(Link(), asyncio.get_running_loop(), b"", bytes(100), 10.0, 100)
    kept = weakref.ref(call)
    gc.disable()
    try:
        call.end(failure)
        for _ in range(2):
            with pytest.raises(RpcError) as caught:
                await call.read()
            assert (caught.value.code, caught.value.details) == (StatusCode.UNAVAILABLE, "gone")
            assert caught.value.trailing == failure.trailing
            assert caught.value.unprocessed
            del caught
        del call
        assert kept() is None
    finally:
        gc.enable()
