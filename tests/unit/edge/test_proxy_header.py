"""The PROXY protocol: what is taken for a client's address, and what for nothing at all."""

import random
import struct
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from socket import SOCK_STREAM

import pytest
from proxyprotocol.result import ProxyResultIPv4, ProxyResultIPv6
from proxyprotocol.v1 import ProxyProtocolV1
from proxyprotocol.v2 import ProxyProtocolV2

from services.edge.domain.proxy_header import Address, Balancers, ProxyHeader, ProxyHeaderError, crc32c

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
IPV4 = bytes([192, 0, 2, 7, 198, 51, 100, 1]) + struct.pack("!HH", 4711, 443)
IPV6 = bytes.fromhex("20010db8" + "00" * 11 + "07" + "20010db8" + "00" * 11 + "01") + struct.pack(
    "!HH", 4711, 443
)
HELLO = b"\x16\x03\x01 and so on"


def header(
    addresses: bytes = IPV4, tlvs: bytes = b"", command: int = 0x21, family: int = 0x11, length: int = -1
) -> bytes:
    size = len(addresses) + len(tlvs) if length < 0 else length
    return SIGNATURE + struct.pack("!BBH", command, family, size) + addresses + tlvs


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


def sealed(*tlvs: bytes) -> bytes:
    """A header with a right checksum at the place of the TLV b"crc"."""
    blank = tlv(0x03, bytes(4))
    whole = header(tlvs=b"".join(blank if each == b"crc" else each for each in tlvs))
    at = whole.index(blank) + 3
    return whole[:at] + struct.pack("!L", crc32c(whole)) + whole[at + 4 :]


def read(pieces: Iterable[bytes]) -> tuple[Address | None, bytes]:
    reader, rest = ProxyHeader(), None
    for piece in pieces:
        if rest is not None:
            rest += piece
        else:
            rest = reader.take(piece)
    assert rest is not None, "the header is not complete"
    return reader.source, rest


@pytest.mark.parametrize(
    ("sent", "source"),
    [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n", ("192.0.2.7", 4711)),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", ("2001:db8::7", 4711)),
        (b"PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 4711 443\r\n", ("192.0.2.7", 4711)),
        (b"PROXY TCP6 2001:DB8:0::7 ::ffff:198.51.100.1 0 65535\r\n", ("2001:db8::7", 0)),
        (header(), ("192.0.2.7", 4711)),
        (header(IPV6, family=0x21), ("2001:db8::7", 4711)),
        (header(tlvs=tlv(0x04, bytes(300)) + tlv(0xEA, b"\x01vpce-0123456789abcdef0")), ("192.0.2.7", 4711)),
        (header(tlvs=tlv(0x01, b"h2") + tlv(0x02, b"other.example")), ("192.0.2.7", 4711)),
        (sealed(b"crc"), ("192.0.2.7", 4711)),
        (sealed(tlv(0x05, b"id"), b"crc", tlv(0x01, b"h2"), tlv(0x04, b"")), ("192.0.2.7", 4711)),
        (header(b"", command=0x20, family=0x00), None),
        (header(IPV4, command=0x20), None),
        (header(b"", tlv(0x04, bytes(9)), command=0x20, family=0x00), None),
    ],
)
def test_what_is_read(sent: bytes, source: Address | None) -> None:
    assert read([sent]) == (source, b"")
    assert read([sent + HELLO]) == (source, HELLO)
    assert read([bytes([byte]) for byte in sent + HELLO]) == (source, HELLO)


