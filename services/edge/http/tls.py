"""TLS of the public listener, with little memory for each connection and a place in the count for every one.

asyncio's TLS, uvloop's included, takes a buffer of 256 KiB for each connection before its handshake, reads
as much again ahead of the application, and does not count connections in their handshake. Here all
connections read into one buffer, nothing is read or decrypted that the protocol has no room for, and a
connection counts from the moment it is accepted.
"""

import asyncio
import contextlib
import enum
import ssl
from collections.abc import Callable
from typing import Any, Protocol

from services.edge.config import LimitSettings
from services.edge.domain.proxy_header import Address, Balancers, ProxyHeader, ProxyHeaderError

_READ_BYTES = 32 * 1024
"""Read from a socket at a time, and so the most ciphertext that waits for a paused protocol."""
_RECORD_BYTES = 16 * 1024
"""Plaintext of one TLS record, the most (RFC 8446, section 5.1)."""
_FLUSH_BYTES = 64 * 1024
"""Plaintext that is encrypted before it is handed to the socket."""
_HANDSHAKE_BYTES = 64 * 1024
"""What a client may send for its handshake. One without a certificate needs less than 20 KiB."""
_LINGER_BYTES = 64 * 1024 * 1024
"""What a client may still send when it has its answer: it is thrown away without being decrypted."""


class Served(Protocol):
    """What the layer above has to be: an asyncio.Protocol with deadlines."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take `transport`; the handshake is complete."""

    def data_received(self, data: bytes) -> None:
        """Take at most one record of plaintext."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the transport."""

    def pause_writing(self) -> None:
        """Stop writing: the client reads slowly."""

    def resume_writing(self) -> None:
        """Write on."""

    def overdue(self, now: float) -> bool:
        """Say whether a deadline has passed (`now` on the loop's clock)."""


class _State(enum.Enum):
    PROXY_HEADER = enum.auto()
    """A balancer has connected and has not said for whom."""
    HANDSHAKE = enum.auto()
    OPEN = enum.auto()
    LINGERING = enum.auto()
    """Our side is closed; what the client still sends is thrown away until it closes too."""
    CLOSED = enum.auto()


class TlsConnections:
    """All connections of one listener: what they share, and how many there may be."""

    def __init__(
        self,
        context: ssl.SSLContext,
        serve: Callable[[], Served],
        limits: LimitSettings,
        balancers: Balancers | None = None,
    ) -> None:
        """Serve connections by `serve()`, each under the `context` of its beginning.

        With `balancers` they alone may connect, and say for whom before the handshake begins.
        """
        self.balancers = balancers
        self.context = context
        self.serve = serve
        self.limits = limits
        # The loop fills the buffer and hands it over before it reads from any other socket. Only
        # ciphertext is ever in it.
        self.buffer = memoryview(bytearray(_READ_BYTES))
        self.open: set[TlsConnection] = set()
        self.most = 0
        """The most that were open at a time; whoever reads it may set it back."""
        self._dispensable: dict[TlsConnection, None] = {}

    def accept(self) -> "TlsConnection":
        """Build the connection of a socket that was just accepted."""
        return TlsConnection(self)

    def admit(self, connection: "TlsConnection") -> bool:
        """Count a connection, when need be in the place of the oldest one that is not in use.

        Not in use are connections in their handshake and those that we have closed. An honest handshake
        takes milliseconds, so that those who open connections and say nothing keep each other out.
        """
        if len(self.open) >= self.limits.max_connections:
            oldest = next(iter(self._dispensable), None)
            if oldest is None:
                return False
            oldest.abort()
            self.forget(oldest)
        self.open.add(connection)
        self.most = max(self.most, len(self.open))
        self._dispensable[connection] = None
        return True

    def used(self, connection: "TlsConnection") -> None:
        """Note that a handshake is complete."""
        self._dispensable.pop(connection, None)

    def unused(self, connection: "TlsConnection") -> None:
        """Note that we have closed a connection."""
        self._dispensable[connection] = None

    def forget(self, connection: "TlsConnection") -> None:
        """Stop counting a connection."""
        self.open.discard(connection)
        self._dispensable.pop(connection, None)

    def sweep(self, now: float) -> None:
        """Hang up on every connection whose deadline has passed (`now` on the loop's clock)."""
        for connection in [each for each in self.open if each.overdue(now)]:
            connection.abort()

    def abort_unused(self) -> None:
        """Hang up on clients that have not completed their handshake, or have not closed as we have."""
        for connection in list(self._dispensable):
            connection.abort()

    def abort(self) -> None:
        """Hang up on everybody."""
        for connection in list(self.open):
            connection.abort()


