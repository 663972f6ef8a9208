"""TLS over a socket that only remembers: what is read, kept, thrown away and counted."""

import asyncio
import errno
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.pki.authority import LeafRequest
from services.edge.config import CertificateSettings, LimitSettings
from services.edge.http.listener import tls_context
from services.edge.http.tls import TlsConnection, TlsConnections
from tests.fakes.workloads import Workloads

LIMITS = LimitSettings(max_connections=3, handshake_timeout_s=5.0, linger_s=10.0, slow_reader_s=30.0)


class Socket(asyncio.Transport):
    """The transport of a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.unsent = 0
        self.reading = True
        self.eof = self.aborted = self.closed = self.reset = False

    def write(self, data: Any) -> None:
        assert not self.eof
        self.sent += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write_eof(self) -> None:
        if self.reset:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
        self.eof = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 1) if name == "peername" else default


class Served(asyncio.Protocol):
    """The protocol above: keeps what it gets, and pauses when it has `room` bytes."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.data = b""
        self.pieces: list[int] = []
        self.room = 10**9
        self.lost = self.late = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.pieces.append(len(data))
        if len(self.data) >= self.room:
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def overdue(self, now: float) -> bool:
        return self.late


class Peer:
    """One client with its connection on the other side."""

    def __init__(self, connections: TlsConnections, ca: Path) -> None:
        self.connection = connections.accept()
        self.socket = Socket()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=str(ca))
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.connection.connection_made(self.socket)
        self.unread = b""

    @property
    def served(self) -> Served:
        assert isinstance(self.connection._served, Served)
        return self.connection._served

    def carry(self) -> None:
        """Carry to the connection what the socket may read, and back what was sent."""
        self.unread += self.outgoing.read()
        while self.unread and self.socket.reading and not self.socket.is_closing():
            room = self.connection.get_buffer(-1)
            part, self.unread = self.unread[: len(room)], self.unread[len(room) :]
            room[: len(part)] = part
            self.connection.buffer_updated(len(part))
        self.incoming.write(self.socket.sent)
        self.socket.sent = b""

    def shake_hands(self) -> "Peer":
        for _ in range(4):
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.carry()
        self.carry()
        return self

    def send(self, data: bytes) -> None:
        written = 0
        while written < len(data):
            written += self.tls.write(data[written:])
        self.carry()

    def receive(self) -> bytes:
        self.carry()
        data = b""
        try:
            while part := self.tls.read(1 << 20):
                data += part
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            pass
        return data


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[CertificateSettings, Path]:
    folder = tmp_path_factory.mktemp("tls")
    workloads = Workloads(folder)
    settings = CertificateSettings(folder / "tls.crt", folder / "tls.key")
    issued = workloads.authority.issue(
        LeafRequest("localhost", ["localhost"], timedelta(hours=1), client=False), datetime.now(UTC)
    )
    settings.private_key.write_bytes(issued.private_key)
    settings.certificate.write_bytes(issued.certificate)
    return settings, workloads.tls("service/edge").ca


@pytest.fixture
def connections(certificate: tuple[CertificateSettings, Path]) -> TlsConnections:
    return TlsConnections(tls_context(certificate[0]), Served, LIMITS)


@pytest.fixture
def peer(connections: TlsConnections, certificate: tuple[CertificateSettings, Path]) -> Callable[[], Peer]:
    return lambda: Peer(connections, certificate[1])


async def _settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_both_ways(peer: Callable[[], Peer]) -> None:
    one = peer().shake_hands()
    request, answer = b"q" * 100_000, bytes(range(256)) * 4000
    one.send(request)
    one.served.transport.write(answer)
    assert one.served.data == request
    assert max(one.served.pieces) <= 16384
    assert one.receive() == answer
    info = one.served.transport.get_extra_info
    assert info("ssl_object").version() == "TLSv1.3"
    assert info("sslcontext") is not None
    assert info("peername") == ("192.0.2.1", 1)


async def test_nothing_is_read_for_a_protocol_without_room(peer: Callable[[], Peer]) -> None:
    one = peer().shake_hands()
    one.served.room = 40_000
    one.send(b"x" * 500_000)
    assert not one.socket.reading
    assert len(one.served.data) < 40_000 + 16384
    assert one.connection._incoming.pending <= len(one.connection.get_buffer(-1))
    assert len(one.unread) > 400_000, "the rest stays where it is"
    one.served.room = 10**9
    one.served.transport.resume_reading()
    await _settle()
    one.carry()
    assert one.served.data == b"x" * 500_000


async def test_nothing_is_read_from_a_client_that_does_not_read(peer: Callable[[], Peer]) -> None:
    one = peer().shake_hands()
    one.connection.pause_writing()
    one.send(b"question")
    assert not one.socket.reading
    assert not one.served.data
    one.connection.resume_writing()
    await _settle()
    one.carry()
    assert len(one.served.data) == len(b"question")