@pytest.mark.parametrize(
    "sent",
    [
        HELLO,
        b"GET / HTTP/1.1\r\n",
        b"PROXX",
        b"proxy TCP4 192.0.2.7 198.51.100.1 4711 443\r\n",
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN 192.0.2.7 198.51.100.1 4711 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n",
        b"PROXY TCP4  192.0.2.7 198.51.100.1 4711 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443 \r\n",
        b"PROXY TCP4 192.0.2.07 198.51.100.1 4711 443\r\n",
        b"PROXY TCP4 192.0.2.256 198.51.100.1 4711 443\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 4711 443\r\n",
        b"PROXY TCP6 192.0.2.7 198.51.100.1 4711 443\r\n",
        b"PROXY TCP6 fe80::1%eth0 2001:db8::1 4711 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 +4711 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 04711 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 4_711 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
        b"PROXY TCP4 0.0.0.0 198.51.100.1 4711 443\r\n",
        b"PROXY TCP4 224.0.0.1 198.51.100.1 4711 443\r\n",
        b"PROXY TCP6 ::ffff:0.0.0.0 2001:db8::1 4711 443\r\n",
        b"PROXY TCP6 ::ffff:e000:1 2001:db8::1 4711 443\r\n",
        header(bytes(10) + b"\xff\xff" + bytes(4) + bytes(20), family=0x21),
        b"PROXY TCP5 192.0.2.7 198.51.100.1 4711 443\r\n",
        b"PROXY " + b"x" * 101,
        b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 " + b"4" * 100,
        SIGNATURE[:11] + b"\x0b" + header()[12:],
        header(command=0x11),
        header(command=0x31),
        header(command=0x22),
        header(command=0x2F),
        header(b"", family=0x00),
        header(family=0x00),
        header(family=0x10),
        header(family=0x12),
        header(IPV6, family=0x22),
        header(bytes(216), family=0x31),
        header(family=0x41),
        header(family=0xFF),
        header(IPV4[:11]),
        header(IPV4, family=0x21),
        header(b""),
        header(tlvs=b"\x04"),
        header(tlvs=b"\x04\x00"),
        header(tlvs=b"\x04\x00\x01"),
        header(tlvs=tlv(0x04, b"x") + b"\x01\xff\xffh2"),
        header(tlvs=tlv(0x03, bytes(4))),
        header(tlvs=tlv(0x03, bytes(3))),
        header(tlvs=tlv(0x03, b"")),
        sealed(b"crc")[:-1] + b"!",
        sealed(b"crc", tlv(0x03, bytes(4))),
        header(bytes(4) + IPV4[4:]),
        header(b"\xff" * 16 + IPV6[16:], family=0x21),
    ],
)
def test_what_is_refused(sent: bytes) -> None:
    for pieces in ([sent], [bytes([byte]) for byte in sent]):
        with pytest.raises(ProxyHeaderError):
            read([*pieces, HELLO])


def test_a_length_beyond_the_cap_is_refused_before_it_is_waited_for() -> None:
    reader = ProxyHeader()
    with pytest.raises(ProxyHeaderError, match="too long"):
        reader.take(header(length=4081))
    assert ProxyHeader().take(header(length=4080)) is None


def test_nothing_is_decided_while_a_header_may_still_come() -> None:
    for whole in (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n", header(tlvs=tlv(0x04, bytes(64)))):
        for length in range(1, len(whole)):
            assert ProxyHeader().take(whole[:length]) is None


def test_no_changed_bit_of_a_sealed_header_makes_another_client() -> None:
    whole = sealed(tlv(0x05, b"identification"), b"crc")
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        reader = ProxyHeader()
        try:
            rest = reader.take(bytes(changed))
        except ProxyHeaderError:
            continue
        # What is left: a longer header, the balancer's own connection, or one that has no checksum any more.
        assert rest is None or reader.source in (None, ("192.0.2.7", 4711))
        assert reader.source is not None or rest is None or bit == 8 * 12


def test_random_bytes_name_nobody() -> None:
    source = random.Random(20261121)
    for _ in range(20_000):
        start = source.choice((b"", b"PROXY ", SIGNATURE, SIGNATURE + b"\x21", SIGNATURE + b"\x21\x11\x00"))
        reader = ProxyHeader()
        try:
            rest = reader.take(start + source.randbytes(source.randrange(120)))
        except ProxyHeaderError:
            continue
        assert rest is None or start.startswith(SIGNATURE)


def test_what_the_library_writes_is_read() -> None:
    four, six = (
        ProxyResultIPv4(
            (IPv4Address("192.0.2.7"), 4711), (IPv4Address("198.51.100.1"), 443), protocol=SOCK_STREAM
        ),
        ProxyResultIPv6(
            (IPv6Address("2001:db8::7"), 4711), (IPv6Address("2001:db8::1"), 443), protocol=SOCK_STREAM
        ),
    )
    for protocol in (ProxyProtocolV1(), ProxyProtocolV2()):
        for result in (four, six):
            source, rest = read([protocol.pack(result)])
            assert (source, rest) == (result.peername[:2], b"")


def test_the_checksum_is_that_of_the_standard() -> None:
    # RFC 3720, appendix B.4.
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"123456789") == 0xE3069283


def test_balancers_are_networks() -> None:
    balancers = Balancers(("10.0.4.0/28", "2001:db8:1::/64"))
    assert balancers.include("10.0.4.15")
    assert not balancers.include("10.0.4.16")
    assert balancers.include("::ffff:10.0.4.1")
    assert balancers.include("2001:db8:1::9")
    assert not balancers.include("2001:db8:2::9")
    with pytest.raises(ValueError, match="host bits"):
        Balancers(("10.0.4.1/28",))
