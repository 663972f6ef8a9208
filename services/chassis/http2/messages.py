"""gRPC's messages on a stream of bytes: a flag, a length, the message (PROTOCOL-HTTP2.md, "Requests")."""

import struct
from collections import deque

from grpc import StatusCode

from services.chassis.http2.pieces import Pieces
from services.chassis.http2.status import RpcError

_PREFIX = struct.Struct(">BL")
_PREFIX_BYTES = _PREFIX.size
_LONG_BYTES = 256 * 1024
"""Longer messages are written to their place as they come: kept in pieces until they are whole, they would
leave holes in the heap that the allocator does not give back."""


def message(payload: bytes) -> bytes:
    """Return an uncompressed message with its prefix."""
    return _PREFIX.pack(0, len(payload)) + payload


class Messages:
    """Puts messages together from pieces."""

    __slots__ = ("_largest", "_long", "_long_bytes", "_pieces", "held", "whole")

    def __init__(self, largest: int) -> None:
        """Refuse messages of more than `largest` bytes."""
        self._largest = largest
        self._pieces = Pieces()
        self._long: bytearray | None = None
        self._long_bytes = 0
        self.whole: deque[bytes] = deque()
        self.held = 0
        """Bytes of whole messages that nobody has taken, with their prefixes: 0 means that there is none."""

    @property
    def cut(self) -> bool:
        """Say whether a message has begun and not ended."""
        return self._pieces.missing > 0 or self._long is not None

    def _fill(self, long: bytearray, data: bytes) -> bytes:
        """Put data into a long message and return what came beyond it."""
        missing = self._long_bytes - len(long)
        # It grows with what comes: whoever only announces a long message takes no memory with it.
        long += data if len(data) <= missing else data[:missing]
        if len(long) == self._long_bytes:
            self._long = None
            self.whole.append(bytes(long))
            self.held += _PREFIX_BYTES + len(long)
        return data[missing:]

    def take(self) -> bytes:
        """Return the oldest message. Raises IndexError without one."""
        payload = self.whole.popleft()
        self.held -= _PREFIX_BYTES + len(payload)
        return payload

    def feed(self, data: bytes) -> None:
        """Take a piece. Raises RpcError for a message that is too long or compressed."""
        if self._long is not None:
            data = self._fill(self._long, data)
        if self._pieces.missing:
            joined = self._pieces.add(data)
            if joined is None:
                return
            data = joined
        at, size = 0, len(data)
        while size - at >= _PREFIX_BYTES:
            compressed, length = _PREFIX.unpack_from(data, at)
            if compressed:
                # We never offer to take compressed messages.
                raise RpcError(StatusCode.UNIMPLEMENTED, "compressed messages are not supported")
            if length > self._largest:
                raise RpcError(
                    StatusCode.RESOURCE_EXHAUSTED, f"a message may have at most {self._largest} bytes"
                )
            end = at + _PREFIX_BYTES + length
            if end > size:
                if length < _LONG_BYTES:
                    self._pieces.keep(data[at:], end - size)
                else:
                    self._long, self._long_bytes = bytearray(), length
                    self._fill(self._long, data[at + _PREFIX_BYTES :])
                return
            self.whole.append(data[at + _PREFIX_BYTES : end])
            self.held += end - at
            at = end
        if at < size:
            self._pieces.keep(data[at:], _PREFIX_BYTES - (size - at))
