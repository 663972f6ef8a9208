"""A bare HTTPS client that signs and sends exactly what a test says, and nothing else."""

import asyncio
import json
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials, sign_headers
from tests.fakes.tcp import hang_up


@dataclass
class Response:
    """One HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The exception's name."""
        return self.headers.get("x-amzn-errortype", "")

    @property
    def message(self) -> str:
        """The exception's message."""
        return str(json.loads(self.body)["message"])


class RawClient:
    """Opens connections to one listener."""

    def __init__(self, port: int, ca: Path, key_id: str, secret: str) -> None:
        self.port = port
        self.credentials = SigningCredentials(key_id, SecretBytes(secret.encode()), "us-east-1")
        self.tls = ssl.create_default_context(cafile=str(ca))
        self._opened: list[asyncio.StreamWriter] = []

    async def connect(self, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls, **options)
        self._opened.append(writer)
        return reader, writer

    async def aclose(self) -> None:
        """End every connection: one that a test closed may still wait for the server's goodbye."""
        for writer in self._opened:
            await hang_up(writer)

    def signed(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        now: datetime | None = None,
        credentials: SigningCredentials | None = None,
        **unsigned: str,
    ) -> bytes:
        """Return the head of a signed request; `unsigned` headers (with underscores) are added after."""
        raw_path, _, query = path.partition("?")
        given = {"host": f"127.0.0.1:{self.port}", **(headers or {})}
        when = now or datetime.now(UTC)
        signed = sign_headers(
            credentials or self.credentials, method, raw_path.encode(), query.encode(), given, body, when
        )
        signed |= {name.replace("_", "-"): value for name, value in unsigned.items()}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in signed.items())]
        return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode()

    async def send(self, data: bytes) -> Response:
        """Send bytes on a connection of their own and read one response."""
        reader, writer = await self.connect()
        try:
            writer.write(data)
            return await read_response(reader)
        finally:
            await hang_up(writer)

    async def request(self, method: str, path: str, body: bytes = b"", **options: Any) -> Response:
        """Sign, send, and read the response."""
        return await self.send(self.signed(method, path, body, **options) + body)


async def read_response(reader: asyncio.StreamReader) -> Response:
    """Read one response with a Content-Length or in chunks."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = b""
        while True:
            size = int((await reader.readline()).strip() or b"0", 16)
            body += (await reader.readexactly(size + 2))[:-2]
            if size == 0:
                break
    return Response(int(first.split(" ")[1]), headers, body)
