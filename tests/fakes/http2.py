"""The other end of an HTTP/2 connection for tests without sockets: the library h2, or raw frames."""

import asyncio
import functools
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import h2.config
import h2.connection
import h2.events
import h2.settings
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from services.chassis.http2 import frames
from services.chassis.http2.budget import Budget
from services.chassis.http2.client import ClientConnection
from services.chassis.http2.frames import FrameReader
from services.chassis.http2.headers import HeaderDecoder, encode_fields
from services.chassis.http2.messages import message
from services.chassis.http2.protocol import Http2Protocol
from services.chassis.http2.server import ServerConnection
from tests.fakes.workloads import Workloads

HEAD = (
    (":method", "POST"),
    (":scheme", "https"),
    (":path", "/s/unary"),
    (":authority", "runtime.craton.internal"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
)
ANSWER = ((":status", "200"), ("content-type", "application/grpc"))
Frame = tuple[int, int, int, bytes]


@functools.cache
def certificate(workload: str = "service/edge") -> bytes:
    """The certificate of a workload (DER)."""
    with tempfile.TemporaryDirectory() as folder:
        pem = Workloads(Path(folder)).tls(workload).certificate.read_bytes()
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


class FakeTransport:
    """Keeps what is written. With `stuck`, nobody reads it."""

    def __init__(self, peer_certificate: bytes | None = None, alpn: str = "h2") -> None:
        self.written = bytearray()
        self.protocol: asyncio.Protocol | None = None
        self.closed = False
        self.reading = True
        self.stuck = False
        self.unsent = 0
        self._info = {
            "peername": ("127.0.0.1", 4711),
            "ssl_object": SimpleNamespace(
                selected_alpn_protocol=lambda: alpn, getpeercert=lambda _binary: peer_certificate
            ),
        }

    def get_extra_info(self, name: str) -> Any:
        return self._info.get(name)

    def write(self, data: bytes) -> None:
        self.written += data
        if self.stuck:
            before, self.unsent = self.unsent, self.unsent + len(data)
            if before <= 2**19 < self.unsent and self.protocol is not None:
                self.protocol.pause_writing()

    def read_again(self) -> None:
        """Let the peer read all that waits."""
        self.stuck, self.unsent = False, 0
        assert self.protocol is not None
        self.protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


class RawPeer:
    """Speaks to one of our ends in frames, and reads its frames."""

    def __init__(self, ours: Http2Protocol, transport: FakeTransport, *, preface: bool) -> None:
        self.ours = ours
        self.transport = transport
        transport.protocol = ours
        self._decoder = HeaderDecoder()
        self._reader = FrameReader(2**24)
        self._skip = 0 if preface else len(frames.PREFACE)
        ours.connection_made(cast(asyncio.Transport, transport))
        self.send((frames.PREFACE if preface else b"") + frames.settings({}))
        self.frames()

    def send(self, *sent: bytes) -> None:
        """Hand bytes to our end."""
        for data in sent:
            self.ours.data_received(data)

    def frames(self) -> list[Frame]:
        """Return the frames that our end has written since the last look."""
        data = bytes(self.transport.written)
        self.transport.written.clear()
        data, self._skip = data[self._skip :], max(0, self._skip - len(data))
        return list(self._reader.feed(data))

    def kinds(self) -> list[int]:
        """Return the kinds of those frames."""
        return [kind for kind, *_ in self.frames()]

    def fields(self, frame: Frame) -> dict[str, str]:
        """Return the fields of a HEADERS frame."""
        return dict(self._decoder.decode(frame[3]))

    def fault(self) -> int | None:
        """Return the error code of our GOAWAY, None without one."""
        codes = [frames.word(payload, 4) for kind, _, _, payload in self.frames() if kind == frames.GOAWAY]
        return codes[-1] if codes else None


class LibraryPeer:
    """The library's end of a connection with one of ours."""

    def __init__(
        self,
        ours: Http2Protocol,
        transport: FakeTransport,
        *,
        client: bool,
        settings: Mapping[int, int] | None = None,
    ) -> None:
        self.ours = ours
        self.transport = transport
        transport.protocol = ours
        self.events: list[Any] = []
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=client, header_encoding="utf-8")
        )
        if settings:
            initial = {**dict(self.h2.local_settings), **settings}
            self.h2.local_settings = h2.settings.Settings(client=client, initial_values=initial)
        self.h2.initiate_connection()
        ours.connection_made(cast(asyncio.Transport, transport))
        self.pump()

    def pump(self) -> list[Any]:
        """Exchange bytes until neither end has any; return the library's events."""
        events: list[Any] = []
        while True:
            to_ours = self.h2.data_to_send()
            if to_ours:
                self.ours.data_received(to_ours)
            from_ours = bytes(self.transport.written)
            self.transport.written.clear()
            if from_ours:
                events += self.h2.receive_data(from_ours)
            if not to_ours and not from_ours:
                self.events += events
                return events

    async def settle(self) -> list[Any]:
        """Pump, with the loop's turns between."""
        events = self.pump()
        for _ in range(6):
            await asyncio.sleep(0)
            events += self.pump()
        return events

    def of(self, kind: type, stream_id: int | None = None) -> list[Any]:
        """Return the events of a kind so far, of one stream or of all."""
        return [
            event
            for event in self.events
            if isinstance(event, kind) and stream_id in (None, getattr(event, "stream_id", None))
        ]

    def body(self, stream_id: int) -> bytes:
        """Return the data that came on a stream."""
        return b"".join(event.data for event in self.of(h2.events.DataReceived, stream_id))

    def send_message(self, stream_id: int, payload: bytes, *, end: bool = False) -> None:
        """Send a message in frames as large as our end allows; the windows must have room."""
        data = message(payload)
        largest = self.h2.max_outbound_frame_size
        for at in range(0, len(data), largest):
            piece = data[at : at + largest]
            self.h2.send_data(stream_id, piece, end_stream=end and at + largest >= len(data))


