"""What both ends of an HTTP/2 connection do: frames, settings, pings, header blocks, flow control."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import cast

from services.chassis.http2 import frames
from services.chassis.http2.frames import ConnectionFault, FrameReader
from services.chassis.http2.headers import MAX_HEADER_BYTES, HeaderDecoder
from services.chassis.http2.sending import PIECE_BYTES, Sender, Stream

FRAME_BYTES = 256 * 1024
"""The longest frame we take."""
STREAM_WINDOW = 1024 * 1024
"""What a peer may send on one stream before it is read."""
_CONNECTION_WINDOW = 256 * 1024 * 1024
"""For all streams together, which is to say that the streams' own windows decide."""
_SETTINGS_FRAMES, _SETTINGS_S = 1000, 10.0
"""How often settings may change in so many seconds; each change concerns every open stream."""
_UNSENT_BYTES = 1024 * 1024
"""A peer that makes us answer (pings, settings) and does not read is hung up on beyond this."""


class Http2Protocol(Sender):
    """One connection. For the event loop's thread. Subclasses say what streams mean."""

    def __init__(self, settings: dict[int, int]) -> None:
        """Announce `settings` besides those that bound what we take."""
        super().__init__()
        self._decoder = HeaderDecoder()
        self._settings = {
            frames.HEADER_TABLE_SIZE: 0,
            frames.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
            frames.MAX_FRAME_SIZE: FRAME_BYTES,
            frames.MAX_HEADER_LIST_SIZE: MAX_HEADER_BYTES,
            **settings,
        }
        self._reader = FrameReader(FRAME_BYTES)
        self._received = 0
        self._block: tuple[int, int, bytes] | None = None
        self._settings_since = self.loop.time()
        self._settings_frames = 0
        self._handlers: dict[int, Callable[[int, int, bytes], None]] = {
            frames.DATA: self._on_data,
            frames.HEADERS: self._on_headers,
            frames.RST_STREAM: self._on_reset,
            frames.SETTINGS: self._on_settings,
            frames.PUSH_PROMISE: self._on_push,
            frames.PING: self._on_ping,
            frames.GOAWAY: self._on_goaway,
            frames.WINDOW_UPDATE: self._on_window_update,
            frames.CONTINUATION: self._on_continuation,
        }

    # What a kind of connection must say

    @abstractmethod
    def _stream(self, stream_id: int) -> Stream | None:
        """Return an open stream, None for one that has ended. Raises ConnectionFault for any other."""

    @abstractmethod
    def _streams(self) -> list[Stream]:
        """Return the open streams."""

    @abstractmethod
    def _take_headers(self, stream_id: int, fields: list[tuple[str, str]], end: bool) -> None:
        """A header block came."""

    @abstractmethod
    def _take_data(self, stream: Stream, data: bytes, end: bool) -> None:
        """Data came on an open stream."""

    @abstractmethod
    def _take_reset(self, stream: Stream, code: int) -> None:
        """The peer ended an open stream."""

    @abstractmethod
    def _take_goaway(self, last: int) -> None:
        """The peer will not process streams of ours above `last`, nor new ones."""

    @abstractmethod
    def _take_settings(self, identifier: int, value: int) -> None:
        """The peer announced a setting."""

    @abstractmethod
    def _take_end(self, why: str) -> None:
        """The connection has ended."""

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Announce our settings."""
        self._transport = cast(asyncio.Transport, transport)
        wider = _CONNECTION_WINDOW - frames.DEFAULT_WINDOW
        self._transport.write(frames.settings(self._settings) + frames.window_update(0, wider))

    def data_received(self, data: bytes) -> None:
        """Handle every frame in `data`."""
        try:
            for kind, flags, stream_id, payload in self._reader.feed(data):
                if self._transport is None:
                    return
                if self._block is None or kind == frames.CONTINUATION:
                    handle = self._handlers.get(kind)
                    if handle is not None:  # unknown kinds are ignored (RFC 9113, section 4.1)
                        handle(flags, stream_id, payload)
                else:
                    self._hang_up(ConnectionFault(frames.PROTOCOL_ERROR, "a header block was interrupted"))
        except ConnectionFault as fault:
            self._hang_up(fault)

    def connection_lost(self, _exc: Exception | None) -> None:
        """End all streams."""
        self._end("the connection broke")

    def widen(self, stream: Stream) -> None:
        """Let the peer send as much on `stream` as has come."""
        self.send(frames.window_update(stream.stream_id, stream.received))
        stream.received = 0

    # Receiving

    def _on_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        self._received += len(payload)
        if self._received >= _CONNECTION_WINDOW // 2:
            self.send(frames.window_update(0, self._received))
            self._received = 0
        stream = self._stream(stream_id)
        if stream is None:
            return  # on its way when the stream ended
        stream.received += len(payload)
        if stream.received > STREAM_WINDOW:
            raise ConnectionFault(frames.FLOW_CONTROL_ERROR, "a stream's window was exceeded")
        data = frames.content(frames.PADDED, payload) if flags & frames.PADDED else payload
        self._take_data(stream, data, bool(flags & frames.END_STREAM))

    def _on_headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        block = frames.content(flags, payload)
        if flags & frames.END_HEADERS:
            self._decode(flags, stream_id, block)
        else:
            self._block = (flags, stream_id, block)

    def _on_continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        if self._block is None or self._block[1] != stream_id:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "a CONTINUATION frame continues nothing")
        first, _, block = self._block
        block += payload
        # An empty piece brings nothing and could come for ever.
        if len(block) > MAX_HEADER_BYTES or not (payload or flags & frames.END_HEADERS):
            raise ConnectionFault(frames.ENHANCE_YOUR_CALM, "a header block is too long")
        self._block = (first, stream_id, block)
        if flags & frames.END_HEADERS:
            self._block = None
            self._decode(first, stream_id, block)

    def _decode(self, flags: int, stream_id: int, block: bytes) -> None:
        # Decoded also for streams that have ended: the decoder's state is the connection's.
        self._take_headers(stream_id, self._decoder.decode(block), bool(flags & frames.END_STREAM))

    def _on_reset(self, _flags: int, stream_id: int, payload: bytes) -> None:
        stream = self._stream(stream_id)
        if stream is not None:
            self._take_reset(stream, frames.word(payload))

    def _on_settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "a SETTINGS frame on a stream")
        if flags & frames.ACK:
            return
        self._count_settings()
        window, others = self._peer_window, {}
        for identifier, value in frames.read_settings(payload):
            if identifier == frames.INITIAL_WINDOW_SIZE:
                if value > frames.LARGEST_WINDOW:
                    raise ConnectionFault(frames.FLOW_CONTROL_ERROR, "the initial window is too large")
                window = value
            elif identifier == frames.MAX_FRAME_SIZE:
                if not frames.DEFAULT_FRAME_SIZE <= value < 2**24:
                    raise ConnectionFault(frames.PROTOCOL_ERROR, "the frame size is out of range")
                self._largest_piece = min(value, PIECE_BYTES)
            elif identifier == frames.HEADER_TABLE_SIZE:
                self._limit_table(value)
            else:
                others[identifier] = value
        self._answer(frames.frame(frames.SETTINGS, frames.ACK, 0))
        # Frames that follow from the settings follow the acknowledgement. Each setting takes effect once for
        # the whole frame: it can name the window thousands of times, and there are many streams.
        for identifier, value in others.items():
            self._take_settings(identifier, value)
        self._widen_streams(self._streams(), window)

    def _count_settings(self) -> None:
        now = self.loop.time()
        if now - self._settings_since > _SETTINGS_S:
            self._settings_since, self._settings_frames = now, 0
        self._settings_frames += 1
        if self._settings_frames > _SETTINGS_FRAMES:
            raise ConnectionFault(frames.ENHANCE_YOUR_CALM, "the settings change too often")

    def _on_push(self, _flags: int, _stream_id: int, _payload: bytes) -> None:
        raise ConnectionFault(frames.PROTOCOL_ERROR, "a PUSH_PROMISE frame, which may not come")

    def _on_ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id or len(payload) != 8:
            raise ConnectionFault(frames.FRAME_SIZE_ERROR, "a PING frame is malformed")
        if not flags & frames.ACK:
            self._answer(frames.frame(frames.PING, frames.ACK, 0, payload))

    def _on_goaway(self, _flags: int, _stream_id: int, payload: bytes) -> None:
        self._take_goaway(frames.word(payload) & frames.LARGEST_STREAM_ID)

    def _on_window_update(self, _flags: int, stream_id: int, payload: bytes) -> None:
        increment = frames.word(payload) & frames.LARGEST_WINDOW
        if increment == 0:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "a WINDOW_UPDATE frame without increment")
        if stream_id == 0:
            self._widen_connection(increment)
            return
        stream = self._stream(stream_id)
        if stream is not None:
            self._widen_stream(stream, increment)

    def _answer(self, data: bytes) -> None:
        if self._transport is not None and self._transport.get_write_buffer_size() > _UNSENT_BYTES:
            raise ConnectionFault(frames.ENHANCE_YOUR_CALM, "the peer does not read our answers")
        self.send(data)

    # Ending

    def _close(self, code: int, why: str) -> None:
        """Say goodbye, send what was said before, hang up."""
        if self._transport is not None:
            self._flush()
            self._transport.write(frames.goaway(self._last_taken(), code))
            self._transport.close()
        self._end(why)

    @abstractmethod
    def _last_taken(self) -> int:
        """Return the highest id of the peer's streams that was processed."""

    def _hang_up(self, fault: ConnectionFault) -> None:
        self._close(fault.code, f"the peer broke the protocol: {fault}")

    def _end(self, why: str) -> None:
        if self._transport is not None:
            self._transport = None
            self._line.clear()
            self._take_end(why)
