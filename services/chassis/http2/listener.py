"""A listener for workloads: mutual TLS 1.3, certificates renewed without a restart, a drain at the end."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import Any

from services.chassis.http2.server import Budget, ServerConnection
from services.chassis.logs import Log
from services.chassis.settings import TlsSettings
from services.chassis.tls import CertificateWatcher, server_context

_BACKLOG = 1024
_HANDSHAKE_S = 10.0
_LOOK_S = 5.0
"""How often certificate files and silent clients are looked at."""
_SILENT_S = 30.0
"""A client that was silent for as long is asked whether it is there, and after twice as long let go."""
_REQUEST_BYTES = 512 * 1024 * 1024
_CLOSE_S = 1.0

_log = Log("http2")


class Http2Listener:
    """Serves unary and server-streaming handlers by full method name."""

    def __init__(self, listen: str, tls: TlsSettings, handlers: Mapping[str, Any], max_message: int) -> None:
        """Name what is served on host:port; nothing is opened before `start`."""
        self.port = 0
        self._host, _, port = listen.rpartition(":")
        self._port = int(port)
        self._tls = tls
        self._handlers = handlers
        self._max_message = max_message
        self._budget = Budget(_REQUEST_BYTES)
        self._connections: set[ServerConnection] = set()
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._watcher: CertificateWatcher | None = None

    async def start(self) -> None:
        """Listen. Raises OSError when the address or the certificate cannot be used."""
        self._watcher = CertificateWatcher(self._tls)
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._socket = socket.create_server(
            (self._host.strip("[]"), self._port), family=family, backlog=_BACKLOG
        )
        self.port = self._socket.getsockname()[1]
        await self._listen(server_context(self._tls))

    async def _listen(self, context: ssl.SSLContext) -> None:
        """Accept with `context` from now on. Connections that were accepted before stay."""
        assert self._socket is not None  # noqa: S101 - narrowing for the type checker
        previous = self._server
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: ServerConnection(self._handlers, self._budget, self._max_message, self._connections),
            sock=self._socket.dup(),
            backlog=_BACKLOG,
            ssl=context,
            ssl_handshake_timeout=_HANDSHAKE_S,
            ssl_shutdown_timeout=_CLOSE_S,
        )
        if previous is not None:
            previous.close()

    async def watch(self) -> None:
        """Take new certificates into use and let silent clients go, for ever."""
        assert self._watcher is not None  # noqa: S101 - narrowing for the type checker
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._watcher.poll() is not None:
                await self._listen(server_context(self._tls))
                _log.info("certificate_renewed")
            now = asyncio.get_running_loop().time()
            for connection in list(self._connections):
                silence = now - connection.heard
                if silence > 2 * _SILENT_S:
                    connection.close()
                elif silence > _SILENT_S:
                    connection.ping()

    async def stop(self, drain_s: float) -> None:
        """Stop accepting, let calls in progress end for at most `drain_s` seconds, then hang up."""
        if self._server is not None:
            self._server.close()
        if self._socket is not None:
            self._socket.close()
        for connection in list(self._connections):
            connection.drain()
        connections = list(self._connections)
        await _idle(connections, drain_s)
        for connection in connections:
            connection.close()
        await _idle(connections, _CLOSE_S)


async def _idle(connections: list[ServerConnection], limit_s: float) -> None:
    """Wait until no call is in progress, for at most `limit_s` seconds."""
    tasks = [task for connection in connections for task in connection.tasks]
    if tasks:
        await asyncio.wait(tasks, timeout=limit_s)
