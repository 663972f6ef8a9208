"""A channel to one gRPC server: connects when needed, and again when the connection was lost."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

from grpc import StatusCode

from services.chassis.http2.call import Call
from services.chassis.http2.client import ClientConnection
from services.chassis.http2.headers import encode_fields, request_head, timeout_field
from services.chassis.http2.messages import message
from services.chassis.http2.status import RpcError, unavailable
from services.chassis.http2.stubs import StreamCallable, UnaryCallable

_CONNECT_S = 5.0
_PAUSE_S = 0.1
"""After a connection could not be made, calls fail at once for this long."""
_LEAST_S = 0.001
_CLOSE_S = 1.0
_UNIX = "unix:"


class Http2Channel:
    """Calls methods of the server at a target, over TLS with client certificate."""

    def __init__(
        self, target: str, context: ssl.SSLContext, server_name: str, *, largest_message: int
    ) -> None:
        """Connect lazily to `target`, host:port or unix:path.

        `server_name` is the DNS SAN that the server's certificate must have. Messages of both directions
        have at most `largest_message` bytes.
        """
        self._target = target
        self._context = context
        self._server_name = server_name
        self._largest = largest_message
        self._connection: ClientConnection | None = None
        self._connecting: asyncio.Task[ClientConnection | None] | None = None
        self._failed_at = float("-inf")
        self._heads: dict[str, bytes] = {}
        self._closed = False

    async def call(
        self, method: str, request: bytes, timeout_s: float | None, metadata: Iterable[tuple[str, str]] = ()
    ) -> Call:
        """Send `request`, a serialised message, to the full `method` name and return the call.

        Raises RpcError: UNAVAILABLE without a server, DEADLINE_EXCEEDED without time, RESOURCE_EXHAUSTED.
        """
        if timeout_s is not None and timeout_s <= 0:
            raise RpcError(StatusCode.DEADLINE_EXCEEDED, "no time is left")
        if len(request) > self._largest:
            raise RpcError(StatusCode.RESOURCE_EXHAUSTED, "the request is too long")
        connection = self._connection
        if connection is None or not connection.usable:
            began = time.monotonic()
            connection = await self._connected(timeout_s)
            if timeout_s is not None:
                timeout_s = max(timeout_s - (time.monotonic() - began), _LEAST_S)
        head = self._heads.get(method)
        if head is None:
            head = self._heads[method] = request_head(self._server_name, method)
        if timeout_s is not None:
            head += timeout_field(timeout_s)
        if metadata:
            head += encode_fields(metadata)
        return connection.start(head, message(request), timeout_s)

    def unary_unary(
        self, method: str, request_serializer: Any = None, response_deserializer: Any = None, **_hints: Any
    ) -> UnaryCallable:
        """Return a callable for a unary method, as generated stubs ask for it, hints and all."""
        return UnaryCallable(self.call, method, request_serializer, response_deserializer)

    def unary_stream(
        self, method: str, request_serializer: Any = None, response_deserializer: Any = None, **_hints: Any
    ) -> StreamCallable:
        """Return a callable for a server-streaming method, as generated stubs ask for it, hints and all."""
        return StreamCallable(self.call, method, request_serializer, response_deserializer)

    async def close(self, grace_s: float | None = None) -> None:
        """Hang up for good; calls in progress may go on for `grace_s` seconds.

        Returns when its socket is closed. A server that does not answer TLS' goodbye is not waited for long.
        """
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait((self._connecting,))
        if self._connection is not None:
            await self._connection.idle(grace_s or 0.0)
            await self._connection.close(2 * _CLOSE_S)

    async def _connected(self, timeout_s: float | None) -> ClientConnection:
        """Wait for a connection. All calls wait for the same attempt, each for as long as it has time."""
        if self._connecting is None:
            if self._closed or time.monotonic() - self._failed_at < _PAUSE_S:
                raise unavailable("there is no connection")
            self._connecting = asyncio.get_running_loop().create_task(self._attempt())
        attempt = self._connecting
        await asyncio.wait((attempt,), timeout=timeout_s)
        if not attempt.done():
            raise RpcError(StatusCode.DEADLINE_EXCEEDED, "there was no connection in time")
        connection = None if attempt.cancelled() else attempt.result()
        if connection is None:
            raise unavailable("no connection could be made")
        return connection

    async def _attempt(self) -> ClientConnection | None:
        try:
            async with asyncio.timeout(_CONNECT_S):
                self._connection = await self._connect(lambda: ClientConnection(self._largest))
        except (OSError, TimeoutError):
            self._failed_at = time.monotonic()
            return None
        finally:
            self._connecting = None
        return self._connection

    async def _connect(self, build: Callable[[], ClientConnection]) -> ClientConnection:
        loop = asyncio.get_running_loop()
        options: Any = {
            "ssl": self._context,
            "server_hostname": self._server_name,
            "ssl_shutdown_timeout": _CLOSE_S,
        }
        if self._target.startswith(_UNIX):
            _, connection = await loop.create_unix_connection(
                build, self._target.removeprefix(_UNIX), **options
            )
        else:
            host, _, port = self._target.rpartition(":")
            _, connection = await loop.create_connection(build, host.strip("[]"), int(port), **options)
        return connection
