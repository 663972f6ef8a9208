"""gRPC's messages on a stream of bytes: a flag, a length, the message (PROTOCOL-HTTP2.md, "Requests")."""

import struct
from collections import deque

from grpc import StatusCode

from services.chassis.http2.status import RpcError

_PREFIX = struct.Struct(">BL")
_PREFIX_BYTES = _PREFIX.size


def message(payload: bytes) -> bytes:
    """Return an uncompressed message with its prefix."""
    return _PREFIX.pack(0, len(payload)) + payload


class Messages:
    """Puts messages together from pieces."""

    __slots__ = ("_largest", "_missing", "_parts", "held", "whole")

    def __init__(self, largest: int) -> None:
        """Refuse messages of more than `largest` bytes."""
        self._largest = largest
        self._parts: list[bytes] = []
        self._missing = 0
        self.whole: deque[bytes] = deque()
        self.held = 0
        """Bytes of whole messages that nobody has taken."""

    @property
    def cut(self) -> bool:
        """Say whether a message has begun and not ended."""
        return bool(self._parts)

    def take(self) -> bytes:
        """Return the oldest message. Raises IndexError without one."""
        payload = self.whole.popleft()
        self.held -= len(payload)
        return payload

    def feed(self, data: bytes) -> None:
        """Take a piece. Raises RpcError for a message that is too long or compressed."""
        if self._parts:
            # A long message comes in many frames: they are joined once, when it is whole.
            self._parts.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = b"".join(self._parts)
            self._parts.clear()
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
                self._missing = end - size
                break
            self.whole.append(data[at + _PREFIX_BYTES : end])
            self.held += length
            at = end
        if at < size:
            self._parts.append(data[at:])
            if size - at < _PREFIX_BYTES:
                self._missing = _PREFIX_BYTES - (size - at)