def client_with(settings: Mapping[int, int] | None = None) -> tuple[ClientConnection, LibraryPeer]:
    """Our client, connected to the library's server."""
    ours = ClientConnection(64 * 1024 * 1024)
    return ours, LibraryPeer(ours, FakeTransport(), client=False, settings=settings)


def raw_server_of() -> tuple[ClientConnection, RawPeer]:
    """Our client, connected to a server that speaks in frames."""
    ours = ClientConnection(64 * 1024 * 1024)
    return ours, RawPeer(ours, FakeTransport(), preface=False)


def handler(method: Callable[..., Any], *, streaming: bool = False) -> Any:
    """A handler as the server factory makes them."""
    return SimpleNamespace(
        request_streaming=False,
        response_streaming=streaming,
        unary_unary=None if streaming else method,
        unary_stream=method if streaming else None,
    )


class Serving:
    """Our server's end, with what it shares with others of its listener."""

    def __init__(self, limit: int = 2**29, connections: int = 256, largest: int = 26_000_000) -> None:
        self.handlers: dict[str, Any] = {}
        self.budget = Budget(limit, connections)
        self.open: set[ServerConnection] = set()
        self.unknown: list[Any] = []
        self._largest = largest

    def accept(self) -> ServerConnection:
        """Make the protocol of a new connection."""
        return ServerConnection(self.handlers, self.budget, self._largest, self.open, self.unknown.append)

    def raw(self, workload: str = "service/edge") -> RawPeer:
        """Connect a client that speaks in frames."""
        return RawPeer(self.accept(), FakeTransport(certificate(workload)), preface=True)

    def library(self, settings: Mapping[int, int] | None = None) -> LibraryPeer:
        """Connect the library's client."""
        return LibraryPeer(self.accept(), FakeTransport(certificate()), client=True, settings=settings)


def request(stream_id: int, payload: bytes | None = b"x", *extra: tuple[str, str], end: bool = True) -> bytes:
    """Return the frames of a request; without payload the header block alone."""
    flags = frames.END_HEADERS | (frames.END_STREAM if payload is None and end else 0)
    sent = frames.frame(frames.HEADERS, flags, stream_id, encode_fields((*HEAD, *extra)))
    if payload is not None:
        flags = frames.END_STREAM if end else 0
        sent += frames.frame(frames.DATA, flags, stream_id, message(payload))
    return sent
