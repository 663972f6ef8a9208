"""Connections behind a balancer: what comes before the handshake, and from whom."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from services.edge.config import CertificateSettings
from services.edge.domain.proxy_header import Balancers
from services.edge.http.listener import tls_context
from services.edge.http.tls import TlsConnections
from tests.unit.edge.test_tls import LIMITS, Peer, Served, certificate  # noqa: F401 (a fixture of what follows)

HEADER = b"PROXY TCP4 198.51.100.9 192.0.2.2 4711 443\r\n"


Issued = tuple[CertificateSettings, Path]


@pytest.fixture
def issued(request: pytest.FixtureRequest) -> Issued:
    """The certificate of a listener, and the CA that clients trust."""
    found: Issued = request.getfixturevalue("certificate")
    return found


@pytest.fixture
def connections(issued: Issued) -> TlsConnections:
    return TlsConnections(tls_context(issued[0]), Served, LIMITS, Balancers(("192.0.2.0/24",)))


@pytest.fixture
def ca(issued: Issued) -> Path:
    return issued[1]


def feed(peer: Peer, data: bytes) -> None:
    """Hand bytes to the connection as its socket would, whatever they are."""
    if peer.socket.is_closing():
        return
    room = peer.connection.get_buffer(-1)
    room[: len(data)] = data
    peer.connection.buffer_updated(len(data))


async def test_the_client_is_whom_the_balancer_names(connections: TlsConnections, ca: Path) -> None:
    peer = Peer(connections, ca)
    feed(peer, HEADER)
    peer.shake_hands()
    transport = peer.served.transport
    assert transport.get_extra_info("peername") == ("198.51.100.9", 4711)
    assert transport.get_extra_info("socket") is None
    peer.send(b"request")
    assert peer.served.data == b"request"


async def test_header_and_hello_may_come_together_or_byte_by_byte(
    connections: TlsConnections, ca: Path
) -> None:
    together = Peer(connections, ca)
    with pytest.raises(ssl.SSLWantReadError):
        together.tls.do_handshake()
    feed(together, HEADER + together.outgoing.read())
    together.incoming.write(together.socket.sent)
    together.socket.sent = b""
    together.shake_hands()
    assert together.served.transport.get_extra_info("peername") == ("198.51.100.9", 4711)

    slowly = Peer(connections, ca)
    for byte in HEADER:
        feed(slowly, bytes([byte]))
    slowly.shake_hands()
    assert slowly.served.transport.get_extra_info("peername") == ("198.51.100.9", 4711)


async def test_a_balancers_own_connection_has_its_own_address(connections: TlsConnections, ca: Path) -> None:
    peer = Peer(connections, ca)
    feed(peer, b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00")
    peer.shake_hands()
    assert peer.served.transport.get_extra_info("peername") == ("192.0.2.1", 1)


async def test_without_a_header_there_is_no_handshake(connections: TlsConnections, ca: Path) -> None:
    peer = Peer(connections, ca)
    peer.shake_hands()
    assert peer.socket.aborted
    assert peer.connection._served is None


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"PROXY UNKNOWN\r\n", b"\x00" * 600])
async def test_garbage_is_hung_up_on(connections: TlsConnections, ca: Path, garbage: bytes) -> None:
    peer = Peer(connections, ca)
    feed(peer, garbage)
    assert peer.socket.aborted
    # What the loop may still hand over changes nothing.
    room = peer.connection.get_buffer(-1)
    room[: len(HEADER)] = HEADER
    peer.connection.buffer_updated(len(HEADER))
    assert peer.connection._served is None


async def test_a_header_has_its_own_deadline(connections: TlsConnections, ca: Path) -> None:
    peer = Peer(connections, ca)
    feed(peer, HEADER[:10])
    now = asyncio.get_running_loop().time()
    connections.sweep(now + LIMITS.proxy_header_timeout_s - 0.5)
    assert not peer.socket.aborted
    connections.sweep(now + LIMITS.proxy_header_timeout_s + 0.5)
    assert peer.socket.aborted


async def test_connections_without_a_header_make_room(connections: TlsConnections, ca: Path) -> None:
    silent = [Peer(connections, ca) for _ in range(LIMITS.max_connections)]
    one = Peer(connections, ca)
    assert silent[0].socket.aborted
    feed(one, HEADER)
    one.shake_hands()
    assert one.served.transport is not None


async def test_nobody_else_may_connect(issued: Issued, ca: Path) -> None:
    elsewhere = TlsConnections(tls_context(issued[0]), Served, LIMITS, Balancers(("192.0.3.0/24",)))
    peer = Peer(elsewhere, ca)
    assert peer.socket.aborted
    assert not elsewhere.open
    feed(peer, HEADER)
    assert peer.connection._served is None


async def test_elsewhere_a_header_is_no_hello(issued: Issued, ca: Path) -> None:
    public: Any = TlsConnections(tls_context(issued[0]), Served, LIMITS)
    peer = Peer(public, ca)
    feed(peer, HEADER)
    assert peer.socket.closed
    assert peer.connection._served is None
