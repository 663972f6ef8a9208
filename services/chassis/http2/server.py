"""The server's end of a connection: requests become tasks, bounded in number and size."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from grpc import StatusCode

from services.chassis.http2 import frames
from services.chassis.http2.budget import Budget, Share
from services.chassis.http2.certificate import subject_names
from services.chassis.http2.exchange import AbortError, Exchange
from services.chassis.http2.frames import ConnectionFault
from services.chassis.http2.headers import encode_fields
from services.chassis.http2.protocol import STREAM_WINDOW, Http2Protocol
from services.chassis.http2.requests import request_fields
from services.chassis.http2.sending import Stream
from services.chassis.http2.status import RpcError
from services.chassis.logs import Log

MAX_STREAMS = 1024
_REQUEST_S = 60.0
"""How long a request may take to come, and what waits of an answer without a deadline to be read."""
NO_SUCH_METHOD = "there is no such method"
_GRPC = "application/grpc"
_NOT_GRPC = encode_fields(((":status", "415"),))

_log = Log("http2")


class ServerConnection(Http2Protocol):
    """Serves the calls of one client."""

    def __init__(
        self,
        handlers: Mapping[str, Any],
        budget: Budget,
        largest_message: int,
        open_: "set[ServerConnection]",
        unknown: Callable[[Any], None],
    ) -> None:
        """Serve `handlers` by full method name, and tell `unknown` of calls that none of them takes.

        It stands in `open_` until the socket is closed.
        """
        super().__init__({frames.MAX_CONCURRENT_STREAMS: MAX_STREAMS})
        self.peer = ""
        self.identities: Sequence[bytes] = ()
        self.heard = self.loop.time()
        """When the client last sent anything."""
        self._rpc_handlers = handlers
        self._budget = budget
        self._share: Share | None = None
        self._largest = largest_message
        self._open = open_
        self._unknown = unknown
        self._calls: dict[int, Exchange] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        """The calls in progress, with those that nobody waits for and that are being ended."""
        self._last_id = 0
        self._last_kept: int | None = None
        """Once draining: the highest stream that is still served."""
        self._preface = frames.PREFACE
        self._can_write: asyncio.Event | None = None

    def drain(self) -> None:
        """Take no more calls; those in progress go on."""
        if self._last_kept is None:
            self._last_kept = self._last_id
            self.send(frames.goaway(self._last_id, frames.NO_ERROR))

    @property
    def busy(self) -> bool:
        """Say whether calls are in progress, or answers on their way."""
        transport = self._transport
        return bool(self.tasks or self._calls or (transport and transport.get_write_buffer_size()))

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
        self._share = self._budget.join(self.identities) if self.identities else None
        if self._share is None:
            # It names nobody, or somebody who has too many connections.
            cast(asyncio.Transport, transport).abort()
            return
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

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection: its socket is closed."""
        super().connection_lost(exc)
        self._open.discard(self)

    def pause_writing(self) -> None:
        """The client does not read: streams wait, and nothing more is read that would have to be answered."""
        super().pause_writing()
        self._can_write = asyncio.Event()
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        if self._can_write is not None:
            self._can_write.set()
            self._can_write = None
            if self._transport is not None:
                self._transport.resume_reading()
            super().resume_writing()

    # What calls say

    async def writable(self) -> None:
        """Wait while the client does not read."""
        if self._can_write is not None:
            await self._can_write.wait()

    def done(self, call: Exchange) -> None:
        """Forget a call whose answer went out whole."""
        self._stop_timer(call)
        self.forget(call)
        if self._calls.pop(call.stream_id, None) is not None and call.task is None:
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
            self._take_trailers(stream_id, fields, end)
            return
        if stream_id % 2 == 0:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "a client's streams have odd ids")
        self._last_id = stream_id
        if self._last_kept is not None or len(self._calls) >= MAX_STREAMS or len(self.tasks) >= MAX_STREAMS:
            self.send(frames.reset(stream_id, frames.REFUSED_STREAM))
            return
        now = self.loop.time()
        try:
            known = request_fields(fields)
            call = Exchange(self, known, fields, self._largest, now)
        except ValueError:
            self.send(frames.reset(stream_id, frames.PROTOCOL_ERROR))
            return
        if known[":method"] != "POST" or not known.get("content-type", "").startswith(_GRPC):
            self.send(self.header_frame(stream_id, frames.END_STREAM, _NOT_GRPC))
            return
        call.stream_id = stream_id
        call.send_window = self._peer_window
        self._calls[stream_id] = call
        if call.path not in self._rpc_handlers:
            self._unknown(call)
            call.finish(StatusCode.UNIMPLEMENTED, NO_SUCH_METHOD)
            return
        limit = _REQUEST_S
        if call.deadline is not None:
            call.outlasts = call.deadline - now > limit
            limit = min(limit, call.deadline - now)
        call.timer = self.loop.call_later(limit, self._overdue, call)
        if end:
            self._begin(call)

    def _take_trailers(self, stream_id: int, fields: list[tuple[str, str]], end: bool) -> None:
        """A second header block: gRPC's requests have none that says anything."""
        call = self._stream(stream_id)
        if call is None:
            return  # on its way when the stream ended
        if call.task is not None:
            raise ConnectionFault(frames.STREAM_CLOSED, "a header block after the end of a request")
        if end and not any(name[:1] == ":" for name, _ in fields):
            self._begin(call)
        else:
            self._abandon(call)
            self.send(frames.reset(stream_id, frames.PROTOCOL_ERROR))

    def _take_data(self, stream: Stream, data: bytes, end: bool) -> None:
        call = cast(Exchange, stream)
        if call.task is not None:
            raise ConnectionFault(frames.STREAM_CLOSED, "data after the end of a request")
        call.held += len(data)
        if self._share is None or not self._share.take(len(data)):
            call.finish(StatusCode.RESOURCE_EXHAUSTED, "too many requests are on their way")
            return
        try:
            call.requests.feed(data)
        except RpcError as error:
            call.finish(error.code, error.details)
            return
        if end or len(call.requests.whole) > 1:
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
        self.resume_writing()
        for call in list(self._calls.values()):
            self._abandon(call)
        if self._share is not None:
            self._share.leave()

    def _last_taken(self) -> int:
        return self._last_id if self._last_kept is None else self._last_kept

    # Calls

    def _begin(self, call: Exchange) -> None:
        self._release(call)
        if len(call.requests.whole) != 1 or call.requests.cut:
            call.finish(StatusCode.INTERNAL, "a request is exactly one message")
            return
        if call.declared is not None and call.declared != call.requests.held:
            self._abandon(call)
            self.send(frames.reset(call.stream_id, frames.PROTOCOL_ERROR))
            return
        if call.deadline is None:
            self._stop_timer(call)
        elif call.outlasts:
            self._stop_timer(call)
            call.timer = self.loop.call_later(call.deadline - self.loop.time(), self._overdue, call)
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
                self.waits(call)
        except AbortError:
            pass
        except asyncio.CancelledError:
            call.finish(StatusCode.CANCELLED, "the call was cancelled")
        except Exception as error:
            _log.error("unhandled_error", error=error, method=call.path)
            call.finish(StatusCode.INTERNAL, "internal error")

    def waits(self, call: Exchange) -> None:
        """See to it that an answer that waits for the client to read it does not wait for ever."""
        if call.outgoing and call.deadline is None:
            self._stop_timer(call)
            call.timer = self.loop.call_later(_REQUEST_S, self._overdue, call)

    def _stop_timer(self, call: Exchange) -> None:
        if call.timer is not None:
            call.timer.cancel()

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
        self._stop_timer(call)
        self._release(call)
        self.forget(call)
        call.abandon()
        if call.task is not None:
            call.task.cancel()

    def _release(self, call: Exchange) -> None:
        if self._share is not None:
            self._share.give_back(call.held)
        call.held = 0


def _peer(name: Any) -> str:
    if not isinstance(name, tuple):
        return "unix:"
    return f"ipv6:[{name[0]}]:{name[1]}" if ":" in name[0] else f"ipv4:{name[0]}:{name[1]}"
