"""Connections to Redis: TLS 1.3, the server verified by name, the service's own ACL user."""

import ssl
from collections.abc import Mapping
from typing import Any

import redis.asyncio
from redis.asyncio.connection import SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services.chassis.secret import SecretBytes
from services.chassis.settings import RedisSettings


class _NamedConnection(SSLConnection):
    """A TLS connection that verifies a name instead of the address it dials."""

    def __init__(self, *, server_name: str, **options: Any) -> None:
        super().__init__(**options)
        self._server_name = server_name

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {**super()._connection_arguments(), "server_hostname": self._server_name}


def connection_pool(
    settings: RedisSettings, *, connect_timeout_s: float, timeout_s: float | None, **options: Any
) -> "redis.asyncio.ConnectionPool":
    """Return a pool that connects lazily and never retries by itself: callers know what a retry means.

    Raises OSError when the password file cannot be read.
    """
    return redis.asyncio.ConnectionPool(
        connection_class=_NamedConnection,
        server_name=settings.server_name,
        host=settings.host,
        port=settings.port,
        username=settings.username,
        password=SecretBytes.from_file(settings.password_file).reveal().decode(),
        ssl_ca_certs=str(settings.ca),
        ssl_min_version=ssl.TLSVersion.TLSv1_3,
        socket_connect_timeout=connect_timeout_s,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        **options,
    )
