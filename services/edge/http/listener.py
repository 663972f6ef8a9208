"""HTTPS listeners: the public one, and private ones."""

import asyncio
import contextlib
import ssl
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from services.chassis.logs import Log
from services.chassis.settings import CertificateSettings
from services.edge.config import LimitSettings
from services.edge.domain.proxy_header import Balancers
from services.edge.http.guard import GuardedProtocol
from services.edge.http.tls import TlsConnections

_SWEEP_S = 0.25
_CERTIFICATE_S = 5.0
_BACKLOG = 1024
_CLOSING_S = 1.0
"""How long clients may take to answer our close before the process ends."""

_log = Log("listener")


def tls_context(certificate: CertificateSettings) -> ssl.SSLContext:
    """Build the context of a listener: TLS 1.2 and up, no client certificate. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate.certificate, certificate.private_key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def fair_time(now: float, due: float) -> float:
    """Return the time by which clients are judged in a sweep that was due at `due`.

    While the loop itself stood still, because the machine did, what clients sent has not been read: they
    get that time back, or a pause of some seconds would hang up on everybody.
    """
    return now - max(0.0, now - due)


class Listener:
    """Serves an ASGI application over HTTPS and takes new certificates into use without a restart."""

    def __init__(
        self,
        app: Any,
        listen: str,
        certificate: CertificateSettings,
        limits: LimitSettings,
        *,
        name: str = "",
        balancers: tuple[str, ...] = (),
    ) -> None:
        """Name what is served; nothing is opened before `start`.

        Whoever is accepted came in by the listener of this `name`, empty for the public one, whatever it
        sends. Behind `balancers` (networks) the PROXY protocol says who it is.
        """
        self.name = name
        self.port = 0
        self._balancers = Balancers(balancers) if balancers else None
        self._host, self._port = listen.rsplit(":", 1)
        self._certificate = certificate
        self._limits = limits
        self._state = ServerState()
        self._config = uvicorn.Config(
            app,
            http=GuardedProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            proxy_headers=False,
            server_header=False,
            date_header=False,
            access_log=False,
            log_config=None,
        )
        self._server: asyncio.Server | None = None
        self._connections: TlsConnections | None = None
        self._stamp: tuple[int, ...] = ()

    @property
    def connections(self) -> int:
        """Open connections, those in their handshake included."""
        return 0 if self._connections is None else len(self._connections.open)

    def storm_is_over(self, least: int) -> bool:
        """Say, once, that `least` connections or more were open and half of them have gone."""
        connections = self._connections
        if connections is None or connections.most < least or len(connections.open) > connections.most // 2:
            return False
        connections.most = len(connections.open)
        return True

    async def start(self) -> None:
        """Listen. Raises OSError when the address or the certificate cannot be used."""
        self._config.load()
        self._stamp = self._certificate_stamp()
        # Every handshake takes the newest context: replacing an object is atomic, reloading one is not.
        self._connections = TlsConnections(
            tls_context(self._certificate),
            lambda: GuardedProtocol(self._config, self._state, self._limits, self.name),
            self._limits,
            self._balancers,
        )
        self._server = await asyncio.get_running_loop().create_server(
            self._connections.accept, self._host, int(self._port), backlog=_BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def watch(self) -> None:
        """Enforce deadlines and look for new certificates, for ever."""
        loop = asyncio.get_running_loop()
        look_at = loop.time() + _CERTIFICATE_S
        due = loop.time() + _SWEEP_S
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = loop.time()
            if self._connections is not None:
                self._connections.sweep(fair_time(now, due))
            due = now + _SWEEP_S
            if now >= look_at:
                look_at = now + _CERTIFICATE_S
                self.renew()

    def renew(self) -> None:
        """Take changed certificate files into use, once they fit together."""
        try:
            stamp = self._certificate_stamp()
            if stamp == self._stamp:
                return
            context = tls_context(self._certificate)
        except (OSError, ssl.SSLError):
            # Being replaced, or wrong: the old ones serve on, and the next look decides.
            return
        self._stamp = stamp
        if self._connections is not None:
            self._connections.context = context
        _log.info("certificate_renewed")

    def _certificate_stamp(self) -> tuple[int, ...]:
        files = (self._certificate.certificate, self._certificate.private_key)
        return tuple(number for path in files for number in (path.stat().st_mtime_ns, path.stat().st_ino))

    async def stop(self) -> None:
        """Stop listening, let answers in progress end, then hang up."""
        if self._server is None or self._connections is None:
            return
        self._server.close()
        self._connections.abort_unused()
        refused = {each for each in self._connections.open if each.is_closing()}
        for connection in list(self._state.connections):
            connection.shutdown()
        # Those between two requests: whoever asks next has taken the last answer.
        idle = {each for each in self._connections.open if each.is_closing()} - refused
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.drain_s):
                while self._state.tasks:
                    await asyncio.wait(list(self._state.tasks))
        for task in list(self._state.tasks):
            task.cancel()
        if self._state.tasks:
            await asyncio.wait(list(self._state.tasks), timeout=1.0)
        # Answers have been written, but not all of them may have been taken yet.
        for _ in range(100):
            if not any(each not in idle or each.get_write_buffer_size() for each in self._connections.open):
                break
            await asyncio.sleep(_CLOSING_S / 100)
        self._connections.abort()
        await self._server.wait_closed()
