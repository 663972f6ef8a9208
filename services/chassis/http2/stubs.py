"""What generated stubs call: looks like gRPC's own callables and fails like them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from services.chassis.http2.call import Call
from services.chassis.http2.status import RpcError

_Start = Callable[[str, bytes, float | None, Iterable[tuple[str, str]]], Awaitable[Call]]
_ATTEMPTS = 2
"""A call that the server said it had not begun is made once more, as gRPC does."""


class _Callable:
    def __init__(self, start: _Start, method: str, serialize: Any, deserialize: Any) -> None:
        """Call `method` by `start`; without serialisers messages are bytes."""
        self._start = start
        self._method = method
        self._serialize = serialize or bytes
        self._deserialize = deserialize or bytes

    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
        wait_for_ready: bool | None = None,  # noqa: ARG002 - part of what stubs pass; calls fail fast here
    ) -> Any:
        """Return the call, to await or to iterate over; it is made then."""
        return self._run(self._serialize(request), timeout, metadata)

    def _run(self, request: bytes, timeout: float | None, metadata: Any) -> Any:
        raise NotImplementedError

    async def begin(self, request: bytes, timeout: float | None, metadata: Any) -> tuple[Call, bytes | None]:
        """Start a call and return it with its first message. Raises RpcError."""
        for attempt in range(1, _ATTEMPTS + 1):
            call = await self._start(self._method, request, timeout, metadata)
            try:
                return call, await call.read()
            except RpcError as error:
                if not error.unprocessed or attempt == _ATTEMPTS:
                    raise
            except BaseException:
                call.cancel()
                raise
        raise AssertionError  # the loop above returns or raises


class UnaryCallable(_Callable):
    """Calls a unary method."""

    async def _run(self, request: bytes, timeout: float | None, metadata: Any) -> Any:
        try:
            call, first = await self.begin(request, timeout, metadata)
            try:
                # The status comes after the message: only with it is the answer one.
                if first is None or await call.read() is not None:
                    raise RpcError(StatusCode.INTERNAL, "an answer is exactly one message")
            finally:
                call.cancel()
        except RpcError as error:
            raise rpc_error(error) from None
        return self._deserialize(first)


class StreamCallable(_Callable):
    """Calls a server-streaming method."""

    def _run(self, request: bytes, timeout: float | None, metadata: Any) -> "_Stream":
        return _Stream(self, request, timeout, metadata, self._deserialize)


class _Stream:
    """The messages of one answer. Leaving the iteration early cancels the call."""

    def __init__(
        self, callable_: StreamCallable, request: bytes, timeout: float | None, metadata: Any, parse: Any
    ) -> None:
        self._callable = callable_
        self._arguments = (request, timeout, metadata)
        self._parse = parse
        self._call: Call | None = None

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            self._call, message = await self._callable.begin(*self._arguments)
            while message is not None:
                yield self._parse(message)
                message = await self._call.read()
        except RpcError as error:
            raise rpc_error(error) from None
        finally:
            self.cancel()

    def cancel(self) -> None:
        """End the call, unless it has ended."""
        if self._call is not None:
            self._call.cancel()


def rpc_error(error: RpcError) -> AioRpcError:
    """Return what gRPC's own stubs would raise."""
    return AioRpcError(error.code, Metadata(), Metadata(*error.trailing), error.details, None)
