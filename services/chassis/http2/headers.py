"""Header blocks of gRPC calls (RFC 7541; gRPC over HTTP/2: PROTOCOL-HTTP2.md of gRPC)."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

from hpack import Decoder, HPACKError
from hpack.table import HeaderTable

from services.chassis.http2.frames import COMPRESSION_ERROR, ENHANCE_YOUR_CALM, ConnectionFault

MAX_HEADER_BYTES = 16 * 1024
"""Of a whole header block, compressed as well as not."""

_CACHED_BLOCKS = 64
_CACHED_BYTES = 256
"""Longer blocks carry tokens or the like, and do not come twice."""
_STATIC = [("", ""), *((name.decode(), value.decode()) for name, value in HeaderTable.STATIC_TABLE)]
_STATIC_FIELDS = len(_STATIC) - 1
_FIELD_BYTES = 64
"""What a field counts at most beyond what stands of it in the block (RFC 7541, section 4.1): 32 bytes, and
as many as the longest entry of the static table has."""
_LENGTH_BITS = 21
_SMALLEST_MULTIBYTE = 0x7F
_SIZE_UPDATE_MASK, _SIZE_UPDATE = 0xE0, 0x20
_LARGEST_TIMEOUT = 10**8
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
    return b"\x83\x87" + encode_fields(fields)


def encode_fields(fields: Iterable[tuple[str, str]]) -> bytes:
    """Encode fields without touching the dynamic table, so that blocks can be kept and sent again."""
    return b"".join(_literal(name, value) for name, value in fields)


def timeout_field(seconds: float) -> bytes:
    """Return the header field that tells the server the call's deadline."""
    microseconds = max(1, int(seconds * 1e6))
    if microseconds < _LARGEST_TIMEOUT:
        value = f"{microseconds}u"
    elif microseconds < _LARGEST_TIMEOUT * 1000:
        value = f"{microseconds // 1000}m"
    else:
        value = f"{min(microseconds // 10**6, _LARGEST_TIMEOUT - 1)}S"
    return _literal("grpc-timeout", value)


def _literal(name: str, value: str) -> bytes:
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
    """Decodes the header blocks of one connection, in order.

    We ask the peer not to use a dynamic table. A block that neither reads nor changes one means the same
    whenever it comes: one of plain literals is read here, and of the others those that were decoded
    before are known. Everything else is the library's.
    """

    def __init__(self) -> None:
        """Start with an empty table."""
        self._decoder = Decoder(MAX_HEADER_BYTES)
        self._known: dict[bytes, list[tuple[str, str]]] = {}

    def decode(self, block: bytes) -> list[tuple[str, str]]:
        """Return the fields of a block, in order. Raises ConnectionFault."""
        if len(block) > MAX_HEADER_BYTES:
            raise ConnectionFault(ENHANCE_YOUR_CALM, "a header block is too long")
        known = self._known.get(block)
        if known is not None:
            return known
        table = self._decoder.header_table
        fields = _plain(block, table.maxsize == 0)
        if fields is not None:
            return fields
        empty = not table.dynamic_entries
        try:
            decoded = self._decoder.decode(block)
        except HPACKError as error:
            raise ConnectionFault(COMPRESSION_ERROR, "a header block cannot be decoded") from error
        fields = [(str(name), str(value)) for name, value in decoded]
        resized = block[:1] and block[0] & _SIZE_UPDATE_MASK == _SIZE_UPDATE
        # A block can read the table and then empty it, with an entry that has no room: hence also `empty`.
        if resized or not empty or table.dynamic_entries:
            self._known.clear()
        elif len(self._known) < _CACHED_BLOCKS and len(block) < _CACHED_BYTES:
            self._known[block] = fields
        return fields


def _plain(block: bytes, no_table: bool) -> list[tuple[str, str]] | None:
    """Read a block of static indices and of literals that are not Huffman-coded, else return None.

    With `no_table`, the dynamic table has room for nothing, and a literal that asks to be put there is one
    like any other.
    """
    fields: list[tuple[str, str]] = []
    at, size = 0, len(block)
    try:
        while at < size:
            kind = block[at]
            at += 1
            if kind & 0x80:
                if not 0 < kind & 0x7F <= _STATIC_FIELDS:
                    return None
                fields.append(_STATIC[kind & 0x7F])
                continue
            if kind & 0x40:
                if not no_table:
                    return None
                index, full = kind & 0x3F, 0x3F
            elif kind & 0x20:
                return None  # a change of the table's size
            else:
                index, full = kind & 0x0F, 0x0F
            if index == 0:
                length = block[at]
                if length >= _SMALLEST_MULTIBYTE:
                    return None
                name = block[at + 1 : at + 1 + length].decode("ascii")
                at += 1 + length
            else:
                if index == full:
                    index += block[at]
                    at += 1
                if index > _STATIC_FIELDS:
                    return None
                name = _STATIC[index][0]
            length = block[at]
            at += 1
            if length >= _SMALLEST_MULTIBYTE:
                if length & 0x80 or length > _SMALLEST_MULTIBYTE:
                    return None
                shift = 0
                while True:
                    more = block[at]
                    at += 1
                    length += (more & 0x7F) << shift
                    shift += 7
                    if more < 0x80:
                        break
                    if shift > _LENGTH_BITS:
                        return None
            end = at + length
            if end > size:
                return None
            fields.append((name, block[at:end].decode("ascii")))
            at = end
    except (IndexError, UnicodeDecodeError):
        return None  # the library says what is wrong with it
    # Where the list may be too long, the library counts exactly.
    return fields if size + _FIELD_BYTES * len(fields) <= MAX_HEADER_BYTES else None


def percent_decoded(value: str) -> str:
    """Return the text of a grpc-message field."""
    return unquote_to_bytes(value).decode("utf-8", "replace")


def metadata(fields: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str | bytes]]:
    """Yield what gRPC calls metadata: fields that are none of HTTP/2's own, binary ones decoded."""
    for name, value in fields:
        if name[:1] != ":":
            yield name, _binary(value) if name.endswith("-bin") else value


def _binary(value: str) -> bytes:
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        return b""
