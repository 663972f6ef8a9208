"""Header blocks of gRPC calls (RFC 7541; gRPC over HTTP/2: PROTOCOL-HTTP2.md of gRPC)."""

from urllib.parse import unquote_to_bytes

from hpack import Decoder, HPACKError

from services.chassis.http2.frames import COMPRESSION_ERROR, ConnectionFault

MAX_HEADER_BYTES = 16 * 1024
"""Of a whole header block, compressed as well as not."""

_CACHED_BLOCKS = 64
_SMALLEST_MULTIBYTE = 0x7F
_SIZE_UPDATE_MASK, _SIZE_UPDATE = 0xE0, 0x20
_MICROSECONDS = 10**8
"""grpc-timeout has at most eight digits."""


def request_head(authority: str, path: str) -> bytes:
    """Return the part of a request's header block that is the same for every call of a method."""
    fields = (
        (":authority", authority),
        (":path", path),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "craton"),
    )
    # 0x83 and 0x87 stand in the static table for POST and https.
    return b"\x83\x87" + b"".join(_literal(name, value) for name, value in fields)


def timeout_field(seconds: float) -> bytes:
    """Return the header field that tells the server the call's deadline."""
    microseconds = max(1, int(seconds * 1e6))
    value = f"{microseconds}u" if microseconds < _MICROSECONDS else f"{microseconds // 1000}m"
    return _literal("grpc-timeout", value)


def _literal(name: str, value: str) -> bytes:
    """Encode a field without touching the dynamic table, so that blocks can be kept and sent again."""
    return b"\x00" + _string(name.encode()) + _string(value.encode())


def _string(text: bytes) -> bytes:
    size = len(text)
    if size < _SMALLEST_MULTIBYTE:
        return bytes((size,)) + text
    encoded, size = bytearray((_SMALLEST_MULTIBYTE,)), size - _SMALLEST_MULTIBYTE
    while size >= 0x80:
        encoded.append(size & 0x7F | 0x80)
        size >>= 7
    encoded.append(size)
    return bytes(encoded) + text


class HeaderDecoder:
    """Decodes the header blocks of one connection, in order."""

    def __init__(self) -> None:
        """Start with an empty table."""
        self._decoder = Decoder(MAX_HEADER_BYTES)
        self._known: dict[bytes, list[tuple[str, str]]] = {}

    def decode(self, block: bytes) -> list[tuple[str, str]]:
        """Return the fields of a block, in order. Raises ConnectionFault.

        We ask the peer not to use a dynamic table. As long as it has none, a block means the same whenever
        it comes, and what was decoded once is kept: almost all blocks of gRPC servers are alike.
        """
        known = self._known.get(block)
        if known is not None:
            return known
        try:
            decoded = self._decoder.decode(block)
        except HPACKError as error:
            raise ConnectionFault(COMPRESSION_ERROR, "a header block cannot be decoded") from error
        fields = [(str(name), str(value)) for name, value in decoded]
        resized = block[:1] and block[0] & _SIZE_UPDATE_MASK == _SIZE_UPDATE
        if resized or self._decoder.header_table.dynamic_entries:
            self._known.clear()
        elif len(self._known) < _CACHED_BLOCKS:
            self._known[block] = fields
        return fields


def percent_decoded(value: str) -> str:
    """Return the text of a grpc-message field."""
    return unquote_to_bytes(value).decode("utf-8", "replace")
