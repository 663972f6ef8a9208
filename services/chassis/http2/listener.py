"""A listener for workloads: mutual TLS 1.3, certificates renewed without a restart, a drain at the end."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from services.chassis.http2.budget import Budget
from services.chassis.http2.server import ServerConnection
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
_CONNECTIONS = 256
"""How many connections one workload may have."""
_POLL_S = 0.02

_log = Log("http2")


class Http2Listener:
    """Serves unary and server-streaming handlers by full method name."""

    def __init__(
        self,
        listen: str,
        tls: TlsSettings,
        handlers: Mapping[str, Any],
        max_message: int,
        unknown: Callable[[Any], None],
    ) -> None:
        """Name what is served on host:port; nothing is opened before `start`.

        `unknown` is told of calls that no handler takes.
        """
        self.port = 0
        self._host, _, port = listen.rpartition(":")
        self._port = int(port)
        self._tls = tls
        self._handlers = handlers
        self._max_message = max_message
        self._unknown = unknown
        self._budget = Budget(_REQUEST_BYTES, _CONNECTIONS)
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
            lambda: ServerConnection(
                self._handlers, self._budget, self._max_message, self._connections, self._unknown
            ),
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
                await self._renew()
            now = asyncio.get_running_loop().time()
            for connection in list(self._connections):
                silence = now - connection.heard
                if silence > 2 * _SILENT_S:
                    connection.close()
                elif silence > _SILENT_S:
                    connection.ping()

    async def _renew(self) -> None:
        try:
            context = server_context(self._tls)
        except (OSError, ssl.SSLError):
            # Replaced again since the watcher read them, which it will notice.
            _log.warning("certificate_not_renewed")
            return
        await self._listen(context)
        _log.info("certificate_renewed")

    async def stop(self, drain_s: float) -> None:
        """Stop accepting, let calls in progress end for at most `drain_s` seconds, then hang up."""
        if self._server is not None:
            self._server.close()
        if self._socket is not None:
            self._socket.close()
        await self._poll(self._idle, drain_s)
        tasks = [task for connection in self._connections for task in connection.tasks]
        await self._poll(self._closed, 2 * _CLOSE_S)
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_S)

    def _idle(self) -> bool:
        """Say whether no call is in progress and no answer on its way; allow no new ones."""
        for connection in list(self._connections):
            connection.drain()
        return not any(connection.busy for connection in self._connections)

    def _closed(self) -> bool:
        for connection in list(self._connections):
            connection.close()
        return not self._connections

    async def _poll(self, done: Callable[[], bool], limit_s: float) -> None:
        """Wait until `done`, for at most `limit_s` seconds.

        It looks at the connections anew each time: a handshake that was in progress becomes one.
        """
        until = asyncio.get_running_loop().time() + limit_s
        while not done() and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110 - done by nobody in particular
            await asyncio.sleep(_POLL_S)