class TlsConnection(asyncio.BufferedProtocol, asyncio.Transport):
    """One connection: the protocol of its socket, and the transport of the protocol above it."""

    def __init__(self, all_of_them: TlsConnections) -> None:
        """Belong to `all_of_them`; counted from `connection_made` on."""
        super().__init__()
        self._all = all_of_them
        self._loop = asyncio.get_running_loop()
        self._state = _State.HANDSHAKE
        self._socket: Any = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        self._served: Served | None = None
        self._header: ProxyHeader | None = None
        self._client: Address | None = None
        self._deadline = 0.0
        self._received = 0
        self._reading_paused = False
        self._writing_paused = False

    # The socket's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake, unless there are too many connections or this one is not a balancer's."""
        self._socket = transport
        balancers = self._all.balancers
        if balancers is not None and not balancers.include(transport.get_extra_info("peername")[0]):
            self.abort()
            return
        if not self._all.admit(self):
            self.abort()
            return
        if balancers is not None:
            self._state, self._header = _State.PROXY_HEADER, ProxyHeader()
            self._deadline = self._loop.time() + self._all.limits.proxy_header_timeout_s
            return
        self._begin_handshake()

    def _begin_handshake(self) -> None:
        self._state = _State.HANDSHAKE
        self._deadline = self._loop.time() + self._all.limits.handshake_timeout_s
        self._tls = self._all.context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Return the buffer that all connections share."""
        return self._all.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        if self._state is _State.OPEN:
            self._incoming.write(self._all.buffer[:nbytes])
            self._decrypt()
            return
        if self._state is _State.PROXY_HEADER:
            self._read_header(self._all.buffer[:nbytes])
            return
        self._received += nbytes
        if self._state is _State.HANDSHAKE:
            if self._received > _HANDSHAKE_BYTES:
                self.abort()
                return
            self._incoming.write(self._all.buffer[:nbytes])
            self._shake_hands()
        elif self._received > _LINGER_BYTES:
            self.abort()

    def eof_received(self) -> None:
        """Let the socket close: a client that sends no more gets no more."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the protocol, and let go of everything."""
        self._all.forget(self)
        self._state = _State.CLOSED
        served, self._served = self._served, None
        if served is not None:
            served.connection_lost(exc)
        self._tls = None
        self._incoming = self._outgoing = ssl.MemoryBIO()

    def pause_writing(self) -> None:
        """Do not read from a client that does not read: whatever it sends can make us answer."""
        self._writing_paused = True
        if self._state is _State.OPEN:
            self._socket.pause_reading()
        if self._served is not None:
            self._served.pause_writing()

    def resume_writing(self) -> None:
        """Read and write on."""
        self._writing_paused = False
        if self._served is not None:
            self._served.resume_writing()
        if self._state is _State.OPEN and not self._reading_paused:
            self._loop.call_soon(self._decrypt)

    def _read_header(self, data: memoryview) -> None:
        """Hear for whom the balancer connects; then the handshake begins, with what came after the header."""
        if self._header is None:
            return
        try:
            rest = self._header.take(data)
        except ProxyHeaderError:
            self.abort()
            return
        if rest is None:
            return
        self._client, self._header = self._header.source, None
        self._begin_handshake()
        if rest:
            self._received = len(rest)
            self._incoming.write(rest)
            self._shake_hands()

    def _shake_hands(self) -> None:
        if self._tls is None:
            return
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLError:
            # The alert says why.
            self._flush()
            self._state = _State.CLOSED
            self._socket.close()
            return
        self._flush()
        self._state = _State.OPEN
        self._all.used(self)
        self._served = self._all.serve()
        self._served.connection_made(self)
        self._decrypt()

    def _decrypt(self) -> None:
        """Give the protocol what it has room for, and read on when it wants more."""
        tls, incoming, served = self._tls, self._incoming, self._served
        if tls is None or served is None:
            return
        try:
            while self._state is _State.OPEN and not self._reading_paused and not self._writing_paused:
                if not incoming.pending and not tls.pending():
                    break
                data = tls.read(_RECORD_BYTES)
                if not data:
                    self.close()
                    return
                served.data_received(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            self._flush()
            self.abort()
            return
        if self._state is not _State.OPEN:
            return
        if self._outgoing.pending:
            # Answers of TLS itself, for example to a change of keys.
            self._flush()
        if self._reading_paused or self._writing_paused:
            self._socket.pause_reading()
        else:
            self._socket.resume_reading()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data and not self._socket.is_closing():
            self._socket.write(data)

    # The protocol's side.

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return "ssl_object", "sslcontext", or what the socket's transport knows.

        "peername" is the client's, also behind a balancer; then there is no "socket", which would tell the
        balancer's.
        """
        if name == "ssl_object":
            return self._tls if self._tls is not None else default
        if name == "sslcontext":
            return self._tls.context if self._tls is not None else default
        if self._client is not None and name in ("peername", "socket"):
            return self._client if name == "peername" else default
        return self._socket.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Whether nothing can be written any more."""
        return self._state is not _State.OPEN

    def is_reading(self) -> bool:
        """Whether the protocol wants data."""
        return self._state is _State.OPEN and not self._reading_paused

    def pause_reading(self) -> None:
        """Decrypt nothing and read nothing until `resume_reading`."""
        self._reading_paused = True
        if self._state is _State.OPEN:
            self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Go on with what waits already, then read."""
        if self._reading_paused:
            self._reading_paused = False
            self._loop.call_soon(self._decrypt)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the client has not taken yet."""
        size: int = self._socket.get_write_buffer_size()
        return size

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send, or buffer what the client does not take yet."""
        if self._tls is None or self._state is not _State.OPEN or not data:
            return
        try:
            written = self._tls.write(data)
            if written < len(data):
                with memoryview(data) as rest:
                    while written < len(data):
                        if self._outgoing.pending >= _FLUSH_BYTES:
                            self._flush()
                        written += self._tls.write(rest[written:])
        except ssl.SSLError:
            self.abort()
            return
        self._flush()

    def close(self) -> None:
        """Send what was written, say that nothing follows, and wait until the client closes too.

        Closing at once while a client still sends would reset the connection, and the client could lose
        the answer that tells it why it was refused.
        """
        if self._state is not _State.OPEN:
            if self._state in (_State.HANDSHAKE, _State.PROXY_HEADER):
                self.abort()
            return
        self._state = _State.LINGERING
        if self._tls is not None:
            # The client's own close_notify is not waited for, and what it sent before is not read.
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
        self._flush()
        self._received = 0
        self._deadline = self._loop.time() + self._all.limits.linger_s
        self._all.unused(self)
        # Neither keys nor buffers are needed any more.
        self._tls = None
        self._incoming = self._outgoing = ssl.MemoryBIO()
        if self._socket.is_closing():
            return
        try:
            self._socket.write_eof()
        except OSError:
            # The client has reset the connection, and the loop has not heard of it yet.
            self.abort()
            return
        self._socket.resume_reading()

    def abort(self) -> None:
        """Hang up, whatever is still to be sent."""
        self._state = _State.CLOSED
        if self._socket is not None:
            self._socket.abort()

    def overdue(self, now: float) -> bool:
        """Say whether the client has had its time for what it has to do (`now` on the loop's clock)."""
        if self._state is _State.OPEN:
            return self._served is not None and self._served.overdue(now)
        if now <= self._deadline:
            return False
        # An answer that is still being read has as long as any.
        return not self.get_write_buffer_size() or now > self._deadline + self._all.limits.slow_reader_s
