"""One call: a request that is sent, and the messages of its answer as they come."""

import asyncio
import struct
from collections import deque
from typing import Protocol

from grpc import StatusCode

from services.chassis.http2.protocol import Stream
from services.chassis.http2.status import RpcError

_PREFIX = struct.Struct(">BL")
_PREFIX_BYTES = _PREFIX.size


def message(payload: bytes) -> bytes:
    """Return an uncompressed message with gRPC's prefix."""
    return _PREFIX.pack(0, len(payload)) + payload


class Link(Protocol):
    """The connection, as a call sees it."""

    def drop(self, call: "Call") -> None:
        """Tell the server that nobody waits for the rest of the answer."""

    def taken(self, call: "Call") -> None:
        """A message was read: the server may send more."""


class Call(Stream):
    """A call on one stream. For the event loop's thread."""

    __slots__ = (
        "_ended",
        "_error",
        "_largest",
        "_link",
        "_loop",
        "_messages",
        "_missing",
        "_parts",
        "_timer",
        "_waiter",
        "body",
        "head",
        "held",
    )

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop, head: bytes, body: bytes) -> None:
        """Only ClientConnection.start makes one."""
        super().__init__()
        self._link = link
        self._loop = loop
        self._messages: deque[bytes] = deque()
        self._parts: list[bytes] = []
        self._missing = 0
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._error: RpcError | None = None
        self._ended = False
        self._largest = 0
        self.head = head
        self.body = body
        self.held = 0
        """Bytes of messages that nobody has read yet."""

    @property
    def ended(self) -> bool:
        """True once the server, the deadline or we have ended the call."""
        return self._ended

    async def read(self) -> bytes | None:
        """Return the next message, None after the last. Raises RpcError."""
        while not self._messages:
            if self._error is not None:
                raise self._error
            if self._ended:
                return None
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        payload = self._messages.popleft()
        self.held -= len(payload)
        self._link.taken(self)
        return payload

    def cancel(self) -> None:
        """End the call now, unless it has ended."""
        self._fail(RpcError(StatusCode.CANCELLED, "the call was cancelled"))

    def limit(self, timeout_s: float, largest: int) -> None:
        """Give up after `timeout_s` seconds; take no message of more than `largest` bytes."""
        self._largest = largest
        self._timer = self._loop.call_later(timeout_s, self._overdue)

    def feed(self, data: bytes) -> None:
        """Take what a DATA frame held."""
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
                # We never offered to take compressed messages.
                self._fail(RpcError(StatusCode.INTERNAL, "the server compressed a message"))
                return
            if length > self._largest:
                self._fail(RpcError(StatusCode.RESOURCE_EXHAUSTED, "the server's message is too long"))
                return
            end = at + _PREFIX_BYTES + length
            if end > size:
                self._missing = end - size
                break
            self._messages.append(data[at + _PREFIX_BYTES : end])
            self.held += length
            at = end
        if at < size:
            self._parts.append(data[at:])
            if size - at < _PREFIX_BYTES:
                self._missing = _PREFIX_BYTES - (size - at)
        if self._messages:
            self._wake()

    def end(self, error: RpcError | None) -> None:
        """The call has ended, well or with `error`; messages that came before can still be read."""
        if self._ended:
            return
        self._ended = True
        if error is None and self._parts:
            error = RpcError(StatusCode.INTERNAL, "the server's last message is cut")
        self._error = error
        self.outgoing = b""
        if self._timer is not None:
            self._timer.cancel()
        self._wake()

    def _overdue(self) -> None:
        self._fail(RpcError(StatusCode.DEADLINE_EXCEEDED, "the call took too long"))

    def _fail(self, error: RpcError) -> None:
        if not self._ended:
            self.end(error)
            self._link.drop(self)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
