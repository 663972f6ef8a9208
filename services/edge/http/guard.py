"""uvicorn's HTTP/1.1 protocol with the limits that it lacks.

By itself it waits for ever for the rest of a header, accepts headers of a megabyte, and lets a client leave
its answer unread. One sweep over all connections enforces the deadlines, so that a request costs no timer.
"""

import json
from asyncio import Task, Transport
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from services.edge.config import LimitSettings

MAX_HEADERS = 256
"""Header lines in one request: each costs an object."""


class _JoiningWriter:
    """Writes a response's head together with what follows it: one TLS record and one system call less."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes) -> None:
        """Hold a final head, which a body always follows at once; send everything else."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1"):
            self._head = data
            return
        self._transport.write(data)

    def close(self) -> None:
        """Send what is held, then close."""
        if self._head:
            self.write(b"")
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection is closed or closing."""
        return self._transport.is_closing()


class GuardedProtocol(HttpToolsProtocol):
    """One client connection."""

    tls: tuple[str, str] = ("", "")
    """TLS version and cipher suite, for example ("TLSv1.3", "TLS_AES_256_GCM_SHA384")."""
    serving: "Task[Any] | None" = None
    """The task that works for this client: it is cancelled when the client goes away."""

    def __init__(self, config: Config, state: ServerState, limits: LimitSettings) -> None:
        """Build the protocol of a connection that is about to be made."""
        super().__init__(config=config, server_state=state, app_state={})
        self._limits = limits
        self._deadline: float | None = None
        self._paused_at: float | None = None
        self._in_headers = True
        self._header_bytes = 0
        self._read_bytes = 0
        self._refusal = 400

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the header deadline, or refuse when there are too many connections."""
        super().connection_made(transport)
        self._writer: Any = _JoiningWriter(transport)
        if len(self.connections) > self._limits.max_connections:
            transport.abort()
            return
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            cipher = tls.cipher()
            self.tls = (tls.version() or "", cipher[0] if cipher else "")
        self._deadline = self.loop.time() + self._limits.header_timeout_s

    def connection_lost(self, exc: Exception | None) -> None:
        """End the work that is done for this client."""
        self._deadline = self._paused_at = None
        super().connection_lost(exc)
        if self.serving is not None:
            self.serving.cancel()

    def data_received(self, data: bytes) -> None:
        """Count header bytes, then parse."""
        self._read_bytes = len(data)
        if self._in_headers:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._in_headers and self._header_bytes > self._limits.max_header_bytes:
            self._refusal = 431
            self.send_400_response("Request header fields too large")

    def on_message_begin(self) -> None:
        """Start the header deadline of a further request."""
        super().on_message_begin()
        self.scope["craton.connection"] = self  # type: ignore[typeddict-unknown-key]
        self._in_headers = True
        self._header_bytes = self._read_bytes
        self._deadline = self.loop.time() + self._limits.header_timeout_s

    def on_headers_complete(self) -> None:
        """Refuse headers above the cap; else give the body its time."""
        self._in_headers = False
        # What was read may hold a part of the body, so that a precise count is made only when it matters.
        if len(self.headers) > MAX_HEADERS or (
            self._header_bytes > self._limits.max_header_bytes
            and len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            > self._limits.max_header_bytes
        ):
            self._refusal = 431
            raise ValueError("header fields too large")
        self._deadline = self.loop.time() + self._limits.body_timeout_s
        super().on_headers_complete()
        self.cycle.transport = self._writer

    def on_message_complete(self) -> None:
        """The request is read: only its answer can take time now."""
        super().on_message_complete()
        self._deadline = None

    def pause_writing(self) -> None:
        """The client does not read as fast as we write."""
        super().pause_writing()
        if self._paused_at is None:
            self._paused_at = self.loop.time()

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._paused_at = None

    def overdue(self, now: float) -> bool:
        """Say whether a deadline of this connection has passed (`now` on the loop's clock)."""
        if self._deadline is not None and now > self._deadline:
            return True
        return self._paused_at is not None and now > self._paused_at + self._limits.slow_reader_s

    def hang_up(self) -> None:
        """Close at once, whatever is still to be sent; what is closing already ends by itself."""
        if not self.transport.is_closing():
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP in AWS's form, and hang up."""
        if self.transport.is_closing():
            return
        body = json.dumps({"message": msg}).encode()
        self.transport.write(
            STATUS_LINE[self._refusal] + b"content-type: application/json\r\n"
            b"x-amzn-errortype: BadRequestException\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()
