"""Single calls without sockets: `start` and on for our client, `ask` and `status` for our server."""

import asyncio

import h2.events
import pytest

from services.chassis.http2 import frames
from services.chassis.http2.call import Call
from services.chassis.http2.client import ClientConnection
from services.chassis.http2.headers import encode_fields, request_head, timeout_field
from services.chassis.http2.messages import message
from services.chassis.http2.status import RpcError
from tests.fakes.http2 import HEAD, LibraryPeer

WELL = (("grpc-status", "0"),)
_PATH = request_head("triton.internal", "/s/m") + timeout_field(10)


def start(client: ClientConnection, payload: bytes = b"ask", timeout_s: float | None = 10.0) -> Call:
    """Begin a call of our client."""
    return client.start(_PATH, message(payload), timeout_s)


async def failure(call: Call) -> RpcError:
    """Return the error with which a call ends."""
    with pytest.raises(RpcError) as caught:
        await asyncio.wait_for(call.read(), 1)
    return caught.value


async def rest(call: Call) -> list[bytes]:
    """Read a call to its end."""
    messages = []
    while (one := await asyncio.wait_for(call.read(), 1)) is not None:
        messages.append(one)
    return messages


def answer(*fields: tuple[str, str], stream: int = 1, end: bool = True) -> bytes:
    """Return the HEADERS frame of an answer to our client."""
    flags = frames.END_HEADERS | (frames.END_STREAM if end else 0)
    return frames.frame(frames.HEADERS, flags, stream, encode_fields(fields))


def ask(client: LibraryPeer, payload: bytes = b"ask", *extra: tuple[str, str], path: str = "/s/unary") -> int:
    """Send a request to our server and return its stream."""
    stream: int = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, [(n, path if n == ":path" else v) for n, v in (*HEAD, *extra)])
    client.send_message(stream, payload, end=True)
    return stream


def status(client: LibraryPeer, stream: int) -> str | None:
    """Return the gRPC status of our server's answer."""
    blocks = client.of(h2.events.TrailersReceived, stream) or client.of(h2.events.ResponseReceived, stream)
    return dict(blocks[-1].headers).get("grpc-status") if blocks else None
