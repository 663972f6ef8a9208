"""gRPC's messages on a stream of bytes: a flag, a length, the message (PROTOCOL-HTTP2.md, "Requests")."""

import struct
from collections import deque

from grpc import StatusCode

from services.chassis.http2.pieces import Pieces
from services.chassis.http2.status import RpcError

_PREFIX = struct.Struct(">BL")
_PREFIX_BYTES = _PREFIX.size


def message(payload: bytes) -> bytes:
    """Return an uncompressed message with its prefix."""
    return _PREFIX.pack(0, len(payload)) + payload


class Messages:
    """Puts messages together from pieces."""

    __slots__ = ("_largest", "_pieces", "held", "whole")

    def __init__(self, largest: int) -> None:
        """Refuse messages of more than `largest` bytes."""
        self._largest = largest
        self._pieces = Pieces()
        self.whole: deque[bytes] = deque()
        self.held = 0
        """Bytes of whole messages that nobody has taken, with their prefixes: 0 means that there is none."""

    @property
    def cut(self) -> bool:
        """Say whether a message has begun and not ended."""
        return self._pieces.missing > 0

    def take(self) -> bytes:
        """Return the oldest message. Raises IndexError without one."""
        payload = self.whole.popleft()
        self.held -= _PREFIX_BYTES + len(payload)
        return payload

    def feed(self, data: bytes) -> None:
        """Take a piece. Raises RpcError for a message that is too long or compressed."""
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
                self._pieces.keep(data[at:], end - size)
                return
            self.whole.append(data[at + _PREFIX_BYTES : end])
            self.held += end - at
            at = end
        if at < size:
            self._pieces.keep(data[at:], _PREFIX_BYTES - (size - at))
