"""The server's end of a connection: requests become tasks, bounded in number and size."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from grpc import StatusCode

from services.chassis.http2 import frames
from services.chassis.http2.certificate import subject_names
from services.chassis.http2.exchange import AbortError, Exchange
from services.chassis.http2.frames import ConnectionFault
from services.chassis.http2.headers import encode_fields
from services.chassis.http2.protocol import STREAM_WINDOW, Http2Protocol, Stream
from services.chassis.http2.status import RpcError
from services.chassis.logs import Log

MAX_STREAMS = 1024
_REQUEST_S = 60.0
"""How long a request may take to come, and an answer without a deadline to be read."""
_GRPC = "application/grpc"

_log = Log("http2")


class Budget:
    """Bytes of requests that all connections of a listener may hold before their handlers begin."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        """Allow `limit` bytes."""
        self.limit = limit
        self.used = 0


class ServerConnection(Http2Protocol):
    """Serves the calls of one client."""

    def __init__(
        self,
        handlers: Mapping[str, Any],
        budget: Budget,
        largest_message: int,
        open_: "set[ServerConnection]",
    ) -> None:
        """Serve `handlers` by full method name; stand in `open_` while connected."""
        super().__init__({frames.MAX_CONCURRENT_STREAMS: MAX_STREAMS})
        self.peer = ""
        self.identities: Sequence[bytes] = ()
        self.heard = self.loop.time()
        """When the client last sent anything."""
        self._rpc_handlers = handlers
        self._budget = budget
        self._largest = largest_message
        self._open = open_
        self._calls: dict[int, Exchange] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        """The calls in progress, with those that nobody waits for and that are being ended."""
        self._last_id = 0
        self._draining = False
        self._preface = frames.PREFACE
        self._can_write: asyncio.Event | None = None

    def drain(self) -> None:
        """Take no more calls; those in progress go on."""
        if not self._draining:
            self._draining = True
            self.send(frames.goaway(self._last_id, frames.NO_ERROR))

    def close(self) -> None:
        """Hang up; calls in progress are cancelled."""
        self._close(frames.NO_ERROR, "the server stops")

    def ping(self) -> None:
        """Ask whether the client is still there."""
        self.send(frames.frame(frames.PING, 0, 0, bytes(8)))

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note who it is."""
        tls = transport.get_extra_info("ssl_object")
        if tls is None or tls.selected_alpn_protocol() != "h2":
            cast(asyncio.Transport, transport).abort()
            return
        self.peer = _peer(transport.get_extra_info("peername"))
        self.identities = subject_names(tls.getpeercert(True))
        self._open.add(self)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Handle the client's preface first."""
        self.heard = self.loop.time()
        if self._preface:
            size = min(len(self._preface), len(data))
            if data[:size] != self._preface[:size]:
                self._hang_up(ConnectionFault(frames.PROTOCOL_ERROR, "the preface is another"))
                return
            data, self._preface = data[size:], self._preface[size:]
        if data:
            super().data_received(data)

    def pause_writing(self) -> None:
        """The client does not read: streams wait."""
        self._can_write = asyncio.Event()

    def resume_writing(self) -> None:
        """The client reads again."""
        if self._can_write is not None:
            self._can_write.set()
            self._can_write = None

    # What calls say

    async def writable(self) -> None:
        """Wait while the client does not read."""
        if self._can_write is not None:
            await self._can_write.wait()

    def done(self, call: Exchange) -> None:
        """Forget a call whose answer went out whole."""
        if call.timer is not None:
            call.timer.cancel()
        self._calls.pop(call.stream_id, None)
        if call.task is None:
            # Refused before its request was whole: the client need not send the rest.
            self._release(call)
            self.send(frames.reset(call.stream_id, frames.NO_ERROR))

    # What the protocol says

    def _alone(self) -> bool:
        return len(self._calls) < 2

    def _stream(self, stream_id: int) -> Exchange | None:
        call = self._calls.get(stream_id)
        if call is None and (stream_id == 0 or stream_id % 2 == 0 or stream_id > self._last_id):
            raise ConnectionFault(frames.PROTOCOL_ERROR, "a frame on a stream that was never opened")
        return call

    def _streams(self) -> list[Stream]:
        return list(self._calls.values())

    def _take_headers(self, stream_id: int, fields: list[tuple[str, str]], end: bool) -> None:
        if stream_id <= self._last_id:
            call = self._stream(stream_id)
            if call is not None and end:
                self._begin(call)  # trailers of a request, which gRPC does not use
            return
        if stream_id % 2 == 0:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "a client's streams have odd ids")
        self._last_id = stream_id
        if self._draining or len(self._calls) >= MAX_STREAMS or len(self.tasks) >= MAX_STREAMS:
            self.send(frames.reset(stream_id, frames.REFUSED_STREAM))
            return
        known = dict(fields)
        if known.get(":method") != "POST" or not known.get("content-type", "").startswith(_GRPC):
            block = encode_fields(((":status", "415"),))
            self.send(frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream_id, block))
            return
        now = self.loop.time()
        try:
            call = Exchange(self, known.get(":path", ""), fields, self._largest, now)
        except ValueError as error:
            raise ConnectionFault(frames.PROTOCOL_ERROR, str(error)) from error
        call.stream_id = stream_id
        call.send_window = self._peer_window
        self._calls[stream_id] = call
        if call.path not in self._rpc_handlers:
            call.finish(StatusCode.UNIMPLEMENTED, "there is no such method")
            return
        limit = _REQUEST_S if call.deadline is None else call.deadline - now
        call.timer = self.loop.call_later(limit, self._overdue, call)
        if end:
            self._begin(call)

    def _take_data(self, stream: Stream, data: bytes, end: bool) -> None:
        call = cast(Exchange, stream)
        if call.task is not None:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "data after the end of a request")
        self._budget.used += len(data)
        call.held += len(data)
        try:
            if self._budget.used > self._budget.limit:
                raise RpcError(StatusCode.RESOURCE_EXHAUSTED, "too many requests are on their way")  # noqa: TRY301
            call.requests.feed(data)
        except RpcError as error:
            call.finish(error.code, error.details)
            return
        if end:
            self._begin(call)
        elif call.received >= STREAM_WINDOW // 2:
            self.widen(call)

    def _take_reset(self, stream: Stream, _code: int) -> None:
        self._abandon(cast(Exchange, stream))

    def _take_settings(self, _identifier: int, _value: int) -> None:
        pass

    def _take_goaway(self, _last: int) -> None:
        pass  # we open no streams; the client closes when its last one has ended

    def _take_end(self, _why: str) -> None:
        self._open.discard(self)
        self.resume_writing()
        for call in list(self._calls.values()):
            self._abandon(call)

    def _last_taken(self) -> int:
        return self._last_id

    # Calls

    def _begin(self, call: Exchange) -> None:
        self._release(call)
        if len(call.requests.whole) != 1 or call.requests.cut:
            call.finish(StatusCode.INTERNAL, "a request is exactly one message")
            return
        if call.deadline is None and call.timer is not None:
            call.timer.cancel()
        task = call.task = self.loop.create_task(self._serve(call, call.requests.take()))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _serve(self, call: Exchange, request: bytes) -> None:
        handler = self._rpc_handlers[call.path]
        try:
            if handler.response_streaming:
                await handler.unary_stream(request, call)
                call.finish(StatusCode.OK, "")
            else:
                call.answer(await handler.unary_unary(request, call))
                self._watch_reading(call)
        except AbortError:
            pass
        except asyncio.CancelledError:
            call.finish(StatusCode.CANCELLED, "the call was cancelled")
        except Exception as error:
            _log.error("unhandled_error", error=error, method=call.path)
            call.finish(StatusCode.INTERNAL, "internal error")

    def _watch_reading(self, call: Exchange) -> None:
        """An answer that waits for the client to read it does not wait for ever."""
        if call.outgoing and call.deadline is None:
            call.timer = self.loop.call_later(_REQUEST_S, self._overdue, call)

    def _overdue(self, call: Exchange) -> None:
        if call.ended:
            self._abandon(call)
            self.send(frames.reset(call.stream_id, frames.CANCEL))
            return
        call.finish(StatusCode.DEADLINE_EXCEEDED, "the call took too long")
        if call.task is not None:
            call.task.cancel()

    def _abandon(self, call: Exchange) -> None:
        if self._calls.pop(call.stream_id, None) is None:
            return
        if call.timer is not None:
            call.timer.cancel()
        self._release(call)
        call.abandon()
        if call.task is not None:
            call.task.cancel()

    def _release(self, call: Exchange) -> None:
        self._budget.used -= call.held
        call.held = 0


def _peer(name: Any) -> str:
    if not isinstance(name, tuple):
        return "unix:"
    return f"ipv6:[{name[0]}]:{name[1]}" if ":" in name[0] else f"ipv4:{name[0]}:{name[1]}"
