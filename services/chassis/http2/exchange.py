"""One call at the server: what gRPC calls a servicer context, as far as the server factory uses one."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import quote

from grpc import StatusCode

from services.chassis.http2 import frames
from services.chassis.http2.headers import encode_fields, metadata
from services.chassis.http2.messages import Messages, message
from services.chassis.http2.sending import Stream

_RESPONSE = encode_fields(((":status", "200"), ("content-type", "application/grpc")))
_WELL = encode_fields((("grpc-status", "0"),))
_TIMEOUT_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_TIMEOUT_DIGITS = 8
_LENGTH_DIGITS = 12
_TOO_LONG = "the answer is longer than messages may be"
_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


class AbortError(Exception):
    """The call ends with a status other than OK, which was noted."""


class Carrier(Protocol):
    """The connection, as a call sees it."""

    peer: str
    identities: Sequence[bytes]
    loop: asyncio.AbstractEventLoop

    def send_data(self, stream: Stream, head: bytes, data: bytes, flags: int, tail: bytes = b"") -> bool:
        """Send as the windows allow; True when all of it went."""

    def send(self, data: bytes) -> None:
        """Send frames."""

    def header_frame(self, stream_id: int, flags: int, block: bytes) -> bytes:
        """Return the frame of a header block."""

    def waits(self, call: "Exchange") -> None:
        """A part of the answer waits for the peer to read."""

    async def writable(self) -> None:
        """Wait while the peer does not read."""

    def done(self, call: "Exchange") -> None:
        """The answer has ended: what still waits of it is not sent, for nothing may follow the status."""


class Exchange(Stream):
    """A request that came, and its answer. For the event loop's thread."""

    __slots__ = (
        "_ended",
        "_fields",
        "_head",
        "_largest",
        "_sent",
        "_trailing",
        "carrier",
        "deadline",
        "declared",
        "outlasts",
        "path",
        "requests",
        "task",
        "timer",
    )

    def __init__(
        self,
        carrier: Carrier,
        known: Mapping[str, str],
        fields: Sequence[tuple[str, str]],
        largest: int,
        now: float,
    ) -> None:
        """Only ServerConnection makes one: `fields` as they came, `known` by name.

        Raises ValueError when one cannot be read.
        """
        super().__init__()
        self.carrier = carrier
        self.path = known[":path"]
        self.requests = Messages(largest)
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.deadline: float | None = None
        """Time of the loop by which the caller wants its answer."""
        self.outlasts = False
        """The deadline is later than the time by which the request must have come."""
        self.declared: int | None = None
        """How many bytes the request says to have."""
        self._fields = fields
        self._largest = largest
        self._head = _RESPONSE
        self._trailing: list[tuple[str, str]] = []
        self._sent: asyncio.Future[None] | None = None
        self._ended = False
        if "grpc-timeout" in known:
            self.deadline = now + _seconds(known["grpc-timeout"])
        if "content-length" in known:
            self.declared = _bytes(known["content-length"])

    # What servicers and the server factory use

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """Return the request's fields; binary ones decoded."""
        return tuple(metadata(self._fields))

    def peer(self) -> str:
        """Return the client's address as gRPC writes it."""
        return self.carrier.peer

    def peer_identities(self) -> Sequence[bytes]:
        """Return the subject alternative names of the client's certificate."""
        return self.carrier.identities

    def time_remaining(self) -> float | None:
        """Return the seconds until the deadline, None without one."""
        return None if self.deadline is None else self.deadline - self.carrier.loop.time()

    def set_trailing_metadata(self, trailing: Sequence[tuple[str, str | bytes]]) -> None:
        """Send these fields with the status."""
        self._trailing = [
            (name, value if isinstance(value, str) else base64.b64encode(value).decode().rstrip("="))
            for name, value in trailing
        ]

    async def abort(self, code: StatusCode, details: str) -> None:
        """End the call with a status: raises AbortError."""
        self.finish(code, details)
        raise AbortError

    async def write(self, payload: bytes) -> None:
        """Send a message of the answer, waiting while the client does not read."""
        if self._ended:
            return
        if len(payload) > self._largest:
            await self.abort(StatusCode.RESOURCE_EXHAUSTED, _TOO_LONG)
        head, self._head = self._head, b""
        if head:
            head = self.carrier.header_frame(self.stream_id, 0, head)
        if not self.carrier.send_data(self, head, message(payload), 0):
            self._sent = self.carrier.loop.create_future()
            self.carrier.waits(self)
            await self._sent
            if self.deadline is None and self.timer is not None:
                self.timer.cancel()
        await self.carrier.writable()

    # What the connection uses

    @property
    def ended(self) -> bool:
        """True once the answer is complete or nobody waits for it."""
        return self._ended

    def answer(self, payload: bytes) -> None:
        """Send the only message of the answer, and that all is well."""
        if len(payload) > self._largest:
            self.finish(StatusCode.RESOURCE_EXHAUSTED, _TOO_LONG)
        if self._ended:
            return
        self._ended = True
        head = self.carrier.header_frame(self.stream_id, 0, self._head)
        tail = self.carrier.header_frame(self.stream_id, frames.END_STREAM, _WELL)
        if self.carrier.send_data(self, head, message(payload), 0, tail):
            self.carrier.done(self)

    def finish(self, code: StatusCode, details: str) -> None:
        """Send the status; without a message before it, as the only header block."""
        if self._ended:
            return
        self._ended = True
        if code is StatusCode.OK and not self._trailing:
            block = self._head + _WELL
        else:
            fields = [("grpc-status", str(code.value[0])), ("grpc-message", quote(details, safe=_PRINTABLE))]
            block = self._head + encode_fields((*fields, *self._trailing))
            if len(block) > frames.DEFAULT_FRAME_SIZE:
                # More than clients take. The code alone tells them enough.
                block = self._head + encode_fields(fields[:1])
        self.carrier.send(self.carrier.header_frame(self.stream_id, frames.END_STREAM, block))
        self.carrier.done(self)

    def abandon(self) -> None:
        """Nobody waits for the answer any more."""
        self._ended = True
        if self._sent is not None and not self._sent.done():
            self._sent.set_result(None)

    def drained(self) -> None:
        """What waited was sent."""
        if self._ended:
            self.carrier.done(self)
        elif self._sent is not None and not self._sent.done():
            self._sent.set_result(None)


def _bytes(length: str) -> int:
    if not (length.isascii() and length.isdigit() and len(length) <= _LENGTH_DIGITS):
        raise ValueError("content-length must be a number")
    return int(length)


def _seconds(timeout: str) -> float:
    digits, unit = timeout[:-1], timeout[-1:]
    if unit not in _TIMEOUT_UNITS or not (
        digits.isascii() and digits.isdigit() and len(digits) <= _TIMEOUT_DIGITS
    ):
        raise ValueError("grpc-timeout must be up to eight digits and one of H M S m u n")
    return int(digits) * _TIMEOUT_UNITS[unit]
