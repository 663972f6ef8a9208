"""The PROXY protocol, versions 1 and 2: for whom a balancer connects.

https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt. The library parses; stated here is what it leaves
open: that ports are plain digits, that TLVs fill their room exactly, that the checksum is right, and
that a header which tells no address of a client over TCP is no header.
"""

import ipaddress
import re
import struct
from collections.abc import Sequence

from proxyprotocol import ProxyProtocolChecksumError, ProxyProtocolIncompleteError
from proxyprotocol.result import ProxyResult, is_ipv4, is_ipv6
from proxyprotocol.v1 import ProxyProtocolV1
from proxyprotocol.v2 import ProxyProtocolV2

from services.chassis.peer import plain_address

_V1_PREFIX = b"PROXY "
_V1_MAX = 107
"""Bytes of the longest line of version 1 with its end (section 2.1)."""
_V1_LINE = re.compile(
    rb"PROXY (?:TCP4 [0-9.]{7,15} [0-9.]{7,15}|TCP6 [0-9A-Fa-f:.]{2,39} [0-9A-Fa-f:.]{2,39})"
    rb" (?:0|[1-9][0-9]{0,4}) (?:0|[1-9][0-9]{0,4})\r\n"
)
_V2_PREFIX = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_HEAD = 16
_V2_MAX = 4096
"""Bytes of a header of version 2. Balancers send less than 600 (section 2.2); the format allows 65,551."""
_V2_LOCAL = 0x20
_V2_ADDRESSES = {0x11: 12, 0x21: 36}
"""Bytes of the addresses of TCP over IPv4 and over IPv6, by family and transport."""
_CRC32C = 0x03

Address = tuple[str, int]
"""Address and port of a client."""


class ProxyHeaderError(ValueError):
    """What came is no header that tells who the client is. The connection must be closed."""


class Balancers:
    """The networks from which balancers connect."""

    def __init__(self, networks: Sequence[str]) -> None:
        """Know `networks`, in CIDR notation. Raises ValueError."""
        self._networks = tuple(ipaddress.ip_network(each) for each in networks)

    def include(self, address: str) -> bool:
        """Say whether the peer of a socket is a balancer."""
        peer = plain_address(address)
        return any(peer in network for network in self._networks)


class ProxyHeader:
    """One header, as it comes in."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._received = bytearray()
        self.source: Address | None = None
        """The client, once the header is complete; None when the balancer connects for itself, to see whether
        we are there (LOCAL)."""

    def take(self, data: bytes | memoryview) -> bytes | None:
        """Take what came; return what follows the header once it is complete, else None.

        Raises ProxyHeaderError as soon as no header can come of it.
        """
        received = self._received
        received += data
        end = self._end(received)
        if end is None:
            return None
        self.source = _source(bytes(received[:end]))
        return bytes(received[end:])

    def _end(self, received: bytearray) -> int | None:
        """Return where the header ends, None while that is not here yet."""
        if received.startswith(_V1_PREFIX[: len(received)]):
            line = received.find(b"\n", 0, _V1_MAX)
            if line < 0 and len(received) >= _V1_MAX:
                raise ProxyHeaderError("a line of version 1 is too long")
            return line + 1 if line >= 0 else None
        if not received.startswith(_V2_PREFIX[: len(received)]):
            raise ProxyHeaderError("no signature of either version")
        if len(received) < _V2_HEAD:
            return None
        end = _V2_HEAD + int.from_bytes(received[14:16], "big")
        if end > _V2_MAX:
            raise ProxyHeaderError("a header of version 2 is too long")
        return end if len(received) >= end else None


def _source(header: bytes) -> Address | None:
    if header.startswith(_V1_PREFIX):
        # UNKNOWN is refused as well: an address that nobody tells would have to be the balancer's.
        if not _V1_LINE.fullmatch(header):
            raise ProxyHeaderError("a line of version 1 is malformed")
        return _client(_parsed(ProxyProtocolV1(), header))
    if header[12] == _V2_LOCAL:
        # The receiver must use the connection's own addresses, and skip what the header says (section 2.2).
        return None
    addresses = _V2_ADDRESSES.get(header[13])
    if addresses is None or len(header) < _V2_HEAD + addresses:
        raise ProxyHeaderError("a header of version 2 tells no addresses of TCP")
    _check_tlvs(header, _V2_HEAD + addresses)
    return _client(_parsed(ProxyProtocolV2(), header))


def _parsed(protocol: ProxyProtocolV1 | ProxyProtocolV2, header: bytes) -> ProxyResult:
    try:
        return protocol.unpack(header)
    except (ValueError, struct.error, ProxyProtocolIncompleteError, ProxyProtocolChecksumError) as error:
        raise ProxyHeaderError("a header is malformed") from error


def _client(result: ProxyResult) -> Address:
    if not (is_ipv4(result) or is_ipv6(result)):
        raise ProxyHeaderError("a header tells no address of IPv4 or IPv6")
    host, port = result.peername[:2]
    address = plain_address(host)
    if address.is_unspecified or address.is_multicast:
        raise ProxyHeaderError("a header names an address that no client has")
    return str(address), int(port)


def _check_tlvs(header: bytes, at: int) -> None:
    """Raise unless TLVs fill the rest of a header of version 2, and a checksum is right."""
    checksum = None
    while at < len(header):
        if at + 3 > len(header):
            raise ProxyHeaderError("a TLV is cut off")
        kind, length = header[at], int.from_bytes(header[at + 1 : at + 3], "big")
        at += 3
        if at + length > len(header):
            raise ProxyHeaderError("a TLV is longer than its header")
        if kind == _CRC32C:
            if length != 4 or checksum is not None:
                raise ProxyHeaderError("the checksum is not one number of four bytes")
            checksum = at
        at += length
    if checksum is None:
        return
    # The library checks it only together with another one, and in an order of its own.
    unsealed = header[:checksum] + bytes(4) + header[checksum + 4 :]
    if crc32c(unsealed) != int.from_bytes(header[checksum : checksum + 4], "big"):
        raise ProxyHeaderError("the checksum is wrong")


def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            # Castagnoli's polynomial, reflected.
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        found.append(value)
    return tuple(found)


_CRC_TABLE = _table()


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of some bytes (RFC 3720, appendix B.4)."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _CRC_TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF
