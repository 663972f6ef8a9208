"""The client's end of a connection: calls are started, their answers handed to them."""

import asyncio
from collections import deque
from typing import cast

from grpc import StatusCode

from services.chassis.http2 import frames
from services.chassis.http2.call import Call
from services.chassis.http2.frames import ConnectionFault
from services.chassis.http2.protocol import STREAM_WINDOW, Http2Protocol
from services.chassis.http2.sending import Stream
from services.chassis.http2.status import RpcError, of_reset, of_trailers, unavailable

_SILENT_S = 30.0
"""A server that was silent for as long is asked whether it is there,"""
_ANSWER_S = 10.0
"""and has this long to answer."""
_STREAMS = 100
"""RFC 9113 recommends that servers allow at least as many; what they allow is said at once."""


class ClientConnection(Http2Protocol):
    """Carries calls. `usable` becomes false once the server takes no more of them here."""

    def __init__(self, largest_message: int) -> None:
        """Take no message of more than `largest_message` bytes."""
        super().__init__({frames.ENABLE_PUSH: 0})
        self.usable = True
        self._largest = largest_message
        self._calls: dict[int, Call] = {}
        self._queued: deque[Call] = deque()
        self._next_id = 1
        self._emptied: asyncio.Future[None] | None = None
        self._lost: asyncio.Future[None] = self.loop.create_future()
        self._heard = self.loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._peer_streams = _STREAMS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin as a client does (RFC 9113, section 3.4)."""
        cast(asyncio.Transport, transport).write(frames.PREFACE)
        super().connection_made(transport)
        self._keep_alive()

    def data_received(self, data: bytes) -> None:
        """Note that the server is there."""
        self._heard = self.loop.time()
        super().data_received(data)

    def start(self, head: bytes, body: bytes, timeout_s: float | None) -> Call:
        """Send a request, a header block and a prefixed message, and return its call.

        Raises RpcError: UNAVAILABLE when the connection is not usable any more.
        """
        if not self.usable:
            raise unavailable("the connection was lost", unprocessed=True)
        call = Call(self, self.loop, head, body, timeout_s, self._largest)
        if len(self._calls) < self._peer_streams:
            self._open(call)
        else:
            self._queued.append(call)
        return call

    async def idle(self, limit_s: float) -> None:
        """Take no more calls, and wait for those in progress for at most `limit_s` seconds."""
        self.usable = False
        if self._calls and limit_s > 0:
            self._emptied = self.loop.create_future()
            await asyncio.wait([self._emptied], timeout=limit_s)

    async def close(self, limit_s: float) -> None:
        """Hang up; calls in progress fail. Wait at most `limit_s` seconds for TLS to say goodbye."""
        self._close(frames.NO_ERROR, "the connection was closed")
        await asyncio.wait((self._lost,), timeout=limit_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the socket is closed."""
        super().connection_lost(exc)
        if not self._lost.done():
            self._lost.set_result(None)

    def _keep_alive(self) -> None:
        silence = self.loop.time() - self._heard
        if silence < _SILENT_S:
            self._timer = self.loop.call_later(_SILENT_S - silence, self._keep_alive)
            return
        self.send(frames.frame(frames.PING, 0, 0, bytes(8)))
        self._timer = self.loop.call_later(_ANSWER_S, self._expect, self._heard)

    def _expect(self, heard: float) -> None:
        """A ping was sent: anything that came since then answers it."""
        if self._heard == heard:
            self._close(frames.NO_ERROR, "the server does not answer")
        else:
            self._keep_alive()

    # What calls say

    def drop(self, call: Call) -> None:
        """Reset the stream of a call that was given up."""
        if call.stream_id == 0:
            self._queued.remove(call)
        elif self._calls.pop(call.stream_id, None) is not None:
            self.forget(call)
            self.send(frames.reset(call.stream_id, frames.CANCEL))
            self._next()
            self._leave()

    def taken(self, call: Call) -> None:
        """Let the server go on sending to a call that reads."""
        if call.received >= STREAM_WINDOW // 2 and not call.ended:
            self.widen(call)

    # What the protocol says

    def _alone(self) -> bool:
        return len(self._calls) < 2

    def _stream(self, stream_id: int) -> Call | None:
        call = self._calls.get(stream_id)
        if call is None and (stream_id == 0 or stream_id % 2 == 0 or stream_id >= self._next_id):
            raise ConnectionFault(frames.PROTOCOL_ERROR, "a frame on a stream that was never opened")
        return call

    def _streams(self) -> list[Stream]:
        return list(self._calls.values())

    def _take_headers(self, stream_id: int, fields: list[tuple[str, str]], end: bool) -> None:
        call = self._stream(stream_id)
        if call is None:
            return
        if end:
            self._finish(call, of_trailers(dict(fields)))
            return
        status = dict(fields).get(":status", "")
        if status != "200" and not status.startswith("1"):
            self._finish(call, of_trailers({":status": status}), reset=True)

    def _take_data(self, stream: Stream, data: bytes, end: bool) -> None:
        call = cast(Call, stream)
        call.feed(data)
        if call.ended:
            return
        if end:
            self._finish(call, RpcError(StatusCode.INTERNAL, "the server's answer has no trailers"))
        elif not call.messages.held and call.received >= STREAM_WINDOW // 2:
            # A message longer than the window: nothing can be read before more of it has come.
            self.widen(call)

    def _take_reset(self, stream: Stream, code: int) -> None:
        self._finish(cast(Call, stream), of_reset(code))

    def _take_settings(self, identifier: int, value: int) -> None:
        if identifier == frames.MAX_CONCURRENT_STREAMS:
            self._peer_streams = value
            self._next()

    def _take_goaway(self, last: int) -> None:
        self.usable = False
        away = unavailable("the server goes away", unprocessed=True)
        for call in [call for stream_id, call in self._calls.items() if stream_id > last]:
            self._finish(call, away)
        self._refuse_queued(away)
        self._leave()

    def _take_end(self, why: str) -> None:
        self.usable = False
        if self._timer is not None:
            self._timer.cancel()
        calls, self._calls = self._calls, {}
        for call in calls.values():
            call.end(unavailable(why))
        self._refuse_queued(unavailable(why, unprocessed=True))

    def _last_taken(self) -> int:
        return 0

    # Streams

    def _open(self, call: Call) -> None:
        stream_id = call.stream_id = self._next_id
        self._next_id += 2
        if self._next_id > frames.LARGEST_STREAM_ID:
            self.usable = False
            self._refuse_queued(unavailable("the connection has no more streams", unprocessed=True))
        call.send_window = self._peer_window
        self._calls[stream_id] = call
        self.send_data(call, self.header_frame(stream_id, 0, call.head), call.body, frames.END_STREAM)

    def _next(self) -> None:
        """A stream has ended: open one for a call that waited for it."""
        while self._queued and self.usable and len(self._calls) < self._peer_streams:
            self._open(self._queued.popleft())

    def _finish(self, call: Call, error: RpcError | None, *, reset: bool = False) -> None:
        if self._calls.pop(call.stream_id, None) is None:
            return
        unsent = bool(call.outgoing)
        self.forget(call)
        call.end(error)
        if unsent or reset:
            # The server has answered before it had read the whole request.
            self.send(frames.reset(call.stream_id, frames.CANCEL))
        self._next()
        self._leave()

    def _leave(self) -> None:
        """Close a connection that takes no more calls when its last one has ended."""
        if not self.usable and not self._calls:
            if self._emptied is not None and not self._emptied.done():
                self._emptied.set_result(None)
            self._close(frames.NO_ERROR, "the connection was closed")

    def _refuse_queued(self, error: RpcError) -> None:
        queued, self._queued = self._queued, deque()
        for call in queued:
            call.end(error)