async def test_all_connections_share_one_buffer(peer: Callable[[], Peer]) -> None:
    one, two = peer().shake_hands(), peer().shake_hands()
    assert one.connection.get_buffer(-1) is two.connection.get_buffer(-1)
    for number in range(3):
        one.send(b"a%d" % number)
        two.send(b"b%d" % number)
    assert (one.served.data, two.served.data) == (b"a0a1a2", b"b0b1b2")


async def test_closing_waits_for_a_client_that_still_sends(
    peer: Callable[[], Peer], connections: TlsConnections
) -> None:
    one = peer().shake_hands()
    served = one.served
    now = asyncio.get_running_loop().time()
    served.transport.write(b"refused")
    served.transport.close()
    served.transport.write(b"never")
    assert served.transport.is_closing()
    assert one.socket.eof
    assert not one.socket.is_closing()
    one.send(b"x" * 1_000_000)
    assert served.data == b""
    assert one.receive() == b"refused"
    assert not one.connection.overdue(now + 9)
    assert one.connection.overdue(now + 11)
    one.socket.unsent = 1
    assert not one.connection.overdue(now + 11), "the answer is still being read"
    assert one.connection.overdue(now + 41)
    one.connection.connection_lost(None)
    assert served.lost
    assert not connections.open


async def test_closing_what_the_client_has_reset(peer: Callable[[], Peer]) -> None:
    one = peer().shake_hands()
    one.socket.reset = True
    one.served.transport.close()
    assert one.socket.aborted


async def test_closing_does_not_wait_for_everything(peer: Callable[[], Peer]) -> None:
    one = peer().shake_hands()
    one.served.transport.close()
    for _ in range(2049):
        one.connection.buffer_updated(32 * 1024)
    assert one.socket.aborted


async def test_the_clients_close_closes(peer: Callable[[], Peer]) -> None:
    one = peer().shake_hands()
    with pytest.raises(ssl.SSLWantReadError):
        one.tls.unwrap()
    one.carry()
    assert one.socket.eof
    assert one.served.transport.is_closing()


async def test_what_is_not_tls_is_told_so(peer: Callable[[], Peer]) -> None:
    one = peer()
    one.unread = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    one.carry()
    assert one.socket.closed
    one.connection.connection_lost(None)


async def test_a_broken_record_hangs_up(peer: Callable[[], Peer]) -> None:
    one = peer().shake_hands()
    one.unread = b"\x17\x03\x03\x00\x20" + b"\0" * 32
    one.carry()
    assert one.socket.aborted
    assert not one.served.data


async def test_a_handshake_has_its_time_and_its_size(peer: Callable[[], Peer]) -> None:
    one, now = peer(), asyncio.get_running_loop().time()
    assert not one.connection.overdue(now + 4)
    assert one.connection.overdue(now + 6)
    # Warnings of TLS 1.2 that a server ignores are the way to say much and nothing.
    one.connection._tls = None
    for _ in range(3):
        one.connection.buffer_updated(32 * 1024)
    assert one.socket.aborted


async def test_connections_are_counted_from_their_first_packet(
    peer: Callable[[], Peer], connections: TlsConnections
) -> None:
    silent = [peer() for _ in range(3)]
    assert len(connections.open) == 3
    honest = peer().shake_hands()
    assert silent[0].socket.aborted, "the oldest handshake makes room"
    assert not silent[1].socket.aborted
    assert len(connections.open) == 3
    others = [peer().shake_hands() for _ in range(2)]
    assert silent[1].socket.aborted
    assert silent[2].socket.aborted
    late = peer()
    assert late.socket.aborted, "nobody who is served makes room"
    assert not any(each.socket.aborted for each in (honest, *others))
    honest.served.transport.close()
    assert not peer().socket.aborted
    assert honest.socket.aborted, "whoever is only waited for does"
    assert len(connections.open) == 3


async def test_the_most_connections_are_remembered(
    peer: Callable[[], Peer], connections: TlsConnections
) -> None:
    for each in [peer() for _ in range(3)]:
        each.connection.connection_lost(None)
    assert (connections.most, len(connections.open)) == (3, 0)


async def test_the_sweep_asks_the_protocol(peer: Callable[[], Peer], connections: TlsConnections) -> None:
    one, two = peer().shake_hands(), peer().shake_hands()
    one.served.late = True
    connections.sweep(asyncio.get_running_loop().time())
    assert one.socket.aborted
    assert not two.socket.aborted


def test_it_is_a_protocol_that_brings_its_buffer() -> None:
    assert issubclass(TlsConnection, asyncio.BufferedProtocol)
    assert not issubclass(TlsConnection, asyncio.Protocol), "the loop would call data_received"
