"""HTTP/2 frames: reading and writing them (RFC 9113, sections 4 and 6)."""

import struct
from collections.abc import Iterator

from services.chassis.http2.pieces import Pieces

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0x0, 0x1, 0x2, 0x3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = 0x5, 0x6, 0x7, 0x8, 0x9
ENHANCE_YOUR_CALM, INADEQUATE_SECURITY = 0xB, 0xC

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 1, 2, 3, 4, 5
MAX_HEADER_LIST_SIZE = 6

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DEFAULT_WINDOW = 65_535
DEFAULT_FRAME_SIZE = 16_384
LARGEST_WINDOW = 2**31 - 1
LARGEST_STREAM_ID = 2**31 - 1

_HEAD = struct.Struct(">HBBBL")
_HEAD_BYTES = _HEAD.size
_WORD = struct.Struct(">L")
_SETTING = struct.Struct(">HL")
_STREAM_MASK = 0x7FFF_FFFF


class ConnectionFault(Exception):  # noqa: N818 - what the peer did, not a failure of ours
    """The peer broke the protocol: the connection ends with `code` (RFC 9113, section 5.4.1)."""

    def __init__(self, code: int, what: str) -> None:
        """Say which rule was broken; never content."""
        super().__init__(what)
        self.code = code


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Return a frame."""
    size = len(payload)
    return _HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream_id) + payload


def settings(values: dict[int, int]) -> bytes:
    """Return a SETTINGS frame."""
    return frame(SETTINGS, 0, 0, b"".join(_SETTING.pack(*item) for item in values.items()))


def window_update(stream_id: int, increment: int) -> bytes:
    """Return a WINDOW_UPDATE frame."""
    return frame(WINDOW_UPDATE, 0, stream_id, _WORD.pack(increment))


def reset(stream_id: int, code: int) -> bytes:
    """Return a RST_STREAM frame."""
    return frame(RST_STREAM, 0, stream_id, _WORD.pack(code))


def goaway(last: int, code: int) -> bytes:
    """Return a GOAWAY frame: of the peer's streams those up to `last` were or will be processed."""
    return frame(GOAWAY, 0, 0, _WORD.pack(last) + _WORD.pack(code))


def word(payload: bytes, at: int = 0) -> int:
    """Read a 32-bit number. Raises ConnectionFault when it is not there."""
    if len(payload) < at + 4:
        raise ConnectionFault(FRAME_SIZE_ERROR, "a frame is too short")
    value: int = _WORD.unpack_from(payload, at)[0]
    return value


def read_settings(payload: bytes) -> Iterator[tuple[int, int]]:
    """Yield (identifier, value). Raises ConnectionFault."""
    if len(payload) % _SETTING.size:
        raise ConnectionFault(FRAME_SIZE_ERROR, "a SETTINGS frame is cut")
    yield from _SETTING.iter_unpack(payload)


def content(flags: int, payload: bytes) -> bytes:
    """Return what a DATA or HEADERS frame holds, without padding and priority. Raises ConnectionFault."""
    start, end = 0, len(payload)
    if flags & PADDED:
        if not payload or payload[0] >= end:
            raise ConnectionFault(PROTOCOL_ERROR, "a frame's padding is longer than the frame")
        start, end = 1, end - payload[0]
    if flags & WITH_PRIORITY:
        start += 5
        if start > end:
            raise ConnectionFault(FRAME_SIZE_ERROR, "a HEADERS frame is cut")
    return payload[start:end]


class FrameReader:
    """Cuts a stream of bytes into frames."""

    __slots__ = ("_largest", "_pieces")

    def __init__(self, largest: int) -> None:
        """Refuse frames of more than `largest` bytes of payload."""
        self._largest = largest
        self._pieces = Pieces()

    def feed(self, data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
        """Yield (type, flags, stream id, payload) for every frame that is complete.

        Raises ConnectionFault for one that is too long.
        """
        if self._pieces.missing:
            whole = self._pieces.add(data)
            if whole is None:
                return
            data = whole
        at, size = 0, len(data)
        while size - at >= _HEAD_BYTES:
            high, low, kind, flags, stream_id = _HEAD.unpack_from(data, at)
            length = high << 8 | low
            if length > self._largest:
                raise ConnectionFault(FRAME_SIZE_ERROR, "a frame is too long")
            end = at + _HEAD_BYTES + length
            if end > size:
                self._pieces.keep(data[at:], end - size)
                return
            yield kind, flags, stream_id & _STREAM_MASK, data[at + _HEAD_BYTES : end]
            at = end
        if at < size:
            self._pieces.keep(data[at:], _HEAD_BYTES - (size - at))
