"""uvicorn's HTTP/1.1 protocol with the limits that it lacks.

By itself it waits for ever for the rest of a header, accepts headers of a megabyte, and lets a client leave
its answer unread. One sweep over all connections enforces the deadlines, so that a request costs no timer.
"""

import enum
import json
from asyncio import Task, Transport
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from services.edge.config import LimitSettings

MAX_HEADERS = 256
"""Header lines in one request: each costs an object."""
MAX_PIPELINED = 8
"""Requests that wait for the answer to an earlier one: each costs as much as a request that is served."""


class _Phase(enum.Enum):
    IDLE = enum.auto()
    """Between requests: nothing of the next one is here."""
    HEADERS = enum.auto()
    BODY = enum.auto()


class _JoiningWriter:
    """Writes a response's head together with what follows it: one TLS record and one system call less."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes) -> None:
        """Hold a final head, after which something is always written at once, if only b""; send all else.

        That is so for every answer but those to HEAD: they are not written here.
        """
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

    def __init__(self, config: Config, state: ServerState, limits: LimitSettings, listener: str = "") -> None:
        """Build the protocol of a connection that is about to be made, on the private `listener` if any."""
        super().__init__(config=config, server_state=state, app_state={})
        self.listener = listener
        self._limits = limits
        self._deadline: float | None = None
        self._paused_at: float | None = None
        self._phase = _Phase.IDLE
        self._overhead = 0
        self._read_bytes = 0
        self._refusal = 400

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the header deadline."""
        super().connection_made(transport)
        self._writer: Any = _JoiningWriter(transport)
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
        # Whatever leads back here would keep what the client sent until the collector comes by, which is
        # long after a thousand clients have left.
        self.pipeline.clear()
        self.cycle = self.scope = self.headers = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Count what is neither body nor idle, then parse."""
        self._read_bytes = len(data)
        self._overhead += len(data)
        super().data_received(data)
        if self._overhead > self._limits.max_header_bytes and self._phase is not _Phase.IDLE:
            # Header fields, or between pieces of a body the sizes, extensions and trailers of chunks.
            self._refusal = 431 if self._phase is _Phase.HEADERS else 400
            self.send_400_response("Request header fields too large")

    def on_message_begin(self) -> None:
        """Start the header deadline of a further request."""
        super().on_message_begin()
        self.scope["craton.connection"] = self  # type: ignore[typeddict-unknown-key]
        self._phase = _Phase.HEADERS
        self._overhead = self._read_bytes
        self._deadline = self.loop.time() + self._limits.header_timeout_s

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, not too many of them, and no trailer: those would pass for headers."""
        if self._phase is not _Phase.HEADERS:
            raise ValueError("trailer fields are not supported")
        if len(self.headers) >= MAX_HEADERS:
            self._refusal = 431
            raise ValueError("too many header fields")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Refuse headers above the cap; else give the body its time."""
        # What was read may hold a part of the body, so that a precise count is made only when it matters.
        if (
            self._overhead > self._limits.max_header_bytes
            and len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            > self._limits.max_header_bytes
        ):
            self._refusal = 431
            raise ValueError("header fields too large")
        if self.parser.should_upgrade():
            # What follows would not be parsed as HTTP; no client of AWS asks for it.
            raise ValueError("no other protocol is spoken here")
        _check_framing(self.parser.get_http_version(), self.headers)
        if len(self.pipeline) >= MAX_PIPELINED:
            raise ValueError("too many requests at a time")
        self._phase = _Phase.BODY
        self._overhead = 0
        waiting = self.cycle is not None and not self.cycle.response_complete
        super().on_headers_complete()
        # Nothing is ever written after the head of an answer to HEAD, so that nothing could release it.
        self.cycle.transport = self.transport if self.scope["method"] == "HEAD" else self._writer
        # A request that waits for the answer to another is not read on, and has no deadline until its turn.
        self._deadline = None if waiting else self.loop.time() + self._limits.body_timeout_s

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._overhead = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is read: only its answer can take time now."""
        super().on_message_complete()
        self._phase = _Phase.IDLE
        self._deadline = None
        if self.cycle.response_complete:
            self._idle()

    def answering(self) -> None:
        """Note that an answer is about to be sent.

        Before the end of the request it is the last one on this connection: a client that waits for
        "100 Continue" may not send the body at all, and its next request must not be taken for one; and
        what it does send need not be decrypted.
        """
        if self.cycle is not None and self.cycle.more_body:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """Begin with the next request, or wait for one: the sweep ends what idles, not a timer."""
        if self.transport.is_closing():
            return
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            self._deadline = self.loop.time() + self._limits.body_timeout_s if cycle.more_body else None
        elif self._phase is _Phase.IDLE:
            self._idle()
        self.flow.resume_reading()

    def _idle(self) -> None:
        self._deadline = self.loop.time() + self._limits.keep_alive_s

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

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP in AWS's form, and hang up."""
        if self.transport.is_closing():
            return
        if self._answer_is_due_elsewhere():
            # An answer now would be taken for the one to an earlier request.
            self.transport.abort()
            return
        body = json.dumps({"message": msg}).encode()
        self.transport.write(
            STATUS_LINE[self._refusal] + b"content-type: application/json\r\n"
            b"x-amzn-errortype: BadRequestException\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()

    def _answer_is_due_elsewhere(self) -> bool:
        cycle = self.cycle
        if cycle is None:
            return False
        if self._phase is _Phase.BODY:
            return bool(self.pipeline) or cycle.response_started
        return not cycle.response_complete


def _check_framing(version: str, headers: list[tuple[bytes, bytes]]) -> None:
    """Refuse what a proxy in front could read differently, beyond what the parser refuses by itself.

    RFC 9112: exactly one Host (section 3.2), no coding but chunked, and none in HTTP/1.0 (section 6.1).
    """
    if version not in ("1.0", "1.1"):
        raise ValueError("HTTP/1.1 is spoken here")
    hosts = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding" and (version == "1.0" or value.lower() != b"chunked"):
            raise ValueError("no transfer coding but chunked is known")
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        raise ValueError("exactly one Host is needed")
