"""TCP servers that are over when a test is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(handle: Handler, **options: Any) -> AsyncIterator[int]:
    """Serve connections on a port of the loopback, and close them when `handle` returns or at the end.

    None is left to its client: a client's `close` may return before its connection ends (gRPC's is ended by a
    thread of its own), and a loop that ends first would leave an open socket behind.
    """
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError):
                await handle(reader, writer)
        finally:
            await hang_up(writer)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in connections:
            each.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection; TLS' goodbye is not waited for."""
    # Python 3.11.2 raises AttributeError when a TLS connection is over already.
    with contextlib.suppress(AttributeError):
        writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes from one connection to another until either ends."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
