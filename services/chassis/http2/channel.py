"""A channel to one gRPC server behind a UNIX socket: connects when needed, and again when it was lost."""

import asyncio
import ssl
import time

from grpc import StatusCode

from services.chassis.http2.call import Call
from services.chassis.http2.client import ClientConnection
from services.chassis.http2.headers import request_head, timeout_field
from services.chassis.http2.messages import message
from services.chassis.http2.status import RpcError, unavailable

_CONNECT_S = 5.0
_PAUSE_S = 0.1
"""After a connection could not be made, calls fail at once for this long."""


class UnixChannel:
    """Calls methods of the server at a UNIX socket, over TLS with client certificate."""

    def __init__(self, path: str, context: ssl.SSLContext, server_name: str, *, largest_message: int) -> None:
        """Connect lazily; `server_name` is the DNS SAN that the server's certificate must have."""
        self._path = path
        self._context = context
        self._server_name = server_name
        self._largest = largest_message
        self._connection: ClientConnection | None = None
        self._connecting = asyncio.Lock()
        self._failed_at = float("-inf")
        self._heads: dict[str, bytes] = {}
        self._closed = False

    async def call(self, method: str, request: bytes, timeout_s: float) -> Call:
        """Send `request`, a serialised message, to the full `method` name and return the call.

        Raises RpcError: UNAVAILABLE without a server, DEADLINE_EXCEEDED without time, RESOURCE_EXHAUSTED.
        """
        if timeout_s <= 0:
            raise RpcError(StatusCode.DEADLINE_EXCEEDED, "no time is left")
        if len(request) > self._largest:
            raise RpcError(StatusCode.RESOURCE_EXHAUSTED, "the request is too long")
        connection = self._connection
        if connection is None or not connection.usable:
            connection = await self._connected(min(timeout_s, _CONNECT_S))
        head = self._heads.get(method)
        if head is None:
            head = self._heads[method] = request_head(self._server_name, method)
        return connection.start(head + timeout_field(timeout_s), message(request), timeout_s)

    def close(self) -> None:
        """Hang up for good; calls in progress fail."""
        self._closed = True
        if self._connection is not None:
            self._connection.close()

    async def _connected(self, timeout_s: float) -> ClientConnection:
        async with self._connecting:
            if self._connection is not None and self._connection.usable:
                return self._connection
            if self._closed or time.monotonic() - self._failed_at < _PAUSE_S:
                raise unavailable("there is no connection")
            loop = asyncio.get_running_loop()
            try:
                async with asyncio.timeout(timeout_s):
                    _, connection = await loop.create_unix_connection(
                        lambda: ClientConnection(self._largest),
                        self._path,
                        ssl=self._context,
                        server_hostname=self._server_name,
                    )
            except (OSError, TimeoutError) as error:
                self._failed_at = time.monotonic()
                raise unavailable(f"no connection: {type(error).__name__}") from error
            self._connection = connection
            return connection
