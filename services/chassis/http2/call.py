"""One call at the client: a request that is sent, and the messages of its answer as they come."""

import asyncio
from typing import Protocol

from grpc import StatusCode

from services.chassis.http2.messages import Messages
from services.chassis.http2.sending import Stream
from services.chassis.http2.status import RpcError


class Link(Protocol):
    """The connection, as a call sees it."""

    def drop(self, call: "Call") -> None:
        """Tell the server that nobody waits for the rest of the answer."""

    def taken(self, call: "Call") -> None:
        """A message was read: the server may send more."""


class Call(Stream):
    """A call on one stream. For the event loop's thread."""

    __slots__ = ("_ended", "_error", "_link", "_loop", "_timer", "_waiter", "body", "head", "messages")

    def __init__(
        self,
        link: Link,
        loop: asyncio.AbstractEventLoop,
        head: bytes,
        body: bytes,
        timeout_s: float | None,
        largest: int,
    ) -> None:
        """Only ClientConnection.start makes one."""
        super().__init__()
        self._link = link
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self._timer = None if timeout_s is None else loop.call_later(timeout_s, self._overdue)
        self._error: RpcError | None = None
        self._ended = False
        self.head = head
        self.body = body
        self.messages = Messages(largest)

    @property
    def ended(self) -> bool:
        """True once the server, the deadline or we have ended the call."""
        return self._ended

    async def read(self) -> bytes | None:
        """Return the next message, None after the last. Raises RpcError."""
        while not self.messages.whole:
            if self._error is not None:
                # A copy: the traceback of the error itself would lead back to this call, and the two would
                # keep each other and the request, however large, until the collector comes by.
                raise self._error.copy()
            if self._ended:
                return None
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        payload = self.messages.take()
        self._link.taken(self)
        return payload

    def cancel(self) -> None:
        """End the call now, unless it has ended."""
        self._fail(RpcError(StatusCode.CANCELLED, "the call was cancelled"))

    def feed(self, data: bytes) -> None:
        """Take what a DATA frame held."""
        try:
            self.messages.feed(data)
        except RpcError as error:
            self._fail(error)
        else:
            if self.messages.whole:
                self._wake()

    def end(self, error: RpcError | None) -> None:
        """The call has ended, well or with `error`; messages that came before can still be read."""
        if self._ended:
            return
        self._ended = True
        if error is None and self.messages.cut:
            error = RpcError(StatusCode.INTERNAL, "the server's last message is cut")
        self._error = error
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
