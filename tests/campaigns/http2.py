"""Our HTTP/2: header blocks against the library hpack, and both ends against whatever may come."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from unittest.mock import patch

from hpack import Decoder, HPACKError

from services.chassis.http2 import frames, headers
from services.chassis.http2.client import ClientConnection
from services.chassis.http2.frames import ConnectionFault, FrameReader
from services.chassis.http2.headers import MAX_HEADER_BYTES, HeaderDecoder, encode_fields
from services.chassis.http2.messages import message
from services.chassis.http2.protocol import Http2Protocol
from tests.campaigns.campaign import Campaign, Finding
from tests.campaigns.http2_cases import any_blocks, any_frames, legal_blocks
from tests.fakes.http2 import HEAD, FakeTransport, RawPeer, Serving, handler


class Http2Campaign(Campaign):
    """One case is one connection's header blocks, or what one hostile peer sends."""

    name = "http2"
    summary = (
        "Header blocks, legal or not, in any order on one connection, mean what the library hpack says or "
        "are refused with it; whatever frames and bytes come, our server and client raise nothing, answer in "
        "whole frames, end with a GOAWAY when they hang up, and keep nothing of the connection."
    )
    fault = "a decoder that does not put into the dynamic table what it is asked to."
    sources = (
        "services/chassis/http2",
        "tests/campaigns/http2.py",
        "tests/campaigns/http2_cases.py",
        "tests/fakes/http2.py",
    )

    def case(self, seed: int, index: int) -> None:
        """Run one of the kinds of cases."""
        random = self.random(seed, index)
        random.choice(_KINDS)(random)

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Read every plain literal as if the table had no room."""
        plain = headers._plain
        with patch.object(headers, "_plain", lambda block, _no_table: plain(block, True)):
            yield


def outcome(decode: Callable[[bytes], Iterable[Any]], block: bytes) -> list[tuple[str, str]] | str:
    """Return the fields of a block, or "refused"."""
    try:
        return [(str(name), str(value)) for name, value in decode(block)]
    except (HPACKError, ConnectionFault):
        return "refused"


def compare(sequence: Iterable[bytes]) -> None:
    """Decode with ours and with the library's until either refuses: both must at the same block."""
    ours, library = HeaderDecoder(), Decoder(MAX_HEADER_BYTES)
    for block in sequence:
        expected, given = outcome(library.decode, block), outcome(ours.decode, block)
        if given != expected:
            raise Finding(f"the block {block.hex()} means {expected}, and was read as {given}")
        if expected == "refused":
            return


def _legal(random: Random) -> None:
    compare(legal_blocks(random))


def _any(random: Random) -> None:
    compare(any_blocks(random))


def _server(random: Random) -> None:
    asyncio.run(_serve(any_frames(random), random))


def _client(random: Random) -> None:
    asyncio.run(_call(any_frames(random), random))


def _bytes(random: Random) -> None:
    """Send one piece of noise to both ends."""
    noise = [random.randbytes(random.randint(0, 300))]
    asyncio.run(_serve(noise, random))
    asyncio.run(_call(noise, random))


_KINDS = (_legal, _any, _any, _server, _client, _bytes)


async def _serve(sent: list[bytes], random: Random) -> None:
    serving = Serving()

    async def echo(payload: bytes, _context: Any) -> bytes:
        return payload * 30

    async def twice(payload: bytes, context: Any) -> None:
        await context.write(payload)
        await context.write(bytes(70_000))

    serving.handlers.update({"/s/unary": handler(echo), "/s/stream": handler(twice, streaming=True)})
    peer = serving.raw()
    await _send(peer, sent, random)
    peer.ours.connection_lost(None)
    await _turns()
    _require(serving.budget.used == 0, "the server keeps budget of a lost connection")
    _require(not serving.open, "the server counts a lost connection as open")
    _require(not peer.ours.tasks, "calls of a lost connection go on")  # type: ignore[attr-defined]


async def _call(sent: list[bytes], random: Random) -> None:
    ours = ClientConnection(1000)
    peer = RawPeer(ours, FakeTransport(), preface=False)
    calls = [ours.start(encode_fields(HEAD), message(bytes(size)), 10) for size in (0, 70_000, 10)]
    await _send(peer, sent, random)
    if peer.transport.closed:
        _require(all(call.ended for call in calls), "the client hung up and left a call waiting")
    ours.connection_lost(None)
    _require(all(call.ended for call in calls), "a call waits for a lost connection")
    _require(not ours._queued, "the client keeps what it wanted to send")
    _require(not ours._line, "the client keeps its line of waiting calls")


async def _send(peer: RawPeer, sent: list[bytes], random: Random) -> None:
    for one in sent:
        peer.send(one)
        if random.random() < 0.5:
            await _turns()
    await _turns()
    _look(peer, peer.ours)


def _look(peer: RawPeer, ours: Http2Protocol) -> None:
    """Check that what our end wrote are whole frames, of which a GOAWAY is the last if it hung up."""
    reader = FrameReader(2**24)
    written = list(reader.feed(bytes(peer.transport.written)))
    peer.transport.written.clear()
    _require(not reader._pieces.missing, "part of a frame was written")
    if peer.transport.closed:
        _require(bool(written) and written[-1][0] == frames.GOAWAY, "hung up without a GOAWAY")
        _require(ours._transport is None, "the transport is kept after hanging up")
        _require(not ours._streams(), "streams are kept after hanging up")
    kinds = {kind for kind, *_ in written}
    _require(not kinds & {frames.PUSH_PROMISE, frames.PRIORITY}, "frames were written that we never send")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Finding(otherwise)


async def _turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)
