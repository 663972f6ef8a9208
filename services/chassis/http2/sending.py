"""What one end of a connection sends, as far as the other end's windows let it (RFC 9113, section 5.2)."""

import asyncio
from abc import abstractmethod
from collections.abc import Iterable

from services.chassis.http2 import frames
from services.chassis.http2.frames import ConnectionFault

PIECE_BYTES = 64 * 1024
"""Data is written in pieces of this length, so that we notice in time when the peer does not read."""
_TABLE_BYTES = 4096
"""What a peer's table for header fields has room for, unless it says otherwise."""
_NO_TABLE = b"\x20"
"""Says in a header block that we use no table (RFC 7541, section 6.3)."""


class Stream:
    """One stream, as far as its connection must know it."""

    __slots__ = ("closing", "held", "outgoing", "received", "send_window", "stream_id")

    def __init__(self) -> None:
        """Without an id; the connection gives it one."""
        self.stream_id = 0
        self.outgoing: bytes | memoryview = b""
        """What waits for the peer's windows."""
        self.closing = (0, b"")
        """The flags of the last DATA frame of what waits, and the bytes that follow it."""
        self.send_window = 0
        self.received = 0
        """Bytes that came since the peer was last told that it may send more."""
        self.held = 0
        """Bytes that count against what the listener's connections may hold."""

    def drained(self) -> None:
        """Nothing waits any more."""


class Sender(asyncio.Protocol):
    """Sends frames.

    Data that a stream's own window holds back waits with the stream; data that the connection's window or a
    peer that does not read holds back waits in line. So the work that a frame of the peer's causes does not
    grow with the number of streams that wait.
    """

    def __init__(self) -> None:
        """Assume what holds before the peer has said anything."""
        self.loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] | None = None
        self._collected = 0
        self._line: dict[Stream, None] = {}
        self._window = frames.DEFAULT_WINDOW
        self._peer_window = frames.DEFAULT_WINDOW
        self._largest_piece = frames.DEFAULT_FRAME_SIZE
        self._shrink = b""
        self._paused = False

    def pause_writing(self) -> None:
        """The peer does not read as fast as we write: data waits with its streams, not in our buffers."""
        self._paused = True

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._paused = False
        self._advance()

    @abstractmethod
    def _alone(self) -> bool:
        """Say whether at most one stream is open, so that collecting would only cost time."""

    def send(self, data: bytes) -> None:
        """Send frames; what several streams send in one pass of the loop goes out as one record."""
        if self._transport is None:
            return
        if self._outgoing is not None:
            self._outgoing.append(data)
            self._collected += len(data)
            if self._collected > PIECE_BYTES:
                self._flush()
        elif self._alone():
            self._transport.write(data)
        else:
            self._outgoing, self._collected = [data], len(data)
            self.loop.call_soon(self._flush)

    def header_frame(self, stream_id: int, flags: int, block: bytes) -> bytes:
        """Return the frame of a whole header block, which must be sent before any other is made."""
        if self._shrink:
            block, self._shrink = self._shrink + block, b""
        return frames.frame(frames.HEADERS, flags | frames.END_HEADERS, stream_id, block)

    def send_data(self, stream: Stream, head: bytes, data: bytes, flags: int, tail: bytes = b"") -> bool:
        """Send `head`, then `data` as the windows allow, its last frame with `flags`, then `tail`.

        Returns True when all of it was sent, False when the rest waits; stream.drained() says when it went.
        """
        size = len(data)
        fits = size <= self._largest_piece and size <= self._window and size <= stream.send_window
        if fits and not self._paused:
            self._window -= size
            stream.send_window -= size
            self.send(b"".join((head, frames.frame(frames.DATA, flags, stream.stream_id, data), tail)))
            return True
        if head:
            self.send(head)
        stream.outgoing, stream.closing = memoryview(data), (flags, tail)
        return self._go_on(stream)

    def forget(self, stream: Stream) -> None:
        """Send nothing of what still waits on a stream."""
        stream.outgoing = b""
        if self._line:
            self._line.pop(stream, None)

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, None
        if outgoing and self._transport is not None:
            self._transport.write(b"".join(outgoing))

    def _go_on(self, stream: Stream) -> bool:
        """Send of what waits on a stream what the windows allow; True when that was all."""
        flags, tail = stream.closing
        while stream.outgoing and not self._paused:
            room = min(self._window, stream.send_window, self._largest_piece)
            if room <= 0:
                break
            piece, stream.outgoing = bytes(stream.outgoing[:room]), stream.outgoing[room:]
            self._window -= len(piece)
            stream.send_window -= len(piece)
            last = not stream.outgoing
            sent = frames.frame(frames.DATA, flags if last else 0, stream.stream_id, piece)
            self.send(sent + tail if last else sent)
        if not stream.outgoing:
            return True
        if stream.send_window > 0:
            self._line[stream] = None
        return False

    # What the peer allows

    def _widen_connection(self, increment: int) -> None:
        self._window += increment
        if self._window > frames.LARGEST_WINDOW:
            raise ConnectionFault(frames.FLOW_CONTROL_ERROR, "the connection's window grew too large")
        self._advance()

    def _advance(self) -> None:
        """Go on with the streams in line, first come first served."""
        while self._line and self._window > 0 and not self._paused:
            stream = next(iter(self._line))
            del self._line[stream]
            if self._go_on(stream):
                stream.drained()

    def _widen_stream(self, stream: Stream, increment: int) -> None:
        stream.send_window += increment
        if stream.send_window > frames.LARGEST_WINDOW:
            raise ConnectionFault(frames.FLOW_CONTROL_ERROR, "a stream's window grew too large")
        if stream.outgoing and stream not in self._line and self._go_on(stream):
            stream.drained()

    def _widen_streams(self, streams: Iterable[Stream], window: int) -> None:
        """Take what streams may send before the peer widens their windows; it can also become less."""
        change, self._peer_window = window - self._peer_window, window
        if change:
            for stream in streams:
                self._widen_stream(stream, change)

    def _limit_table(self, size: int) -> None:
        """Our blocks use no table; a peer that keeps a small one must be told so once."""
        if size < _TABLE_BYTES:
            self._shrink = _NO_TABLE
