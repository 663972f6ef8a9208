"""Connections to Redis: TLS 1.3, the server verified by name, the service's own ACL user."""

import contextlib
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import redis.asyncio
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services.chassis.secret import SecretBytes
from services.chassis.settings import RedisSettings
from services.chassis.tls import trusting


class _Trust:
    """Who may be Redis: whoever our own CA has certified, and nobody whom the system trusts besides.

    The context is made once, and again when the CA's file has changed: redis-py's own would load all
    certificates of the system for each connection, a tenth of a second in which the event loop stands still.
    """

    def __init__(self, ca: Path) -> None:
        self._ca = ca
        self._stamp: tuple[int, int] | None = None
        self._context: ssl.SSLContext

    def context(self) -> ssl.SSLContext:
        """Raises OSError and ssl.SSLError when the CA's file cannot be used."""
        seen = self._ca.stat()
        stamp = seen.st_mtime_ns, seen.st_ino
        if stamp != self._stamp:
            self._context = trusting(self._ca)
            self._stamp = stamp
        return self._context


class _NamedConnection(Connection):
    """A TLS connection that verifies a name instead of the address it dials."""

    def __init__(self, *, trust: _Trust, server_name: str, **options: Any) -> None:
        super().__init__(**options)
        self._trust = trust
        self._server_name = server_name

    async def disconnect(self, *arguments: Any, **options: Any) -> None:
        """Hang up, and be done with it.

        redis-py may leave before TLS has said goodbye, and a Redis that hangs would keep the socket open for
        half a minute.
        """
        writer = self._writer
        try:
            await super().disconnect(*arguments, **options)
        finally:
            if writer is not None:
                # Python 3.11.2 raises AttributeError when the connection is over already.
                with contextlib.suppress(AttributeError):
                    writer.transport.abort()

    def _connection_arguments(self) -> Mapping[str, Any]:
        tls = {"ssl": self._trust.context(), "server_hostname": self._server_name}
        return {**super()._connection_arguments(), **tls}


def connection_pool(
    settings: RedisSettings,
    *,
    connect_timeout_s: float,
    timeout_s: float | None,
    max_connections: int,
    **options: Any,
) -> "redis.asyncio.ConnectionPool":
    """Return a pool that connects lazily and never retries by itself: callers know what a retry means.

    Whoever finds all connections in use waits for one, `connect_timeout_s` at most. Raises OSError when the
    password file cannot be read.
    """
    return redis.asyncio.BlockingConnectionPool(
        max_connections=max_connections,
        timeout=connect_timeout_s,
        connection_class=_NamedConnection,
        trust=_Trust(settings.ca),
        server_name=settings.server_name,
        host=settings.host,
        port=settings.port,
        username=settings.username,
        password=SecretBytes.from_file(settings.password_file).reveal().decode(),
        socket_connect_timeout=connect_timeout_s,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        **options,
    )
